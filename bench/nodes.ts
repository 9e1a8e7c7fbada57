/**
 * Two nodes and one Redis beside Socket.IO with both of its Redis adapters, under the same load, in one run. Nodes and
 * Redis share one core and the load has the other, but for N5 and N6, which are about a rate; each run has fresh servers, and the peers take turns, since a shared
 * machine changes from minute to minute. Each room is spread over both nodes. A gap, a reordering or a loss of ours fails the
 * bench; those of the others are in the table.
 *
 *   N1  one room of 400, one publisher with eight messages outstanding
 *   N2  40 rooms of ten, everyone publishes with one outstanding
 *   N3  200 rooms of two, one member on each node, both publish with one outstanding
 *   N5  acknowledged messages with keys: 100 publishers with 32 outstanding each, 100 rooms without members
 *   N6  10,000 acknowledged messages a second in 100 rooms of two: latency of the ack and of the other node's delivery
 *
 *   N7 to N10  many joins, a node killed, Redis killed, everyone coming back with events missed: bench/lib/outages.ts
 *   N11  long-polling through nginx: bench/polling.ts
 *
 * N4 is two nodes of ours against one, of N1 and N2. What is measured comes after a warm-up: each node has to compile what
 * it runs, which two nodes do twice. The table has medians, with the least and the most in brackets; the
 * runs are in bench/results. Needs redis-server, nginx and a C compiler; Linux, for the CPU time in /proc.
 *
 *   npm run bench -- nodes [--workloads N1,N2] [--peers roomful-2,socketio-1] [--repeats 3] [--seconds 3] [--warm-up 6] [--appendfsync everysec]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../scripts/lib/cluster/ports.ts'
import { startRedis } from '../scripts/lib/cluster/redis.ts'
import { runLoad } from './lib/load.ts'
import { compare, type Fsync, type Run, tableOf } from './lib/nodes-table.ts'
import { measureJoins, measureNodeDeath, measureRedisDeath, measureReturnAfterDeath } from './lib/outages.ts'
import { ServerProcess } from './lib/server-process.ts'
import { run as polling } from './polling.ts'

interface Peer {
  readonly name: string
  readonly nodes: number
  readonly script: string
  /** `REDIS` stands for the address of Redis; a peer that does not name it runs without. */
  readonly args: readonly string[]
  /** How its clients enter a room and publish; see bench/load/load.c. */
  readonly client: readonly string[]
  /** The same with an acknowledgement and a key; only for ours. */
  readonly acked?: { readonly enter: readonly string[]; readonly message: readonly string[] }
}

const socketIo = [
  ...['--path', '/socket.io/?EIO=4&transport=websocket', '--pong', '2=>3'],
  ...['--step', '=>0{', '--step', '40=>40{', '--step', '42["join","r%r"]=>joined'],
  ...['--message', '42["pub","r%r",%b]'],
]
const enterRoomful = ['--step', '{"type":"room:join","roomId":"r%r","id":"in"}=>"ack":"in"']
const roomful = ['--path', '/ws/bench', ...enterRoomful, '--message', '{"type":"pub","roomId":"r%r","data":%b}']
const acked = {
  enter: enterRoomful,
  message: [
    ...['--path', '/ws/bench'],
    ...['--message', '{"type":"message:send","roomId":"r%r","content":"%t","id":%n,"key":"%k"}'],
  ],
}
const roomfulBySocketIo = [
  ...['--path', '/socket.io/?EIO=4&transport=websocket', '--pong', '2=>3'],
  ...['--step', '=>0{', '--step', '40=>40{', '--step', '421["room:join",{"roomId":"r%r"}]=>431['],
  ...['--message', '42["pub",{"roomId":"r%r","data":%b}]'],
]
const socketIoNode = 'peers/socketio-node.ts'
const onRedis = ['--store', 'redis', '--redis', 'REDIS']

const PEERS: readonly Peer[] = [
  { name: 'socketio-1', nodes: 1, script: socketIoNode, args: [], client: socketIo },
  ...['redis-adapter', 'redis-streams-adapter'].map((adapter) => ({
    name: adapter,
    nodes: 2,
    script: socketIoNode,
    args: ['--adapter', adapter, '--redis', 'REDIS'],
    client: socketIo,
  })),
  { name: 'roomful-1', nodes: 1, script: 'server.ts', args: [], client: roomful, acked },
  { name: 'roomful-2', nodes: 2, script: 'server.ts', args: onRedis, client: roomful, acked },
  { name: 'roomful-2-socketio', nodes: 2, script: 'server.ts', args: onRedis, client: roomfulBySocketIo },
]

interface Workload {
  readonly shape: readonly string[]
  /** Requests are acknowledged: only peers that do that take part. */
  readonly isAcked?: true
  readonly isJoined: boolean
  /** Servers and load share all cores: what counts is what the machine does, and the load costs little. */
  readonly isSpread?: true
  /** What Redis is set to, where the target says so. */
  readonly appendfsync?: readonly Fsync[]
}

const WORKLOADS: Readonly<Record<string, Workload>> = {
  N1: { shape: ['--clients', '400', '--members', '400', '--publishers', '1', '--window', '8'], isJoined: true },
  N2: { shape: ['--clients', '400', '--members', '10', '--publishers', '10', '--window', '1'], isJoined: true },
  N3: { shape: ['--clients', '400', '--members', '2', '--publishers', '2', '--window', '1'], isJoined: true },
  N5: {
    shape: ['--clients', '100', '--members', '1', '--publishers', '1', '--window', '32', '--acks', '1'],
    isAcked: true,
    isJoined: false,
    isSpread: true,
    appendfsync: ['everysec', 'always'],
  },
  N6: {
    shape: ['--clients', '200', '--members', '2', '--publishers', '1', '--rate', '10000', '--acks', '1'],
    isAcked: true,
    isJoined: true,
    isSpread: true,
    appendfsync: ['always'],
  },
}

/** What happens once, to nodes of ours alone. */
const EVENTS: Readonly<Record<string, () => Promise<string>>> = {
  N7: measureJoins,
  N8: measureNodeDeath,
  N9: measureRedisDeath,
  N10: measureReturnAfterDeath,
  N11: () => polling(['--seconds', '3']),
}

interface Plan {
  readonly workload: string
  readonly peer: Peer
  readonly appendfsync: Fsync | 'none'
  readonly seconds: string
  readonly warmUp: string
}

const PINNED = availableParallelism() > 1 ? { servers: pinTo(0), load: pinTo(1) } : { servers: [], load: [] }

function pinTo(core: number): readonly string[] {
  return ['taskset', '--cpu-list', String(core)]
}

async function runOnce({ workload, peer, appendfsync, seconds, warmUp }: Plan): Promise<Omit<Run, 'repeat'>> {
  const { shape, isAcked, isJoined, isSpread } = WORKLOADS[workload] as Workload
  const members = Number(shape[shape.indexOf('--members') + 1])
  const pinned = isSpread ? { servers: [], load: [] } : PINNED
  const folder = mkdtempSync(join(tmpdir(), 'roomful-bench-'))
  const redis =
    appendfsync === 'none'
      ? undefined
      : await startRedis({ port: await freePort(), folder, appendfsync, launcher: pinned.servers })
  const args = peer.args.map((arg) => (arg === 'REDIS' ? (redis?.url ?? '') : arg))
  const nodes: ServerProcess[] = []
  try {
    for (let i = 0; i < peer.nodes; i++) nodes.push(await ServerProcess.start(peer.script, args, pinned.servers))
    const pids = [...nodes, ...(redis === undefined ? [] : [redis])]
    const client = isAcked && peer.acked ? [...(isJoined ? peer.acked.enter : []), ...peer.acked.message] : peer.client
    const result = await runLoad(
      [
        ...nodes.flatMap(({ port }) => ['--port', String(port)]),
        ...pids.flatMap(({ pid }) => ['--pid', String(pid)]),
        ...client,
        ...shape,
        ...['--seconds', seconds, '--warm-up', warmUp],
      ],
      pinned.load,
    )
    const faults = Object.entries(result.faults).filter(([, count]) => count > 0)
    if (faults.length > 0 && peer.name.startsWith('roomful')) {
      throw new Error(faults.map(([name, count]) => `${count} ${name}`).join(', '))
    }
    const cpu = (from: number, to?: number) => result.cpuSeconds.slice(from, to).reduce((sum, each) => sum + each, 0)
    const [nodesCpuSeconds, redisCpuSeconds] = [cpu(0, nodes.length), cpu(nodes.length)]
    return { workload, peer: peer.name, appendfsync, members, nodesCpuSeconds, redisCpuSeconds, result }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await redis?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workloads: { type: 'string', default: [...Object.keys(WORKLOADS), ...Object.keys(EVENTS)].join() },
      peers: { type: 'string', default: 'socketio-1,redis-adapter,redis-streams-adapter,roomful-1,roomful-2' },
      repeats: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '6' },
      appendfsync: { type: 'string', default: 'everysec' },
    },
  })
  const { seconds, 'warm-up': warmUp } = values
  const all = chosen(values.workloads.split(','), [...Object.keys(WORKLOADS), ...Object.keys(EVENTS)], 'workload')
  const plans = all.flatMap((workload) => {
    if (EVENTS[workload]) return []
    const { isAcked, appendfsync = [values.appendfsync as Fsync] } = WORKLOADS[workload] as Workload
    const names = PEERS.map(({ name }) => name)
    return chosen(values.peers.split(','), names, 'peer')
      .map((name) => PEERS.find((peer) => peer.name === name) as Peer)
      .filter((peer) => !isAcked || peer.acked !== undefined)
      .flatMap((peer) => {
        const settings = peer.args.includes('REDIS') ? appendfsync : (['none'] as const)
        return settings.map((setting): Plan => ({ workload, peer, appendfsync: setting, seconds, warmUp }))
      })
  })
  const runs: Run[] = []
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    // The other way round each time, so that none always follows the same one.
    for (const plan of repeat % 2 === 0 ? plans : plans.toReversed()) {
      const label = `${plan.workload} ${plan.peer.name} (${plan.appendfsync})`
      try {
        runs.push({ ...(await runOnce(plan)), repeat })
        process.stderr.write(`${label}: done ${repeat + 1} of ${values.repeats}\n`)
      } catch (error) {
        throw new Error(`${label}: ${(error as Error).message}`)
      }
    }
  }
  const lines: string[] = []
  for (const name of all) {
    const measure = EVENTS[name]
    if (measure === undefined) continue
    // Once each: they take half a minute, and each has a bound that it keeps or not.
    lines.push(await measure())
    process.stderr.write(`${name}: done\n`)
  }
  if (runs.length === 0) return lines.join('\n')
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `nodes-${new Date().toISOString().replaceAll(':', '-')}.json`)
  writeFileSync(file, JSON.stringify(runs, undefined, 2))
  return [tableOf(runs), compare(runs), lines.join('\n'), `All runs: ${file}`]
    .filter((part) => part !== '')
    .join('\n\n')
}

function chosen(given: readonly string[], known: readonly string[], what: string): readonly string[] {
  const unknown = given.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`There is no ${what} ${unknown.join(', ')}; there are ${known.join(', ')}`)
  return given
}
