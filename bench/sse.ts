/**
 * Fan-out over SSE beside a naive `res.write` loop: one room, many streams, a few publishers over HTTP that each wait for
 * their answer. Ours is numbered and kept in the log. Both servers do the same requests, in short rounds by turns, since a
 * shared machine changes from minute to minute; the ratio is that of the server's CPU time per delivery. Speed target P10.
 *
 *   npm run bench -- sse [--streams 1000] [--window 64] [--seconds 2] [--rounds 5]
 */
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

interface Load {
  readonly streams: number
  /** Publishes outstanding. */
  readonly window: number
  /** Of one round. */
  readonly seconds: number
  readonly rounds: number
}

interface FanOut {
  readonly deliveriesPerSecond: number
  readonly cpuUsPerDelivery: number
}

const BODY = JSON.stringify({ type: 'pub', roomId: 'feed', data: { text: 'x'.repeat(100) } })

/** One of the two servers, with its readers. */
class Subject {
  readonly name: string
  readonly rounds: FanOut[] = []
  private readonly server: ServerProcess
  private readers: Socket[] = []
  private deliveries = 0

  private constructor(name: string, server: ServerProcess) {
    this.name = name
    this.server = server
  }

  static async open(name: string, script: string, streams: number): Promise<Subject> {
    const subject = new Subject(name, await ServerProcess.start(script))
    const count = (events: number): void => {
      subject.deliveries += events
    }
    const { port } = subject.server
    subject.readers = await Promise.all(Array.from({ length: streams }, () => openStream(port, count)))
    return subject
  }

  async round({ window, seconds }: Load): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: window })
    let isOver = false
    const publishers = Array.from({ length: window }, async () => {
      while (!isOver) await publish(this.server.port, agent)
    })
    await pause(WARM_UP_MS)
    this.deliveries = 0
    const before = await this.server.usage()
    const startedAt = performance.now()
    await pause(seconds * 1_000)
    const counted = this.deliveries
    const cpuUs = (await this.server.usage()).cpuUs - before.cpuUs
    const elapsedS = (performance.now() - startedAt) / 1_000
    isOver = true
    await Promise.all(publishers)
    agent.destroy()
    this.rounds.push({ deliveriesPerSecond: counted / elapsedS, cpuUsPerDelivery: cpuUs / counted })
  }

  async close(): Promise<void> {
    for (const reader of this.readers) reader.destroy()
    await this.server.stop()
  }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      streams: { type: 'string', default: '1000' },
      window: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
    },
  })
  const [streams, window, seconds, rounds] = [values.streams, values.window, values.seconds, values.rounds].map(
    Number,
  ) as [number, number, number, number]
  const { measured, ratios } = await measureSse({ streams, window, seconds, rounds })
  const rows = measured.map(({ name, rounds: each }) => [
    name,
    whole(median(each.map(({ deliveriesPerSecond }) => deliveriesPerSecond))),
    median(each.map(({ cpuUsPerDelivery }) => cpuUsPerDelivery)).toFixed(2),
  ])
  return [
    `${streams} streams, ${window} publishes outstanding, ${rounds} rounds by turns (P10)`,
    table(['server', 'deliveries/s', 'CPU µs/delivery'], rows),
    `ratio ${median(ratios).toFixed(1)}, median of ${ratios.map((ratio) => ratio.toFixed(1)).join(' ')} (floor 5)`,
  ].join('\n')
}

/** Ours and the naive loop, and of each round how many times as much CPU the latter needs. */
export async function measureSse(load: Load): Promise<{
  measured: readonly { readonly name: string; readonly rounds: readonly FanOut[] }[]
  ratios: readonly number[]
}> {
  const { streams, rounds } = load
  const ours = await Subject.open('Roomful', 'server.ts', streams)
  const naive = await Subject.open('naive res.write', 'peers/sse-naive.ts', streams)
  try {
    for (let i = 0; i < rounds; i++) for (const subject of [ours, naive]) await subject.round(load)
  } finally {
    await Promise.all([ours.close(), naive.close()])
  }
  const ratios = naive.rounds.map((round, i) => round.cpuUsPerDelivery / (ours.rounds[i]?.cpuUsPerDelivery ?? NaN))
  return { measured: [ours, naive], ratios }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

const WARM_UP_MS = 700
const EVENT_END = Buffer.from('\n\n')

/** A bare socket that only counts: a client that parses would be the bottleneck of the measurement. */
function openStream(port: number, onEvents: (count: number) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.write('GET /sse/bench?room=feed HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n')
    socket.once('data', () => {
      resolve(socket)
      socket.on('data', (chunk: Buffer) => onEvents(countOf(chunk)))
    })
  })
}

/** Ends of events; one that falls between two reads is missed, which is the same for both servers and rare. */
function countOf(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(EVENT_END); at >= 0; at = chunk.indexOf(EVENT_END, at + EVENT_END.length)) count++
  return count
}

function publish(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': BODY.length }
    const options = { port, host: '127.0.0.1', path: '/send/bench', method: 'POST', agent, headers }
    const sent = request(options, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`A publish was answered with ${response.statusCode}`))
      })
    })
    sent.once('error', reject)
    sent.end(BODY)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
