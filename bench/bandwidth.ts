/**
 * Bytes per minute of the four ways to hear one update a second, measured on real connections beside the arithmetic that
 * the exercise asks for: 800 bytes an exchange for polls, 10 bytes a frame for WebSockets. Headers, cursors and event fields
 * are all counted; what opening a connection costs is not. B12.
 *
 *   npm run bench -- bandwidth [--users 1000] [--seconds 20]
 */
import { parseArgs } from 'node:util'
import { feedReaders } from './lib/feed-readers.ts'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

type Way = keyof typeof feedReaders

export interface Bandwidth {
  readonly way: Way
  /** What one user heard in the measured time. */
  readonly updatesPerUser: number
  readonly bytesPerMinute: number
  /** What the exercise's numbers give for as many users. */
  readonly arithmeticPerMinute: number
}

const UPDATES_PER_MINUTE = 60
const EXCHANGE_BYTES = 800
const FRAME_BYTES = 10

const ARITHMETIC: Readonly<Record<Way, number>> = {
  'short polling': EXCHANGE_BYTES,
  'long polling': EXCHANGE_BYTES,
  SSE: FRAME_BYTES,
  WebSocket: FRAME_BYTES,
}

export const ways = Object.keys(feedReaders) as Way[]

/** With a server of its own. */
export async function measureWay(way: Way, users: number, seconds: number): Promise<Bandwidth> {
  const server = await ServerProcess.start('server.ts', ['--tick-ms', '1000', '--count-bytes'])
  try {
    let updates = 0
    const open = feedReaders[way]
    const readers = await Promise.all(Array.from({ length: users }, () => open(server.origin, () => updates++)))
    await pause(SETTLE_MS)
    updates = 0
    const before = await server.bytes()
    const startedAt = performance.now()
    await pause(seconds * 1_000)
    const minutes = (performance.now() - startedAt) / 60_000
    const bytes = (await server.bytes()) - before
    const updatesPerUser = updates / users
    for (const close of readers) close()
    const arithmeticPerMinute = users * UPDATES_PER_MINUTE * ARITHMETIC[way]
    return { way, updatesPerUser, bytesPerMinute: bytes / minutes, arithmeticPerMinute }
  } finally {
    await server.stop()
  }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: { users: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '20' } },
  })
  const users = Number(values.users)
  const results: Bandwidth[] = []
  for (const way of ways) results.push(await measureWay(way, users, Number(values.seconds)))
  const rows = results.map(({ way, updatesPerUser, bytesPerMinute, arithmeticPerMinute }) => [
    way,
    updatesPerUser.toFixed(1),
    whole(bytesPerMinute),
    (bytesPerMinute / users / UPDATES_PER_MINUTE).toFixed(0),
    whole(arithmeticPerMinute),
  ])
  const head = ['way', 'updates each', 'bytes a minute', 'bytes an update', 'by arithmetic']
  return `${users} users, one update a second, ${values.seconds} s each (B12)\n${table(head, rows)}`
}

/** Joins and what they tell are over by then. */
const SETTLE_MS = 1_500

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
