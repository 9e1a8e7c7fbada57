/** Puts load on a server: clients in rooms that talk to each other at a rate, counted and timed from outside. */
import { setTimeout as delay } from 'node:timers/promises'
import { LOAD_CLIENTS, type LoadClient, type LoadDialect } from './clients.ts'

export interface LoadOptions {
  readonly url: string
  readonly namespace: string
  readonly dialect: LoadDialect
  readonly rooms: number
  /** In all rooms together. */
  readonly clients: number
  /** Messages per second, of all clients together. */
  readonly rate: number
  readonly seconds: number
  /** Clients that connect in a second. */
  readonly connectRate: number
  /** Of a client, by its number: a token, or a guest's name. */
  readonly credentialsOf: (client: number) => Readonly<Record<string, string>>
  /** Called each second. */
  readonly onSecond: (second: Second) => void
  readonly signal: AbortSignal
}

/** What happened in a second of the test. Times are in ms, 0 where nothing was timed. */
export interface Second {
  readonly at: number
  readonly connected: number
  readonly sent: number
  readonly acknowledged: number
  readonly refused: number
  readonly received: number
  readonly deliveryP50: number
  readonly deliveryP99: number
  readonly ackP50: number
  readonly ackP99: number
}

export interface LoadResult {
  readonly seconds: readonly Second[]
  /** By name, for people. */
  readonly totals: Readonly<Record<string, number | string>>
  /** Deliveries of acknowledged messages that never came. */
  readonly missing: number
  readonly connected: number
}

/** What is late may still come. */
const LAST_MS = 3_000
/** Times kept of a second, and of all of it. */
const TIMES_MAX = 100_000

/** @throws Error (rejects) with the sentence for the user when no client could connect */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new Load(options).run()
}

class Load {
  private readonly options: LoadOptions
  private readonly id = Math.random().toString(36).slice(2, 8)
  /** By room. */
  private readonly clients: LoadClient[][] = []
  private readonly refusals = new Map<string, number>()
  private readonly all = { delivery: [] as number[], ack: [] as number[] }
  private readonly seconds: Second[] = []
  private delivery: number[] = []
  private ack: number[] = []
  private connected = 0
  private failed = 0
  private closed = 0
  private sent = 0
  private acknowledged = 0
  private refused = 0
  private received = 0
  private expected = 0
  private total = { sent: 0, acknowledged: 0, received: 0 }

  constructor(options: LoadOptions) {
    this.options = options
    for (let room = 0; room < options.rooms; room++) this.clients.push([])
  }

  async run(): Promise<LoadResult> {
    const { signal } = this.options
    const startedAt = performance.now()
    const ticking = setInterval(() => this.tick(startedAt), 1_000)
    try {
      await this.connectAll()
      if (this.connected === 0)
        throw new Error(`No client could connect to ${this.options.url}: ${this.reasons() || 'nothing answered'}.`)
      await this.talk()
      await delay(LAST_MS, undefined, { signal }).catch(() => undefined)
      this.tick(startedAt)
    } finally {
      clearInterval(ticking)
      for (const client of this.clients.flat()) client.close()
    }
    const missing = Math.max(0, this.expected - this.total.received)
    const totals = {
      'clients that connected': this.connected,
      'clients that could not connect': this.failed,
      'clients that were cut off': this.closed,
      'messages sent': this.total.sent,
      acknowledged: this.total.acknowledged,
      received: this.total.received,
      'missing deliveries': missing,
      'refusals and failures': this.reasons() || 'none',
      'delivery, median and 99 % (ms)': `${percentile(this.all.delivery, 0.5)} · ${percentile(this.all.delivery, 0.99)}`,
      'acknowledgement, median and 99 % (ms)': `${percentile(this.all.ack, 0.5)} · ${percentile(this.all.ack, 0.99)}`,
    }
    return { seconds: this.seconds, totals, missing, connected: this.connected }
  }

  private async connectAll(): Promise<void> {
    const { clients, connectRate, signal } = this.options
    const connecting: Promise<void>[] = []
    for (let number = 0; number < clients && !signal.aborted; number++) {
      connecting.push(this.connect(number))
      if ((number + 1) % Math.max(1, Math.round(connectRate / 10)) === 0) await delay(100)
    }
    await Promise.all(connecting)
  }

  private async connect(number: number): Promise<void> {
    const { url, namespace, dialect, rooms, credentialsOf } = this.options
    const room = number % rooms
    const target = { url, namespace, room: `load-${this.id}-${room}`, credentials: credentialsOf(number) }
    try {
      const client = await LOAD_CLIENTS[dialect](target, {
        onMessage: (content) => this.onMessage(content),
        onClosed: (reason) => {
          this.closed++
          this.connected--
          this.clients[room] = (this.clients[room] ?? []).filter((each) => each !== client)
          this.note(`closed ${reason}`)
        },
      })
      this.clients[room]?.push(client)
      this.connected++
    } catch (error) {
      this.failed++
      this.note((error as Error).message)
    }
  }

  private async talk(): Promise<void> {
    const { rate, seconds, signal } = this.options
    const startedAt = performance.now()
    const sending = new Set<Promise<void>>()
    for (let sent = 0; sent < rate * seconds && !signal.aborted; sent++) {
      const dueMs = startedAt + (sent / rate) * 1_000 - performance.now()
      if (dueMs > 1) await delay(dueMs)
      const room = this.clients[sent % this.clients.length] ?? []
      const client = room[Math.floor(sent / this.clients.length) % Math.max(1, room.length)]
      if (!client) continue
      const message = this.send(client, room.length).finally(() => sending.delete(message))
      sending.add(message)
    }
    await Promise.all(sending)
  }

  private async send(client: LoadClient, members: number): Promise<void> {
    const at = performance.now()
    this.sent++
    try {
      await client.send(`load ${this.id} ${at}`)
      this.acknowledged++
      this.expected += members
      this.ack.push(performance.now() - at)
    } catch (error) {
      this.refused++
      this.note((error as Error).message)
    }
  }

  private onMessage(content: string): void {
    const [word, id, at] = content.split(' ')
    if (word !== 'load' || id !== this.id) return
    this.received++
    if (this.delivery.length < TIMES_MAX) this.delivery.push(performance.now() - Number(at))
  }

  private tick(startedAt: number): void {
    const { delivery, ack, sent, acknowledged, refused, received, connected } = this
    this.delivery = []
    this.ack = []
    this.sent = this.acknowledged = this.refused = this.received = 0
    this.total = {
      sent: this.total.sent + sent,
      acknowledged: this.total.acknowledged + acknowledged,
      received: this.total.received + received,
    }
    for (const [all, some] of [
      [this.all.delivery, delivery],
      [this.all.ack, ack],
    ] as const) {
      // biome-ignore format: one line
      for (const ms of some) if (all.length < TIMES_MAX) all.push(ms)
    }
    const times = { deliveryP50: percentile(delivery, 0.5), deliveryP99: percentile(delivery, 0.99), ackP50: percentile(ack, 0.5), ackP99: percentile(ack, 0.99) } // biome-ignore format: one value
    const second = {
      at: (performance.now() - startedAt) / 1_000,
      connected,
      sent,
      acknowledged,
      refused,
      received,
      ...times,
    }
    this.seconds.push(second)
    this.options.onSecond(second)
  }

  private note(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }

  private reasons(): string {
    return Array.from(this.refusals, ([reason, count]) => `${count} × ${reason}`).join(', ')
  }
}

/** In ms, with one digit. */
function percentile(times: readonly number[], share: number): number {
  if (times.length === 0) return 0
  const sorted = times.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number) * 10) / 10
}
