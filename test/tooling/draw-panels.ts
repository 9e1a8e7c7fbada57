/** Draws the panels of the dashboard from what Prometheus answered, so that a person can look at them: one page of SVG. */

/** As Prometheus answers a range. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  /** Of one moment. */
  readonly value?: readonly [number, string]
  readonly values?: readonly (readonly [number, string])[]
}

interface Drawn {
  readonly title: string
  readonly series: readonly Series[]
}

const [WIDTH, HEIGHT] = [360, 150]
const COLOURS = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed', '#0891b2', '#be185d', '#4d7c0f']

export function drawPanels(panels: readonly Drawn[]): string {
  const style = 'body{font:12px system-ui;display:grid;grid-template-columns:repeat(3,380px);gap:12px}figure{margin:0}'
  return `<!doctype html><meta charset="utf-8"><style>${style}</style>${panels.map(figure).join('')}\n`
}

function figure({ title, series }: Drawn): string {
  const points = series.flatMap(({ values = [] }) => values).map(([at, value]) => [at, Number(value)] as const)
  const finite = points.filter(([, value]) => Number.isFinite(value))
  const from = Math.min(...finite.map(([at]) => at))
  const to = Math.max(...finite.map(([at]) => at))
  const top = Math.max(...finite.map(([, value]) => value)) || 1
  const x = (at: number): string => (((at - from) / (to - from || 1)) * WIDTH).toFixed(1)
  const y = (value: number): string => (HEIGHT - (value / top) * HEIGHT).toFixed(1)
  const lines = series.map(({ values = [] }, at) => {
    const drawn = values.filter(([, value]) => Number.isFinite(Number(value)))
    const path = drawn.map(([time, value]) => `${x(time)},${y(Number(value))}`).join(' ')
    return `<polyline fill="none" stroke="${COLOURS[at % COLOURS.length]}" stroke-width="1.5" points="${path}"/>`
  })
  const labels = series.map(({ metric, values = [] }, at) => {
    const name = Object.values(metric).join(' ') || 'all'
    return `<span style="color:${COLOURS[at % COLOURS.length]}">${name} ${Number(values.at(-1)?.[1]).toPrecision(3)}</span>`
  })
  const box = `<rect width="${WIDTH}" height="${HEIGHT}" fill="none" stroke="#ccc"/>`
  const svg = `<svg viewBox="-2 -2 ${WIDTH + 4} ${HEIGHT + 4}" width="${WIDTH}">${box}${lines.join('')}</svg>`
  return `<figure><b>${title}</b> (up to ${top.toPrecision(3)})${svg}<figcaption>${labels.join(' · ')}</figcaption></figure>`
}
