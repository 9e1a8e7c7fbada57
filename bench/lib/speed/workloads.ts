/** What `npm run bench -- speed` does to each peer, by the rows of docs/requirements.md. */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type LoadResult, runLoad } from '../load.ts'
import type { ServerProcess } from '../server-process.ts'
import { type Peer, startPeer } from './peers.ts'

/** By name, such as `deliveries/s`. */
export type Figures = Readonly<Record<string, number>>

export interface Workload {
  readonly row: string
  readonly title: string
  readonly peers: readonly string[]
  /** Server arguments beside those of the peer. */
  readonly args?: readonly string[]
  measure(peer: Peer, seconds: number): Promise<Figures>
}

const PINNED = availableParallelism() > 1
const pinTo = (core: number): readonly string[] => (PINNED ? ['taskset', '--cpu-list', String(core)] : [])
const WARM_UP_S = 1.5

async function load(server: ServerProcess, peer: Peer, args: readonly string[]): Promise<LoadResult> {
  const target = ['--port', String(server.port), '--pid', String(server.pid), ...peer.client, ...peer.message]
  const result = await runLoad([...target, ...args], pinTo(1))
  const { gaps, reorders, missing, lost } = result.faults
  if (gaps + reorders + missing + lost > 0) throw new Error(`${peer.script}: ${JSON.stringify(result.faults)}`)
  return result
}

async function withServer<T>(
  peer: Peer,
  args: readonly string[],
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await startPeer(peer, pinTo(0), args)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

const cpuUs = ({ cpuSeconds, deliveries }: LoadResult): number => ((cpuSeconds[0] ?? 0) * 1e6) / deliveries

/** As fast as deliveries come back to the publishers. */
function fanOut(row: string, title: string, peers: readonly string[], shape: readonly string[]): Workload {
  return {
    row,
    title,
    peers,
    measure: (peer, seconds) =>
      withServer(peer, [], async (server) => {
        const times = ['--seconds', String(seconds), '--warm-up', String(WARM_UP_S)]
        const result = await load(server, peer, [...shape, ...times])
        return {
          'deliveries/s': result.deliveries / result.seconds,
          'server CPU µs a delivery': cpuUs(result),
          'p50 ms': result.deliveryMs?.p50 ?? Number.NaN,
          'p99 ms': result.deliveryMs?.p99 ?? Number.NaN,
        }
      }),
  }
}

const oneRoom = (members: number, window: number): readonly string[] => [
  ...['--clients', String(members + 1), '--members', String(members + 1), '--publishers', '1'],
  ...['--window', String(window)],
]
const manyRooms = (clients: number, members: number): readonly string[] => [
  ...['--clients', String(clients), '--members', String(members), '--publishers', String(members), '--window', '1'],
]

/** Hardly a message: clients that are there. */
const idle = (clients: number, members: number): readonly string[] => [
  ...['--clients', String(clients), '--members', String(members), '--publishers', '1', '--rate', '1'],
]

const MEMORY_CLIENTS = 10_000

function memory(peers: readonly string[]): Workload {
  return {
    row: 'P5',
    title: `memory of an idle connection that joined a room, ${MEMORY_CLIENTS} of them in rooms of ten`,
    peers,
    measure: (peer) =>
      withServer(peer, [], async (server) => {
        await fetch(`${server.origin}/gc`).then((response) => response.text())
        const before = await server.resident()
        const over = load(server, peer, [...idle(MEMORY_CLIENTS, 10), '--seconds', '6', '--warm-up', '0.1'])
        let isOver = false
        const watched = over.finally(() => {
          isOver = true
        })
        let after = before
        // What is there right before they leave.
        while (!isOver) {
          const now = await server.resident()
          await setTimeout(1_000)
          if (!isOver) after = now
        }
        await watched
        return { 'B a connection': (after - before) / MEMORY_CLIENTS }
      }),
  }
}

const SECRET = 'a secret of the benchmark server only'

function token(sub: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub, name: sub, exp: Math.floor(Date.now() / 1_000) + 3_600 })}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}

const CONNECTS = 5_000

/** Ours check a signed token of each client; the peers check nothing. */
function connects(title: string, members: number, peers: readonly string[]): Workload {
  return {
    row: 'P6',
    title,
    peers,
    measure: (peer) =>
      withServer(peer, [], async (server) => {
        const folder = mkdtempSync(join(tmpdir(), 'roomful-bench-paths-'))
        const file = join(folder, 'paths')
        const isOurs = peer.script.endsWith('server.ts') && peer.client[1] === '/ws/bench'
        writeFileSync(
          file,
          Array.from({ length: CONNECTS }, (_, i) => `/ws/bench?token=${token(`user-${i}`)}\n`).join(''),
        )
        try {
          const before = await server.cpuUs()
          const times = ['--seconds', '0.1', '--warm-up', '0.1', ...(isOurs ? ['--paths', file] : [])]
          const { enteredPerSecond } = await load(server, peer, [...idle(CONNECTS, members), ...times])
          return { 'connects/s': enteredPerSecond, 'server CPU µs': ((await server.cpuUs()) - before) / CONNECTS }
        } finally {
          rmSync(folder, { recursive: true, force: true })
        }
      }),
  }
}

/** One publisher that is not compressed for, and a thousand clients that are, or are not. */
function deflated(isOffered: boolean): Workload {
  return {
    row: 'P13',
    title: `1 KB to a room of 1,000, ${isOffered ? 'compressed' : 'not compressed'}`,
    peers: ['roomful'],
    measure: (peer, seconds) =>
      withServer(peer, isOffered ? ['--deflate'] : [], async (server) => {
        const times = ['--seconds', String(seconds), '--warm-up', String(WARM_UP_S)]
        const shape = [...oneRoom(1_000, 8), '--size', '1024', '--deflate', isOffered ? '1' : '0']
        const result = await load(server, peer, [...shape, ...times])
        return {
          'deliveries/s': result.deliveries / result.seconds,
          'server CPU µs a delivery': cpuUs(result),
          'bytes a delivery': result.receivedBytes / result.deliveries,
        }
      }),
  }
}

/** Whether the cost of a delivery depends on how many subscribers there are. */
function subscribers(count: number): Workload {
  const shape = oneRoom(count, 8)
  return { ...fanOut('P9', `a delivery in a room of ${count}`, ['roomful', 'bun'], shape) }
}

/** Whether a message in a room of ten costs more where there are many rooms. */
function rooms(count: number): Workload {
  const shape = ['--clients', String(count * 2), '--members', '2', '--publishers', '2', '--rate', '4000']
  return fanOut('P9', `messages in ${count} rooms of two`, ['roomful'], shape)
}

const ALL = [
  'roomful',
  'roomful-sqlite',
  'roomful-socketio',
  'before',
  'before-socketio',
  'bun',
  'ws-gathered',
  'ws-naive',
  'socketio',
]

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  W1w8: fanOut('P1', 'one room of 1,000, 8 messages outstanding', ALL, oneRoom(1_000, 8)),
  W1w64: fanOut('P1', 'one room of 1,000, 64 messages outstanding', ALL, oneRoom(1_000, 64)),
  W2: fanOut('P2', '100 rooms of ten, everyone speaks', [...ALL, 'before-sqlite'], manyRooms(1_000, 10)),
  W6: fanOut('P15', '500 rooms of two, everyone speaks', ALL, manyRooms(1_000, 2)),
  W3: fanOut(
    'P4',
    '20,000 deliveries a second to 200',
    ['roomful', 'before', 'ws-naive', 'bun', 'socketio'],
    [...['--clients', '201', '--members', '201', '--publishers', '1', '--rate', '100']],
  ),
  memory: memory(['roomful', 'roomful-socketio', 'before', 'before-socketio', 'bun', 'ws-naive', 'socketio']),
  connects: connects('connects with a join into rooms of ten', 10, [
    'roomful',
    'roomful-socketio',
    'before',
    'before-socketio',
    'bun',
    'ws-naive',
    'socketio',
  ]),
  crowd: connects('connects with a join into one room of 5,000', 5_000, ['roomful', 'before']),
  plain: deflated(false),
  deflate: deflated(true),
  ...Object.fromEntries([100, 1_000, 5_000, 15_000].map((count) => [`room-of-${count}`, subscribers(count)])),
  ...Object.fromEntries([100, 1_000, 7_500].map((count) => [`${count}-rooms`, rooms(count)])),
}
