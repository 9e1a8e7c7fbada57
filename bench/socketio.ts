/**
 * One application file, bench/peers/socketio-app.ts, on Socket.IO's own server and on `@roomful/socket.io`, side by side in
 * one run, with the same clients: WebSocket, no compression. The server has one core and the load the other, and the peers
 * take turns.
 *
 *   W1w8, W1w64   one room of 1,000, one publisher with 8 or 64 messages outstanding: deliveries a second
 *   W2, W6        100 rooms of ten, 500 rooms of two; everyone publishes with one outstanding
 *   use           W2 with one `io.engine.use`
 *   ping          one client alone in its room with one message outstanding: round trips a second
 *   acks          100 clients with eight requests outstanding each: acknowledgements a second
 *   connects      5,000 clients that connect and join, a second
 *   memory        resident memory per idle client of 5,000, in rooms of ten
 *
 * Needs a C compiler; Linux, for the CPU time in /proc.
 *
 *   npm run bench -- socketio [--workloads W1w8,W2] [--repeats 3] [--seconds 3] [--warm-up 2]
 */
import { availableParallelism } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runLoad } from './lib/load.ts'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

const PEERS = ['socket.io', '@roomful/socket.io'] as const
type Peer = (typeof PEERS)[number]

interface Workload {
  readonly shape: readonly string[]
  readonly args?: readonly string[]
  readonly unit: 'deliveries/s' | 'acks/s' | 'clients/s' | 'bytes'
}

const connect = [
  ...['--path', '/socket.io/?EIO=4&transport=websocket', '--pong', '2=>3'],
  ...['--step', '=>0{', '--step', '40=>40{', '--step', '421["room:join","r%r"]=>431['],
]
const publish = ['--message', '42["pub","r%r",%b]']
const one = (window: string) => [
  ...publish,
  '--clients',
  '1001',
  '--members',
  '1001',
  '--publishers',
  '1',
  '--window',
  window,
]
const rooms = (clients: string, members: string) => [
  ...publish,
  ...['--clients', clients, '--members', members, '--publishers', members, '--window', '1'],
]
/** Hardly a message, so that clients are idle. */
const idle = [...publish, '--clients', '5000', '--members', '10', '--publishers', '1', '--rate', '1']

const WORKLOADS: Readonly<Record<string, Workload>> = {
  W1w8: { shape: one('8'), unit: 'deliveries/s' },
  W1w64: { shape: one('64'), unit: 'deliveries/s' },
  W2: { shape: rooms('1000', '10'), unit: 'deliveries/s' },
  W6: { shape: rooms('1000', '2'), unit: 'deliveries/s' },
  use: { shape: rooms('1000', '10'), args: ['--middleware'], unit: 'deliveries/s' },
  ping: { shape: rooms('1', '1'), unit: 'deliveries/s' },
  acks: {
    shape: [
      ...['--message', '42%n["ask",{"ack":%n}]'],
      ...['--clients', '100', '--members', '1', '--publishers', '1', '--window', '8', '--acks', '1'],
    ],
    unit: 'acks/s',
  },
  connects: { shape: idle, unit: 'clients/s' },
  memory: { shape: idle, unit: 'bytes' },
}

const PINNED = availableParallelism() > 1 ? { server: pinTo(0), load: pinTo(1) } : { server: [], load: [] }

function pinTo(core: number): readonly string[] {
  return ['taskset', '--cpu-list', String(core)]
}

async function measure(name: string, peer: Peer, seconds: string, warmUp: string): Promise<number> {
  const { shape, args = [], unit } = WORKLOADS[name] as Workload
  const server = await ServerProcess.start('peers/socketio-app.ts', ['--library', peer, ...args], PINNED.server)
  try {
    const before = unit === 'bytes' ? await server.collected() : 0
    const times = unit === 'clients/s' ? ['0.1', '0.1'] : unit === 'bytes' ? ['12', '1'] : [seconds, warmUp]
    const load = runLoad(
      [
        ...['--port', String(server.port), '--pid', String(server.pid)],
        ...connect,
        ...shape,
        ...['--seconds', times[0] as string, '--warm-up', times[1] as string],
      ],
      PINNED.load,
    )
    let bytes = 0
    if (unit === 'bytes') {
      await setTimeout(10_000)
      bytes = ((await server.collected()) - before) / 5_000
    }
    const result = await load
    const { lost, gaps, reorders, missing } = result.faults
    if (lost + gaps + reorders + missing > 0) throw new Error(JSON.stringify(result.faults))
    if (unit === 'bytes') return bytes
    if (unit === 'clients/s') return result.enteredPerSecond
    return (unit === 'acks/s' ? result.acks : result.deliveries) / result.seconds
  } finally {
    await server.stop()
  }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workloads: { type: 'string', default: Object.keys(WORKLOADS).join() },
      repeats: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '2' },
    },
  })
  const names = values.workloads.split(',')
  const unknown = names.filter((name) => WORKLOADS[name] === undefined)
  if (unknown.length > 0) {
    throw new Error(`There is no workload ${unknown.join(', ')}; there are ${Object.keys(WORKLOADS).join(', ')}`)
  }
  const rows: string[][] = []
  for (const name of names) {
    const found: Record<Peer, number[]> = { 'socket.io': [], '@roomful/socket.io': [] }
    for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
      for (const peer of repeat % 2 === 0 ? PEERS : PEERS.toReversed()) {
        found[peer].push(await measure(name, peer, values.seconds, values['warm-up']))
      }
    }
    const [theirs, ours] = PEERS.map((peer) => median(found[peer])) as [number, number]
    rows.push([name, WORKLOADS[name]?.unit ?? '', whole(theirs), whole(ours), (ours / theirs).toFixed(2)])
    process.stderr.write(`${rows.at(-1)?.join('  ')}\n`)
  }
  return table(['', 'unit', ...PEERS, 'ratio'], rows)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
