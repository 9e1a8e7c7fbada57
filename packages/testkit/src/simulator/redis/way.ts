/**
 * The way of one node to Redis: a call channel and a mailbox on it, each with delays of its own, and what can go wrong
 * there. As over a real connection, each may break before or after a command took effect.
 */
import type { Redis, RedisClient } from '@roomful/server/testing'
import type { VirtualClock } from '../../clock.ts'
import type { LifeClock } from '../life-clock.ts'
import { Pipe } from '../pipe.ts'
import { ReplyError, type SimulatedRedis, type Subscriber } from './simulated-redis.ts'

export interface WayOptions {
  readonly clock: VirtualClock
  readonly redis: SimulatedRedis
  /** How long one message takes, drawn again for each. */
  readonly delayMs: () => number
  /** Whether a push overtakes, or is overtaken. */
  readonly isReordered: () => boolean
  /** How long after a break what was sent before it still arrives; nothing when it is lost. */
  readonly lateMs: () => number | undefined
  /** How long a call that clears up after a node is held up: the node may come back meanwhile. */
  readonly reapMs: () => number
}

/** What a client library waits for a connection. */
const CONNECT_MS = 2_000
/** Until Redis gives up a connection whose other end says nothing more. */
const FORGET_MS = 15_000

export class Way {
  /** So many pushes of those to come get lost. */
  pushesToLose = 0
  private readonly options: WayOptions
  private readonly clients = new Set<Client>()
  private readonly holds = new Set<string>()
  private isDark = false

  constructor(options: WayOptions) {
    this.options = options
  }

  /** For the processes of the node, one after another. */
  open(life: LifeClock): Redis {
    return {
      connect: () => this.connect(life),
      isReply: (error): error is Error => error instanceof ReplyError,
    }
  }

  /** Every connection breaks, and both ends notice in their own time. */
  cut(): void {
    for (const client of [...this.clients]) client.break()
  }

  /** Nothing gets through, and neither end is informed. */
  outage(): void {
    this.isDark = true
    this.hold('outage')
  }

  /** New connections work; what was under way on the others is lost for good. */
  heal(): void {
    if (!this.isDark) return
    this.isDark = false
    this.cut()
    this.release('outage')
  }

  /** The node's process does nothing for the moment. */
  hold(reason: string): void {
    this.holds.add(reason)
    for (const client of this.clients) client.hold(reason)
  }

  release(reason: string): void {
    this.holds.delete(reason)
    for (const client of this.clients) client.release(reason)
  }

  /** The process was killed. @param isSilent its machine too, so that Redis has to find out */
  end(isSilent: boolean): void {
    for (const client of [...this.clients]) client.vanish(isSilent ? FORGET_MS : 0)
    this.clients.clear()
  }

  private connect(life: LifeClock): Promise<RedisClient> {
    const { redis, delayMs } = this.options
    return new Promise((resolve, reject) => {
      const refuse = (): void => reject(new Error('connect ECONNREFUSED'))
      if (this.isDark) return void life.after(CONNECT_MS, refuse)
      life.after(delayMs() + delayMs(), () => {
        if (!redis.isUp || this.isDark) return refuse()
        const client = new Client({ ...this.options, way: this, life, onGone: () => void this.clients.delete(client) })
        for (const reason of this.holds) client.hold(reason)
        this.clients.add(client)
        redis.connect(client)
        resolve(client)
      })
    })
  }
}

interface ClientOptions extends WayOptions {
  readonly way: Way
  readonly life: LifeClock
  readonly onGone: () => void
}

interface Sent {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

class Client implements RedisClient, Subscriber {
  isGone = false
  private readonly options: ClientOptions
  private readonly up: Pipe
  private readonly replies: Pipe
  private readonly mailbox: Pipe
  /** Pushes that others overtake. */
  private readonly slow: Pipe
  private readonly sent = new Set<Sent>()
  private readonly listeners = new Map<string, (message: string) => void>()
  private onError: ((error: Error) => void) | undefined
  private isEnded = false

  constructor(options: ClientOptions) {
    this.options = options
    const { clock, delayMs } = options
    const pipe = (ms: () => number): Pipe => new Pipe(clock, ms)
    this.up = pipe(delayMs)
    this.replies = pipe(delayMs)
    this.mailbox = pipe(delayMs)
    this.slow = pipe(() => delayMs() + delayMs() + delayMs())
  }

  sendCommand<T>(command: readonly (string | Buffer)[]): Promise<T> {
    if (this.isEnded) return Promise.reject(new Error('The client is closed'))
    const { redis } = this.options
    if (String(command[1]).endsWith('_reap')) this.stall(this.options.reapMs())
    return new Promise<T>((resolve, reject) => {
      const sent: Sent = { resolve: resolve as (reply: unknown) => void, reject }
      this.sent.add(sent)
      this.up.send(0, () => {
        redis.execute(this, command, (reply) => this.replies.send(0, () => this.answer(sent, reply)))
      })
    })
  }

  private stall(ms: number): void {
    if (ms === 0) return
    this.up.hold('reap')
    this.options.clock.after(ms, () => this.up.release('reap'))
  }

  async sSubscribe(channel: string, listener: (message: string) => void): Promise<void> {
    this.listeners.set(channel, listener)
    await this.sendCommand(['SSUBSCRIBE', channel])
  }

  on(event: string, listener: (...args: never[]) => void): void {
    if (event === 'error') this.onError = listener as unknown as (error: Error) => void
  }

  /** By the node. */
  destroy(): void {
    if (this.isEnded) return
    this.finish(new Error('Disconnects client'))
    const isLate = this.arriveLate()
    this.vanish(0, isLate)
    this.options.onGone()
  }

  push(channel: string, message: string): void {
    const { way, isReordered } = this.options
    if (way.pushesToLose > 0) return void way.pushesToLose--
    const pipe = isReordered() ? this.slow : this.mailbox
    pipe.send(0, () => {
      if (!this.isOver) this.listeners.get(channel)?.(message)
    })
  }

  /** Redis is gone: the node gets to know it. */
  lose(): void {
    this.isGone = true
    this.break(false)
  }

  break(mayBeLate = true): void {
    const { clock, life, delayMs } = this.options
    const isLate = mayBeLate && this.arriveLate()
    for (const pipe of [this.up, this.replies, this.mailbox, this.slow]) pipe.break()
    life.after(delayMs(), () => {
      if (this.isOver) return
      this.finish(new Error('Socket closed unexpectedly'))
      this.onError?.(new Error('Socket closed unexpectedly'))
    })
    if (!isLate) clock.after(delayMs(), () => this.leave())
    this.options.onGone()
  }

  /** A proxy, or a Redis that was suspended, has what was sent, and executes it when the node has another connection. */
  private arriveLate(): boolean {
    const { clock, lateMs } = this.options
    const ms = lateMs()
    const late = ms === undefined ? [] : this.up.take()
    if (ms === undefined || late.length === 0) return false
    clock.after(ms, () => {
      for (const arrive of late) arrive()
      clock.after(1, () => this.leave())
    })
    return true
  }

  hold(reason: string): void {
    // What was sent before is on its way already, unless the network itself holds it.
    if (reason === 'outage') this.up.hold(reason)
    for (const pipe of [this.replies, this.mailbox, this.slow]) pipe.hold(reason)
  }

  release(reason: string): void {
    for (const pipe of [this.up, this.replies, this.mailbox, this.slow]) pipe.release(reason)
  }

  /** The node's end is closed, or has ceased to be. */
  vanish(noticedAfterMs: number, isLate = false): void {
    this.isEnded = true
    for (const pipe of [this.replies, this.mailbox, this.slow]) pipe.break()
    if (isLate) return
    this.options.clock.after(noticedAfterMs === 0 ? this.options.delayMs() : noticedAfterMs, () => this.leave())
  }

  private get isOver(): boolean {
    return this.isEnded || this.options.life.isEnded
  }

  private answer(sent: Sent, reply: unknown): void {
    if (this.isOver || !this.sent.delete(sent)) return
    if (reply instanceof Error) sent.reject(reply)
    else sent.resolve(reply)
  }

  private finish(error: Error): void {
    this.isEnded = true
    for (const { reject } of this.sent) reject(error)
    this.sent.clear()
  }

  private leave(): void {
    this.isGone = true
    this.options.redis.disconnect(this)
  }
}
