/**
 * Messages that grow. First: a thousand members follow one answer of a hundred pieces a second, beside as many events of as
 * many bytes, by turns; what counts is the server's CPU time per delivery. Second: fifty answers at once on SQLite, as fast as
 * acknowledgements allow.
 *
 *   npm run bench -- streams [--members 1000] [--seconds 5] [--streams 50] [--outstanding 32]
 */
import { parseArgs } from 'node:util'
import { BareClient } from './lib/bare-client.ts'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

const PIECES_PER_SECOND = 100
const PIECE = 'some words of an answer, as they come '
const ROUNDS = 3

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A client that reads the answers to its requests. */
class Asker {
  readonly client: BareClient
  private readonly waiting: ((text: string) => void)[]

  private constructor(client: BareClient, waiting: ((text: string) => void)[]) {
    this.client = client
    this.waiting = waiting
  }

  static async open(port: number): Promise<Asker> {
    const waiting: ((text: string) => void)[] = []
    const client = await BareClient.open(port, '/ws/bench', '"ack":', (count, chunk) => {
      if (count > 0) waiting.shift()?.(chunk.toString())
    })
    return new Asker(client, waiting)
  }

  /** @returns the number in the answer */
  async number(message: object): Promise<number> {
    const answer = new Promise<string>((resolve) => this.waiting.push(resolve))
    this.client.send({ ...message, id: 1 })
    return Number(/"seq":(\d+)/.exec(await answer)?.[1])
  }
}

interface Followed {
  readonly cpuUs: number
  readonly bytes: number
}

/** Of one delivery: what it costs the server, and its bytes. */
async function follow(
  server: ServerProcess,
  members: number,
  seconds: number,
  kind: 'pieces' | 'events',
): Promise<Followed> {
  const roomId = `${kind}-${Math.random().toString(36).slice(2)}`
  let deliveries = 0
  let bytes = 0
  const mark = kind === 'pieces' ? 'message:piece' : '"published"'
  const all = await Promise.all(
    Array.from({ length: members }, () =>
      BareClient.open(server.port, '/ws/bench', mark, (count, chunk) => {
        deliveries += count
        bytes += chunk.byteLength
      }),
    ),
  )
  for (const member of all) member.send({ type: 'room:join', roomId, id: 1 })
  const writer = await Asker.open(server.port)
  const seq = kind === 'pieces' ? await writer.number({ type: 'message:stream', roomId }) : 0
  await delay(1_500)
  let at = 0
  const startedAt = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * PIECES_PER_SECOND
    for (; sent < due; sent++) {
      if (kind === 'pieces') writer.client.send({ type: 'message:append', roomId, seq, at, text: PIECE })
      else writer.client.send({ type: 'pub', roomId, data: { text: PIECE } })
      at += PIECE.length
    }
  }, 2)
  await delay(1_000)
  const before = await server.usage()
  deliveries = 0
  bytes = 0
  await delay(seconds * 1_000)
  const [delivered, received] = [deliveries, bytes]
  const after = await server.usage()
  clearInterval(timer)
  for (const member of [...all, writer.client]) member.cut()
  await delay(500)
  return { cpuUs: (after.cpuUs - before.cpuUs) / delivered, bytes: received / delivered }
}

/** @returns pieces a second that were acknowledged */
async function write(server: ServerProcess, streams: number, outstanding: number, seconds: number): Promise<number> {
  let acked = 0
  let isCounted = false
  // Only its writer adds to a message, and a guest is another one on each connection.
  const clients = await Promise.all(
    Array.from({ length: streams }, async (_, index) => {
      const roomId = `own-${index}`
      let at = 0
      let seq = 0
      const piece = (): void => {
        client.send({ type: 'message:append', roomId, seq, at, text: PIECE, id: 1 })
        at += PIECE.length
      }
      const client = await BareClient.open(server.port, '/ws/bench', '"ack":', (count, chunk) => {
        if (count === 0) return // such as the welcome
        if (seq === 0) {
          seq = Number(/"seq":(\d+)/.exec(chunk.toString())?.[1])
          for (let i = 0; i < outstanding; i++) piece()
          return
        }
        for (let i = 0; i < count; i++) piece()
        if (isCounted) acked += count
      })
      client.send({ type: 'message:stream', roomId, id: 1 })
      return client
    }),
  )
  await delay(1_000)
  isCounted = true
  const startedAt = performance.now()
  await delay(seconds * 1_000)
  isCounted = false
  const perSecond = (acked / (performance.now() - startedAt)) * 1_000
  for (const client of clients) client.cut()
  return perSecond
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      members: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '5' },
      streams: { type: 'string', default: '50' },
      outstanding: { type: 'string', default: '32' },
    },
  })
  const [members, seconds, streams, outstanding] = [
    values.members,
    values.seconds,
    values.streams,
    values.outstanding,
  ].map(Number) as [number, number, number, number]
  const rows: string[][] = []
  const memory = await ServerProcess.start('server.ts', ['--store', 'memory'])
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const pieces = await follow(memory, members, seconds, 'pieces')
      const events = await follow(memory, members, seconds, 'events')
      const [piece, event] = [pieces, events].map(({ cpuUs, bytes }) => `${cpuUs.toFixed(2)} µs, ${bytes.toFixed(0)} B`)
      rows.push([`${whole(members)} members`, piece ?? '', event ?? '', (pieces.cpuUs / events.cpuUs).toFixed(2)])
    }
  } finally {
    await memory.stop()
  }
  const sqlite = await ServerProcess.start('server.ts', ['--store', 'sqlite'])
  try {
    const perSecond = await write(sqlite, streams, outstanding, seconds)
    rows.push([`${streams} streams on SQLite`, `${whole(perSecond)} pieces/s`, '', ''])
  } finally {
    await sqlite.stop()
  }
  return `Messages in pieces (goals: 1.2 × the same bytes as events; 20,000 pieces/s)\n${table(['', 'pieces', 'events', 'ratio'], rows)}`
}
