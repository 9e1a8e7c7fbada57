/** Charts as SVG: bars and lines, in the colours of the reader's theme. No script and no font of their own. */
import { median } from './results.ts'

const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.quiet { fill: #59636e; font-size: 12px }
.ours { fill: #0a6cda } .other { fill: #a9b4c0 } .axis { stroke: #d1d9e0 } .range { stroke: #1f2328; stroke-width: 1.5 }
.line { fill: none; stroke: #0a6cda; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .ours { fill: #58a6ff } .other { fill: #59636e } .axis { stroke: #3d444d }
.range { stroke: #e6edf3 } .line { stroke: #58a6ff }
}
</style>`

const WIDTH = 760

export interface Bar {
  readonly name: string
  readonly isOurs: boolean
  readonly value: number
  readonly least: number
  readonly most: number
  /** The value as it is written. */
  readonly label: string
}

const asText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const at = (value: number): string => value.toFixed(1)

function svg(title: string, height: number, parts: readonly string[]): string {
  const heading = `<text class="title" x="12" y="24">${asText(title)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${asText(title)}">\n${[STYLE, heading, ...parts].join('\n')}\n</svg>\n`
}

const ROW = 28
const TOP = 44
const LEFT = 232
const RIGHT = 84

/** The thin line on each bar goes from the least to the most of its runs. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map((bar) => bar.most), 1)
  const scale = (value: number): number => (value / most) * (WIDTH - LEFT - RIGHT)
  const parts = bars.flatMap(({ name, isOurs, value, least, most: top, label }, i) => {
    const y = TOP + i * ROW
    return [
      `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${asText(name)}</text>`,
      `<rect class="${isOurs ? 'ours' : 'other'}" x="${LEFT}" y="${y}" width="${at(Math.max(scale(value), 1))}" height="20" rx="2"/>`,
      `<line class="range" x1="${at(LEFT + scale(least))}" x2="${at(LEFT + scale(top))}" y1="${y + 10}" y2="${y + 10}"/>`,
      `<text x="${at(LEFT + scale(Math.max(value, top)) + 8)}" y="${y + 15}">${label}</text>`,
    ]
  })
  return svg(title, TOP + bars.length * ROW + 8, parts)
}

export interface Point {
  readonly x: number
  readonly runs: readonly number[]
}

const PLOT = { left: 52, right: 740, top: 48, bottom: 240 }

/** By the logarithm of x, from zero; each run is a mark, and the line goes through the medians. */
export function lineChart(title: string, points: readonly Point[]): string {
  const sorted = points.filter(({ runs }) => runs.length > 0).toSorted((a, b) => a.x - b.x)
  const [first, last] = [sorted[0]?.x ?? 1, sorted.at(-1)?.x ?? 10]
  const most = Math.max(...sorted.flatMap(({ runs }) => runs), 0.1) * 1.2
  const x = (value: number): number =>
    PLOT.left + 24 + (Math.log(value / first) / Math.log(last / first || 1)) * (PLOT.right - PLOT.left - 48)
  const y = (value: number): number => PLOT.bottom - (value / most) * (PLOT.bottom - PLOT.top)
  const ticks = [0, 1, 2, 3, 4].map((i) => (most * i) / 4)
  const parts = [
    ...ticks.flatMap((tick) => [
      `<line class="axis" x1="${PLOT.left}" x2="${PLOT.right}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>`,
      `<text class="quiet" x="${PLOT.left - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${tick.toFixed(1)}</text>`,
    ]),
    `<path class="line" d="${sorted.map((each, i) => `${i === 0 ? 'M' : 'L'}${at(x(each.x))} ${at(y(median(each.runs)))}`).join(' ')}"/>`,
    ...sorted.flatMap((each) => [
      ...each.runs.map((run) => `<circle class="ours" cx="${at(x(each.x))}" cy="${at(y(run))}" r="3"/>`),
      `<text class="quiet" x="${at(x(each.x))}" y="${PLOT.bottom + 20}" text-anchor="middle">${each.x.toLocaleString('en-US')}</text>`,
    ]),
  ]
  return svg(title, PLOT.bottom + 36, parts)
}
