/**
 * What W2 (100 rooms of ten, everyone publishes with one outstanding) costs with something switched on, beside the same
 * server without it. It is measured twice without, so that the spread of equal runs shows.
 *
 *   tracing    `@roomful/opentelemetry` with the official SDK and exporter: of no, every hundredth, and every request, chosen
 *              by the sampler of the SDK, or before it is asked (`sampleRatio`)
 *   webhooks   each message is sent to a receiver, which takes it
 *
 *   npm run bench -- tracing [--repeats 3] [--seconds 3]
 *   npm run bench -- webhooks
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runLoad } from './lib/load.ts'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

const PINNED = availableParallelism() > 1
const pinTo = (core: number): readonly string[] => (PINNED ? ['taskset', '--cpu-list', String(core)] : [])

const W2 = [
  ...['--path', '/ws/bench', '--step', '{"type":"room:join","roomId":"r%r","id":"in"}=>"ack":"in"'],
  ...['--message', '{"type":"pub","roomId":"r%r","data":%b}'],
  ...['--clients', '1000', '--members', '10', '--publishers', '10', '--window', '1'],
]

/** The flags of bench/server.ts, by what is measured; `sink` takes whatever it is sent. */
type Variants = Readonly<Record<string, (sink: string) => readonly string[]>>

const TRACING: Variants = {
  off: () => [],
  'off, again': () => [],
  'SDK samples none': (sink) => ['--tracing', '0', '--collector', sink],
  'SDK samples 1 of 100': (sink) => ['--tracing', '0.01', '--collector', sink],
  'sampleRatio 0': (sink) => ['--tracing', '0', '--early-ratio', '--collector', sink],
  'sampleRatio 0.01': (sink) => ['--tracing', '0.01', '--early-ratio', '--collector', sink],
  'every one': (sink) => ['--tracing', '1', '--collector', sink],
}
const WEBHOOKS: Variants = {
  off: () => [],
  'off, again': () => [],
  webhooks: (sink) => ['--webhooks', `${sink}/webhooks`],
}

export const tracing = (args: readonly string[]): Promise<string> => compare(TRACING, args)
export const webhooks = (args: readonly string[]): Promise<string> => compare(WEBHOOKS, args)

async function compare(variants: Variants, args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: { repeats: { type: 'string', default: '3' }, seconds: { type: 'string', default: '3' } },
  })
  const sink = await openSink()
  const names = Object.keys(variants)
  const found = new Map(names.map((name) => [name, [] as Found[]]))
  try {
    for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
      for (const name of repeat % 2 === 0 ? names : names.toReversed()) {
        const flags = variants[name]?.(sink.origin) ?? []
        found.get(name)?.push(await measure(flags, values.seconds))
      }
    }
  } finally {
    sink.server.close()
  }
  const off = median((found.get('off') ?? []).map(({ perSecond }) => perSecond))
  const rows = Array.from(found, ([name, runs]) => {
    const rates = runs.map(({ perSecond }) => perSecond)
    const spread = `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`
    const cpu = median(runs.map(({ cpuUs }) => cpuUs)).toFixed(2)
    return [name, whole(median(rates)), spread, `${(100 * (median(rates) / off - 1)).toFixed(1)} %`, cpu]
  })
  return table(['W2', 'deliveries/s', 'from–to', 'against off', 'server CPU µs a delivery'], rows)
}

interface Found {
  readonly perSecond: number
  readonly cpuUs: number
}

async function measure(flags: readonly string[], seconds: string): Promise<Found> {
  const server = await ServerProcess.start('server.ts', flags, pinTo(0))
  try {
    const target = ['--port', String(server.port), '--pid', String(server.pid)]
    const result = await runLoad([...target, ...W2, '--seconds', seconds, '--warm-up', '1.5'], pinTo(1))
    const { gaps, reorders, missing, lost } = result.faults
    if (gaps + reorders + missing + lost > 0) throw new Error(JSON.stringify(result.faults))
    const cpuUs = ((result.cpuSeconds[0] ?? 0) * 1e6) / result.deliveries
    return { perSecond: result.deliveries / result.seconds, cpuUs }
  } finally {
    await server.stop()
  }
}

/** A collector or a receiver that takes everything. */
async function openSink(): Promise<{ server: Server; origin: string }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
