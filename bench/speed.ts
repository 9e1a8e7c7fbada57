/**
 * Every row of speed and memory in docs/requirements.md, beside other servers in the same run. The server has one core and
 * the load another; each run has a fresh server, and the peers take turns, since a machine changes from minute to minute.
 * The runs are written to bench/results/speed-….json, with medians, the least and the most. `npm run docs:performance` makes
 * tables and charts of one of them. Needs a C compiler, and Linux for the CPU time in /proc; Bun is installed when it is
 * first needed.
 *
 *   npm run bench -- speed [--only W1w8,W2,acks] [--peers roomful,bun] [--repeats 3] [--seconds 3] [--before ../older] [--out file.json]
 *
 * `--before` names another checkout of this project, whose build is measured as one more peer.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureAcks } from './acks.ts'
import { measureJoins, measureRooms } from './lib/speed/growth.ts'
import { measureSdkLatency, measureWsLatency } from './lib/speed/latency.ts'
import { type Peer, peersOf } from './lib/speed/peers.ts'
import { type Figure, median, type Results } from './lib/speed/results.ts'
import { type Figures, WORKLOADS } from './lib/speed/workloads.ts'
import { table, whole } from './lib/table.ts'
import { measureReturn } from './reconnect.ts'
import { measureSse } from './sse.ts'

interface Task {
  readonly row: string
  readonly title: string
  readonly peers: Readonly<Record<string, (seconds: number) => Promise<Figures>>>
}

/** What does not go through the load generator. */
function ownTasks(before: string | undefined): Readonly<Record<string, Task>> {
  const scripts = { roomful: 'server.ts', ...(before !== undefined && { before: resolve(before, 'bench/server.ts') }) }
  const each = (measure: (script: string, seconds: number) => Promise<Figures>): Task['peers'] =>
    Object.fromEntries(
      Object.entries(scripts).map(([name, script]) => [name, (seconds: number) => measure(script, seconds)]),
    )
  const load = { publishers: 100, store: 'sqlite', rate: 10_000 }
  const pinned = availableParallelism() > 1 ? ['taskset', '--cpu-list', '0'] : []
  return {
    acks: {
      row: 'P7',
      title: 'messages with keys, acknowledged once they are in SQLite, as fast as they go',
      peers: each(async (script, seconds) => {
        const { perSecond, mainUs } = await measureAcks({ ...load, seconds, outstanding: 32 }, script)
        return { 'acks/s': perSecond, 'main thread CPU µs': mainUs }
      }),
    },
    'acks-at-10000': {
      row: 'P7',
      title: '10,000 of them a second',
      peers: each(async (script, seconds) => {
        const { p50Ms, p99Ms } = await measureAcks({ ...load, seconds, outstanding: undefined }, script)
        return { 'p50 ms': p50Ms, 'p99 ms': p99Ms }
      }),
    },
    return: {
      row: 'P8',
      title: '5,000 clients return at once, with 50 events missed each',
      peers: each(async (script) => {
        const { seconds, steadyBytes, peakBytes } = await measureReturn(5_000, 50, 'memory', script)
        return { 'seconds until all have them': seconds, 'memory at the peak': peakBytes / steadyBytes }
      }),
    },
    ...Object.fromEntries(
      [10, 10_000].map((members) => [
        `join-of-${members}`,
        {
          row: 'P9',
          title: `a client enters and leaves a room of ${members}`,
          peers: each((script) => measureJoins(members, script)),
        },
      ]),
    ),
    ...Object.fromEntries(
      [250, 50_000].map((rooms) => [
        `publish-in-${rooms}`,
        {
          row: 'P9',
          title: `a message of a client to itself, by turns in ${rooms} rooms`,
          peers: each((script) => measureRooms(rooms, script)),
        },
      ]),
    ),
    sse: {
      row: 'P10',
      title: 'fan-out to 1,000 event streams beside a loop of res.write',
      peers: {
        roomful: async (seconds) => {
          const { measured, ratios } = await measureSse({ streams: 1_000, window: 64, seconds, rounds: 1 })
          const [ours, naive] = measured.map(({ rounds }) => rounds[0]?.cpuUsPerDelivery ?? Number.NaN)
          return { ...pick('CPU µs a delivery', ours), ...pick('of the loop', naive), ...pick('ratio', ratios[0]) }
        },
      },
    },
    latency: {
      row: 'P14',
      title: 'one message at a time between two clients of an idle server, sent to received',
      peers: {
        roomful: () => measureSdkLatency(pinned).then(copy),
        'ws-naive': () => measureWsLatency(pinned).then(copy),
      },
    },
  }
}

const pick = (name: string, value: number | undefined): Figures => ({ [name]: value ?? Number.NaN })
const copy = (figures: object): Figures => ({ ...figures })

function tasksOf(before: string | undefined): Readonly<Record<string, Task>> {
  const peers: Readonly<Record<string, Peer>> = peersOf(before)
  const loaded = Object.entries(WORKLOADS).map(([name, workload]): [string, Task] => {
    const present = workload.peers.filter((peer) => peers[peer] !== undefined)
    const measures = present.map((peer) => [peer, (s: number) => workload.measure(peers[peer] as Peer, s)] as const)
    return [name, { row: workload.row, title: workload.title, peers: Object.fromEntries(measures) }]
  })
  return { ...Object.fromEntries(loaded), ...ownTasks(before) }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      repeats: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      before: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const tasks = tasksOf(values.before)
  const names = values.only?.split(',') ?? Object.keys(tasks)
  const unknown = names.filter((name) => tasks[name] === undefined)
  if (unknown.length > 0)
    throw new Error(`There is no workload ${unknown.join(', ')}; there are ${Object.keys(tasks).join(', ')}`)
  const wanted = values.peers?.split(',')
  const figures: Figure[] = []
  for (const name of names) {
    const { row, title, peers } = tasks[name] as Task
    const chosen = Object.keys(peers).filter((peer) => wanted?.includes(peer) ?? true)
    const runs = await takeTurns(chosen, Number(values.repeats), (peer) => peers[peer]?.(Number(values.seconds)), name)
    for (const peer of chosen) {
      const all = runs.get(peer) ?? []
      for (const metric of Object.keys(all[0] ?? {})) {
        figures.push({ row, workload: name, title, peer, metric, runs: all.map((each) => each[metric] ?? Number.NaN) })
      }
    }
    write({ ...about(values.before), figures }, values.out)
  }
  return `${summary(figures)}\nThe runs are in ${write({ ...about(values.before), figures }, values.out)}`
}

/** Those who come first come last in the next round. A run that fails is said, and left out. */
async function takeTurns(
  peers: readonly string[],
  repeats: number,
  measure: (peer: string) => Promise<Figures> | undefined,
  name: string,
): Promise<Map<string, Figures[]>> {
  const runs = new Map<string, Figures[]>(peers.map((peer) => [peer, []]))
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const peer of repeat % 2 === 0 ? peers : peers.toReversed()) {
      try {
        const figures = await measure(peer)
        if (figures) runs.get(peer)?.push(figures)
        process.stderr.write(`${name} ${peer}: ${sentence(figures ?? {})}\n`)
      } catch (error) {
        process.stderr.write(`${name} ${peer} failed: ${error instanceof Error ? error.message : String(error)}\n`)
      }
    }
  }
  return runs
}

const sentence = (figures: Figures): string =>
  Object.entries(figures)
    .map(([metric, value]) => `${metric} ${rounded(value)}`)
    .join(', ')

const rounded = (value: number): string => (value >= 100 ? whole(value) : value.toFixed(2))

function summary(figures: readonly Figure[]): string {
  const rows = figures.map(({ row, workload, peer, metric, runs }) => [
    `${row} ${workload}`,
    peer,
    metric,
    rounded(median(runs)),
    `${rounded(Math.min(...runs))}–${rounded(Math.max(...runs))}`,
  ])
  return table(['', 'server', '', 'median', 'least–most'], rows)
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

function commitOf(folder: string): string {
  return execFileSync('git', ['-C', folder, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, 'utf8')) as { version: string }).version
}

const startedAt = new Date().toISOString()

function about(before: string | undefined): Omit<Results, 'figures'> {
  return {
    at: startedAt,
    commit: commitOf(ROOT),
    ...(before !== undefined && { before: commitOf(before) }),
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, Linux ${release()}`,
    versions: { node: process.version, ws: versionOf('ws'), 'socket.io': versionOf('socket.io'), bun: '1.4.5' },
  }
}

/** @returns where */
function write(results: Results, out = `${ROOT}bench/results/speed-${startedAt.replaceAll(':', '-')}.json`): string {
  mkdirSync(`${ROOT}bench/results`, { recursive: true })
  writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`)
  return out
}
