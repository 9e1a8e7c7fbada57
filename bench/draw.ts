/**
 * `npm run docs:performance`: makes the tables and charts of docs/performance.md out of docs/performance/results.json, which
 * is what `npm run bench -- speed --out docs/performance/results.json` wrote. Charts follow the reader's light or dark theme.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { barChart, lineChart } from './lib/speed/charts.ts'
import { type Figure, median, type Results } from './lib/speed/results.ts'

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url))

const NAMES: Readonly<Record<string, string>> = {
  roomful: 'Roomful',
  'roomful-sqlite': 'Roomful, SQLite',
  'roomful-socketio': 'Roomful, Socket.IO clients',
  before: 'earlier build',
  'before-sqlite': 'earlier build, SQLite',
  'before-socketio': 'earlier build, Socket.IO clients',
  bun: 'Bun publish',
  'ws-gathered': 'ws, gathered writes',
  'ws-naive': 'ws, a send each',
  socketio: 'Socket.IO',
}

const nameOf = (peer: string): string => NAMES[peer] ?? peer

const UNITS: Readonly<Record<string, number>> = { 'deliveries/s': 1_000 }

/** `1,234`, `12.3`, `0.71`; deliveries in thousands. */
function written(metric: string, value: number): string {
  const scaled = value / (UNITS[metric] ?? 1)
  const digits = scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2
  return scaled.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

const headOf = (metric: string): string => (UNITS[metric] === undefined ? metric : `${metric}, thousands`)

function cell({ metric, runs }: Figure): string {
  if (runs.length === 0) return '–'
  const range = runs.length > 1 ? ` (${written(metric, Math.min(...runs))}–${written(metric, Math.max(...runs))})` : ''
  return `${written(metric, median(runs))}${range}`
}

/** A line for each server, or for each workload and server; a column for each metric. */
function tableOf(figures: readonly Figure[]): string {
  const metrics = [...new Set(figures.map(({ metric }) => metric))]
  const isOne = new Set(figures.map(({ workload }) => workload)).size === 1
  const lines = Map.groupBy(figures, ({ peer, title }) => (isOne ? nameOf(peer) : `${title}: ${nameOf(peer)}`))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rows = Array.from(lines, ([name, each]) =>
    line([
      name,
      ...metrics.map((metric) => {
        const figure = each.find((one) => one.metric === metric)
        return figure ? cell(figure) : '–'
      }),
    ]),
  )
  return [line(['', ...metrics.map(headOf)]), line(['---', ...metrics.map(() => '---:')]), ...rows].join('\n')
}

function draw({ figures }: Results): Readonly<Record<string, string>> {
  const of = (workload: string, metric: string): Figure[] =>
    figures.filter((each) => each.workload === workload && each.metric === metric && each.runs.length > 0)
  const bars = (workload: string, metric: string, title: string): string =>
    barChart(
      title,
      of(workload, metric)
        .map(({ peer, runs }) => ({
          name: nameOf(peer),
          isOurs: peer.startsWith('roomful'),
          value: median(runs),
          least: Math.min(...runs),
          most: Math.max(...runs),
          label: written(metric, median(runs)),
        }))
        .toSorted((a, b) => b.value - a.value),
    )
  const shape = figures
    .filter(({ peer, metric }) => peer === 'roomful' && metric === 'server CPU µs a delivery')
    .filter(({ workload }) => /^room-of-\d+$/.test(workload))
    .map(({ workload, runs }) => ({ x: Number(workload.slice('room-of-'.length)), runs }))
  return {
    'w1w8.svg': bars('W1w8', 'deliveries/s', 'One room of 1,000: deliveries a second, thousands'),
    'w2.svg': bars('W2', 'deliveries/s', '100 rooms of ten: deliveries a second, thousands'),
    'w6.svg': bars('W6', 'deliveries/s', '500 rooms of two: deliveries a second, thousands'),
    'memory.svg': bars('memory', 'B a connection', 'Memory of an idle connection, bytes'),
    'connects.svg': bars('connects', 'connects/s', 'Connects with a join, a second'),
    'shape.svg': lineChart('Server CPU for one delivery, µs, by subscribers of the room', shape),
  }
}

/** The page with new tables between its marks. */
function fillIn(page: string, { figures, at, commit, before, machine, versions }: Results): string {
  const about = [
    `${at.slice(0, 10)}, commit ${commit}${before === undefined ? '' : `, earlier build ${before}`}`,
    `${machine}; ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
  ].join('. ')
  return page.replace(/<!-- made: (\S+) -->\n[\s\S]*?<!-- end -->/g, (_, workload: string) => {
    const text =
      workload === 'about'
        ? `${about}.`
        : tableOf(figures.filter((each) => workload.split('+').includes(each.workload)))
    return `<!-- made: ${workload} -->\n\n${text}\n\n<!-- end -->`
  })
}

if (import.meta.main) {
  const results = JSON.parse(readFileSync(`${DOCS}performance/results.json`, 'utf8')) as Results
  for (const [name, svg] of Object.entries(draw(results))) writeFileSync(`${DOCS}performance/${name}`, svg)
  const page = `${DOCS}performance.md`
  writeFileSync(page, fillIn(readFileSync(page, 'utf8'), results))
}
