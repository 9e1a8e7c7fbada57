/** The report of a load test: one HTML file without anything from elsewhere. */
import type { LoadResult, Second } from './run.ts'

const WIDTH = 720
const HEIGHT = 160
const COLORS = ['#2563eb', '#16a34a', '#dc2626']

interface Line {
  readonly name: string
  readonly of: (second: Second) => number
}

/** @param title names the run */
export function reportInHtml(title: string, result: LoadResult): string {
  const { seconds, totals } = result
  const rows = Object.entries(totals).map(
    ([name, value]) => `<tr><th>${inHtml(name)}</th><td>${inHtml(String(value))}</td></tr>`,
  )
  const charts = [
    chart('Clients', '', seconds, [{ name: 'connected', of: ({ connected }) => connected }]),
    chart('Messages per second', '', seconds, [
      { name: 'sent', of: ({ sent }) => sent },
      { name: 'acknowledged', of: ({ acknowledged }) => acknowledged },
      { name: 'refused', of: ({ refused }) => refused },
    ]),
    chart('Deliveries per second', '', seconds, [{ name: 'received', of: ({ received }) => received }]),
    chart('From sending to receiving', 'ms', seconds, [
      { name: 'median', of: ({ deliveryP50 }) => deliveryP50 },
      { name: '99 %', of: ({ deliveryP99 }) => deliveryP99 },
    ]),
    chart('Acknowledgements', 'ms', seconds, [
      { name: 'median', of: ({ ackP50 }) => ackP50 },
      { name: '99 %', of: ({ ackP99 }) => ackP99 },
    ]),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${inHtml(title)}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #18181b; background: #fff }
  h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 2rem 0 .25rem }
  table { border-collapse: collapse } th { text-align: left; font-weight: 500; padding-right: 2rem } td { text-align: right; font-variant-numeric: tabular-nums }
  th, td { border-bottom: 1px solid #e4e4e7; padding-top: .25rem; padding-bottom: .25rem }
  svg { width: 100%; height: auto } text { font-size: 11px; fill: #52525b } .legend span { margin-right: 1rem }
</style>
<h1>${inHtml(title)}</h1>
<table>
${rows.join('\n')}
</table>
${charts.join('\n')}
`
}

function chart(title: string, unit: string, seconds: readonly Second[], lines: readonly Line[]): string {
  const top = Math.max(1, ...seconds.flatMap((second) => lines.map(({ of }) => of(second))))
  const x = (i: number): number => 40 + (i / Math.max(1, seconds.length - 1)) * (WIDTH - 50)
  const y = (value: number): number => HEIGHT - 20 - (value / top) * (HEIGHT - 30)
  const paths = lines.map(({ of }, i) => {
    const points = seconds.map((second, at) => `${x(at).toFixed(1)},${y(of(second)).toFixed(1)}`).join(' ')
    return `<polyline fill="none" stroke="${COLORS[i]}" stroke-width="1.5" points="${points}"/>`
  })
  const legend = lines.map(({ name }, i) => `<span style="color:${COLORS[i]}">■ ${inHtml(name)}</span>`)
  return `<h2>${inHtml(title)}</h2>
<div class="legend">${legend.join('')}</div>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${inHtml(title)}">
<line x1="40" y1="${HEIGHT - 20}" x2="${WIDTH - 10}" y2="${HEIGHT - 20}" stroke="#a1a1aa"/>
<text x="36" y="14" text-anchor="end">${round(top)} ${unit}</text><text x="36" y="${HEIGHT - 20}" text-anchor="end">0</text>
<text x="40" y="${HEIGHT - 4}">0 s</text><text x="${WIDTH - 10}" y="${HEIGHT - 4}" text-anchor="end">${seconds.length} s</text>
${paths.join('\n')}
</svg>`
}

function round(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toFixed(1)
}

function inHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
