/**
 * Publishing that is acknowledged once it is stored: a hundred publishers, a hundred rooms, a UUIDv7 key with each message,
 * on SQLite. First as fast as acknowledgements allow, each publisher keeping some requests outstanding; then at a fixed
 * rate, with the time from a request to its acknowledgement. Told besides: the server's CPU time per acknowledgement, which
 * other programs on the machine touch least; a server with a core for its main thread does a million of that a second.
 * Speed target P7.
 *
 *   npm run bench -- acks [--publishers 100] [--seconds 5] [--outstanding 32] [--rate 10000] [--store sqlite|memory]
 */
import { parseArgs } from 'node:util'
import { createKey } from '@roomful/protocol'
import { BareClient } from './lib/bare-client.ts'
import { ServerProcess, type Usage } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

const ROOMS = 100
const TEXT = 'x'.repeat(100)
const WARM_UP_MS = 1_000
/** How often what is due at a fixed rate is sent. */
const PACE_MS = 1

/** The types of `getRandomValues` want a buffer that is not shared. */
const fillRandom = (bytes: Uint8Array): Uint8Array => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)

/** Someone who publishes, and knows when each request was sent. Answers come in the order of the requests. */
class Publisher {
  acknowledged = 0
  private readonly client: BareClient
  private readonly sentAt: number[] = []
  private lastId = 0

  private constructor(client: BareClient) {
    this.client = client
  }

  static async open(port: number, onAck: (publisher: Publisher, latencyMs: number) => void): Promise<Publisher> {
    const client = await BareClient.open(port, '/ws/bench', '"ack":', (found) => {
      for (let i = 0; i < found; i++) {
        publisher.acknowledged++
        onAck(publisher, performance.now() - (publisher.sentAt.shift() ?? 0))
      }
    })
    const publisher = new Publisher(client)
    return publisher
  }

  publish(): void {
    const id = ++this.lastId
    const key = createKey(Date.now(), fillRandom)
    this.sentAt.push(performance.now())
    this.client.send({ type: 'pub', roomId: `room-${id % ROOMS}`, data: { text: TEXT }, id, key })
  }

  close(): void {
    this.client.cut()
  }
}

interface Measured {
  readonly perSecond: number
  readonly cpuUs: number
  readonly mainUs: number
  /** Sorted, in ms. */
  readonly latencies: readonly number[]
}

/**
 * @param drive makes the load until it is called off
 * @returns what was acknowledged after the warm-up
 */
async function measure(
  server: ServerProcess,
  publishers: number,
  seconds: number,
  drive: (all: readonly Publisher[]) => { acked(publisher: Publisher): void; stop(): void },
): Promise<Measured> {
  let latencies: number[] = []
  let load: ReturnType<typeof drive> | undefined
  const onAck = (publisher: Publisher, latencyMs: number): void => {
    latencies.push(latencyMs)
    load?.acked(publisher)
  }
  const all = await Promise.all(Array.from({ length: publishers }, () => Publisher.open(server.port, onAck)))
  load = drive(all)
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS))
  const before: Usage = await server.usage()
  latencies = []
  const startedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const measured = latencies
  const elapsedMs = performance.now() - startedAt
  load.stop()
  const after = await server.usage()
  for (const publisher of all) publisher.close()
  return {
    perSecond: (measured.length / elapsedMs) * 1_000,
    cpuUs: (after.cpuUs - before.cpuUs) / measured.length,
    mainUs: (after.mainUs - before.mainUs) / measured.length,
    latencies: measured.toSorted((a, b) => a - b),
  }
}

/** Each acknowledgement lets the next request go. */
const closedLoop = (outstanding: number) => (all: readonly Publisher[]) => {
  let isOver = false
  for (const publisher of all) for (let i = 0; i < outstanding; i++) publisher.publish()
  return {
    acked: (publisher: Publisher) => {
      if (!isOver) publisher.publish()
    },
    stop: () => {
      isOver = true
    },
  }
}

/** So many a second, whatever becomes of them. */
const fixedRate = (perSecond: number) => (all: readonly Publisher[]) => {
  const startedAt = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond
    for (; sent < due; sent++) all[sent % all.length]?.publish()
  }, PACE_MS)
  return { acked: () => undefined, stop: () => clearInterval(timer) }
}

export interface AckFigures {
  readonly perSecond: number
  readonly cpuUs: number
  readonly mainUs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

/**
 * With a server of its own.
 * @param outstanding requests of each publisher; undefined for the fixed rate
 * @param script of the server, beside this file or of another checkout
 */
export async function measureAcks(
  load: { publishers: number; seconds: number; store: string; outstanding: number | undefined; rate: number },
  script = 'server.ts',
): Promise<AckFigures> {
  const { publishers, seconds, store, outstanding, rate } = load
  const server = await ServerProcess.start(script, ['--store', store])
  try {
    const drive = outstanding === undefined ? fixedRate(rate) : closedLoop(outstanding)
    const { perSecond, cpuUs, mainUs, latencies } = await measure(server, publishers, seconds, drive)
    const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0
    return { perSecond, cpuUs, mainUs, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) }
  } finally {
    await server.stop()
  }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      publishers: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '5' },
      outstanding: { type: 'string', default: '32' },
      rate: { type: 'string', default: '10000' },
      store: { type: 'string', default: 'sqlite' },
    },
  })
  const [publishers, seconds, rate] = [values.publishers, values.seconds, values.rate].map(Number) as [
    number,
    number,
    number,
  ]
  const rows: string[][] = []
  for (const [name, outstanding] of [
    [`${values.outstanding} outstanding each`, Number(values.outstanding)],
    [`${whole(rate)} a second`, undefined],
  ] as const) {
    const measured = await measureAcks({ publishers, seconds, store: values.store, outstanding, rate })
    const { perSecond, cpuUs, mainUs, p50Ms, p99Ms, p999Ms } = measured
    rows.push([name, whole(perSecond), ...[cpuUs, mainUs, p50Ms, p99Ms, p999Ms].map((value) => value.toFixed(1))])
  }
  const head = ['load', 'acks/s', 'server CPU µs', 'its main thread', 'p50 ms', 'p99 ms', 'p99.9 ms']
  return `Acknowledged publishes with keys, ${publishers} publishers, ${ROOMS} rooms, ${values.store} (P7: 50,000/s; p99 20 ms at 10,000/s)\n${table(head, rows)}`
}
