/** What bench/nodes.ts found out, as a table and beside its targets. */
import type { RedisOptions } from '../../scripts/lib/cluster/redis.ts'
import type { LoadResult } from './load.ts'
import { table, whole } from './table.ts'

export type Fsync = RedisOptions['appendfsync']

export interface Run {
  readonly workload: string
  readonly peer: string
  readonly appendfsync: Fsync | 'none'
  readonly repeat: number
  /** Of a room: so many deliveries are one message. */
  readonly members: number
  /** Of all nodes together, and of Redis. */
  readonly nodesCpuSeconds: number
  readonly redisCpuSeconds: number
  readonly result: LoadResult
}

/** Runs of one row: same workload, peer and setting of Redis. */
type Row = readonly Run[]

function rowsOf(runs: readonly Run[]): ReadonlyMap<string, Row> {
  return Map.groupBy(runs, ({ workload, peer, appendfsync }) => [workload, peer, appendfsync].join(' '))
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** What is counted: acknowledgements where nobody is in a room, deliveries otherwise. */
function countOf({ result }: Run): number {
  return result.deliveries > 0 ? result.deliveries : result.acks
}

const nodesUs = (run: Run): number => (run.nodesCpuSeconds * 1e6) / countOf(run)
const redisUs = (run: Run): number => (run.redisCpuSeconds * 1e6) / countOf(run)
/** Nodes and Redis together, for each message that arrived: one that an adapter leaves out is not made cheaper by that. */
const messageUs = (run: Run): number => (nodesUs(run) + redisUs(run)) * (run.result.deliveries > 0 ? run.members : 1)
const perSecond = (run: Run): number => countOf(run) / run.result.seconds

export function tableOf(runs: readonly Run[]): string {
  const spread = (row: Row, of: (run: Run) => number, write: (value: number) => string): string => {
    const all = row.map(of)
    return `${write(median(all))} [${write(Math.min(...all))}–${write(Math.max(...all))}]`
  }
  const two = (value: number): string => value.toFixed(2)
  const latency = (row: Row, of: 'ackMs' | 'crossNodeMs'): string => {
    const at = (part: 'p50' | 'p99'): number => median(row.map(({ result }) => result[of]?.[part] ?? Number.NaN))
    return row.some(({ result }) => result[of] !== null) ? `${two(at('p50'))} / ${two(at('p99'))}` : '–'
  }
  const latencies = ['other node ms, p50 / p99', 'ack ms, p50 / p99']
  const columns = [
    '',
    'AOF',
    'nodes µs',
    'Redis µs',
    'nodes + Redis µs a message',
    'a second',
    ...latencies,
    'left out or out of order',
  ]
  const rows = rowsOf(runs)
    .values()
    .map((row) => {
      const [{ workload, peer, appendfsync }] = row as [Run]
      return [
        `${workload}  ${peer}`,
        appendfsync,
        spread(row, nodesUs, two),
        spread(row, redisUs, two),
        spread(row, messageUs, two),
        spread(row, perSecond, whole),
        latency(row, 'crossNodeMs'),
        latency(row, 'ackMs'),
        whole(Math.max(...row.map(({ result: { faults } }) => faults.gaps + faults.reorders + faults.missing))),
      ]
    })
  return table(columns, [...rows])
}

interface Target {
  readonly workload: string
  readonly sentence: string
  /** Of the medians of ours and the other. */
  readonly of: (run: Run) => number
  readonly against: readonly string[]
  /** True: the other divided by ours, at least so much; false: ours divided by the other, at most. */
  readonly isGain: boolean
  readonly bound: number
}

const adapters = ['redis-adapter', 'redis-streams-adapter']
const TARGETS: readonly Target[] = [
  { workload: 'N1', sentence: 'cheaper for the nodes', of: nodesUs, against: adapters, isGain: true, bound: 4 },
  { workload: 'N2', sentence: 'cheaper for the nodes', of: nodesUs, against: adapters, isGain: true, bound: 3.5 },
  { workload: 'N3', sentence: 'of their CPU a message', of: messageUs, against: adapters, isGain: false, bound: 0.8 },
  { workload: 'N1', sentence: 'N4: of one node', of: nodesUs, against: ['roomful-1'], isGain: false, bound: 1.5 },
  { workload: 'N2', sentence: 'N4: of one node', of: nodesUs, against: ['roomful-1'], isGain: false, bound: 1.6 },
]

/** @returns a line per target that these runs can decide */
export function compare(runs: readonly Run[]): string {
  const lines = TARGETS.flatMap(({ workload, sentence, of, against, isGain, bound }) =>
    against.flatMap((other) => {
      const [ours, theirs] = ['roomful-2', other].map((peer) =>
        median(runs.filter((run) => run.workload === workload && run.peer === peer).map(of)),
      ) as [number, number]
      if (Number.isNaN(ours + theirs)) return []
      const ratio = isGain ? theirs / ours : ours / theirs
      const isMet = isGain ? ratio >= bound : ratio <= bound
      const wanted = `${isGain ? 'at least' : 'at most'} ${bound}`
      return [
        `${workload} against ${other}: ${ratio.toFixed(2)} × ${sentence} (${wanted}): ${isMet ? 'met' : 'missed'}`,
      ]
    }),
  )
  return [...lines, ...decideAcks(runs)].join('\n')
}

function decideAcks(runs: readonly Run[]): string[] {
  const ours = rowsOf(runs.filter(({ workload, peer }) => peer === 'roomful-2' && /N[56]/.test(workload))).values()
  return [...ours].flatMap((row) => {
    const [{ workload, appendfsync }] = row as [Run]
    if (workload === 'N5') {
      const [rate, redis] = [median(row.map(perSecond)), median(row.map(redisUs))]
      const wanted = appendfsync === 'always' ? 30_000 : 40_000
      return [
        `N5 ${appendfsync}: ${whole(rate)} acks/s (at least ${whole(wanted)}): ${rate >= wanted ? 'met' : 'missed'}`,
        `N5 ${appendfsync}: Redis ${redis.toFixed(1)} µs an entry (at most 12): ${redis <= 12 ? 'met' : 'missed'}`,
      ]
    }
    return (['ackMs', 'crossNodeMs'] as const).map((name) => {
      const [p50, p99] = (['p50', 'p99'] as const).map((part) =>
        median(row.map(({ result }) => result[name]?.[part] ?? Number.NaN)),
      ) as [number, number]
      const isMet = p50 <= 2 && p99 <= 15
      return `N6 ${name}: ${p50.toFixed(2)} / ${p99.toFixed(2)} (at most 2 / 15): ${isMet ? 'met' : 'missed'}`
    })
  })
}
