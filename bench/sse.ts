/**
 * Fan-out over SSE beside a naive `res.write` loop: one room, many streams, a few publishers over HTTP that each wait for
 * their answer. Ours is numbered and kept in the log. Both servers do the same requests; the ratio is that of the server's
 * CPU time per delivery, which the noise of a shared machine touches least. TARGETS P10.
 *
 *   npm run bench -- sse [--streams 1000] [--window 64] [--seconds 5]
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
  readonly seconds: number
}

export interface FanOut {
  readonly server: string
  readonly deliveriesPerSecond: number
  readonly cpuUsPerDelivery: number
}

const SERVERS = { Roomful: 'server.ts', 'naive res.write': 'peers/sse-naive.ts' } as const
const BODY = JSON.stringify({ type: 'pub', roomId: 'feed', data: { text: 'x'.repeat(100) } })

export async function measureSse(load: Load): Promise<FanOut[]> {
  const results: FanOut[] = []
  for (const [name, script] of Object.entries(SERVERS)) {
    const server = await ServerProcess.start(script)
    try {
      results.push({ server: name, ...(await measure(server, load)) })
    } finally {
      await server.stop()
    }
  }
  return results
}

async function measure(server: ServerProcess, { streams, window, seconds }: Load): Promise<Omit<FanOut, 'server'>> {
  let deliveries = 0
  const count = (events: number): void => {
    deliveries += events
  }
  const readers = await Promise.all(Array.from({ length: streams }, () => openStream(server.port, count)))
  const agent = new Agent({ keepAlive: true, maxSockets: window })
  let isOver = false
  const publishers = Array.from({ length: window }, async () => {
    while (!isOver) await publish(server.port, agent)
  })
  await pause(WARM_UP_MS)
  deliveries = 0
  const before = await server.usage()
  const startedAt = performance.now()
  await pause(seconds * 1_000)
  const counted = deliveries
  const cpuUs = (await server.usage()).cpuUs - before.cpuUs
  const elapsedS = (performance.now() - startedAt) / 1_000
  isOver = true
  await Promise.all(publishers)
  agent.destroy()
  for (const reader of readers) reader.destroy()
  return { deliveriesPerSecond: counted / elapsedS, cpuUsPerDelivery: cpuUs / counted }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      streams: { type: 'string', default: '1000' },
      window: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '5' },
    },
  })
  const load = { streams: Number(values.streams), window: Number(values.window), seconds: Number(values.seconds) }
  const results = await measureSse(load)
  const [ours, naive] = results
  const rows = results.map(({ server, deliveriesPerSecond, cpuUsPerDelivery }) => [
    server,
    whole(deliveriesPerSecond),
    cpuUsPerDelivery.toFixed(2),
  ])
  const ratio = (naive?.cpuUsPerDelivery ?? Number.NaN) / (ours?.cpuUsPerDelivery ?? Number.NaN)
  return [
    `${load.streams} streams, ${load.window} publishes outstanding (P10)`,
    table(['server', 'deliveries/s', 'CPU µs/delivery'], rows),
    `ratio ${ratio.toFixed(1)} (floor 4)`,
  ].join('\n')
}

const WARM_UP_MS = 1_500
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
