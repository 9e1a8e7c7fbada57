/**
 * One connection to the primary that holds a namespace: commands and the mailbox on it, a probe that notices when it is
 * dead, and a new one in its place for as long as it takes. The client library's own reconnection is off: it would send
 * commands again, or queue them, where only the caller knows whether that is right.
 */
import { Buffer } from 'node:buffer'
import type { Clock } from '../../../core/ports/system.ts'
import type { Redis, RedisClient } from './client.ts'
import type { Library } from './library.ts'

/** Text, or the bytes themselves: then what Redis answers is in bytes as well. */
type Message = string | Buffer

export interface ConnectionEvents<M extends Message = string> {
  /** Before anything else is sent. What it throws ends the attempt; `RefusedError` ends all attempts. */
  prepare(client: RedisClient): Promise<void>
  onMessage(message: M): void
  /** The mailbox is listened to, the library is there. */
  onUp(): void
  onDown(cause: unknown): void
}

export interface ConnectionOptions<M extends Message = string> {
  readonly clock: Clock
  /** The client library, loaded once. */
  readonly redis: () => Promise<Redis>
  /** The functions that are called; nothing for a connection that calls none. */
  readonly library: (() => Library) | undefined
  /** A key of the namespace: where it is, there is the connection. */
  readonly key: string
  /** Nothing for a connection that only asks. */
  readonly mailbox: string | undefined
  readonly isBinary?: M extends Buffer ? true : false
  /** Centrifugo #1189: a link that is dead for data and alive for TCP shows only by an answer that does not come. */
  readonly silenceMs: number
  readonly events: ConnectionEvents<M>
}

/** Not worth trying again: a person has to change something. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** The connection went away before the answer came; whether the command ran is not known. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError'
}

const PROBE_MS = 1_000
const CONNECT_MS = 5_000
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2_000
/** Strings of Redis as they are, which RESP calls `$`. */
const BYTES = { typeMapping: { 36: Buffer } }

export class Connection<M extends Message = string> {
  private readonly options: ConnectionOptions<M>
  private redis: Redis | undefined
  private client: RedisClient | undefined
  private isUp = false
  private isClosed = false
  private attempts = 0
  private cancelRetry: (() => void) | undefined
  private cancelProbe: (() => void) | undefined
  private usesScripts = false
  private scripts: { plain: string; withoutMemory: string } | undefined
  private readonly refused = Promise.withResolvers<never>()

  constructor(options: ConnectionOptions<M>) {
    this.options = options
    this.refused.promise.catch(() => undefined)
  }

  get up(): boolean {
    return this.isUp
  }

  /** Rejects when Redis is one that must not be used. */
  get refusal(): Promise<never> {
    return this.refused.promise
  }

  start(): void {
    void this.attempt()
  }

  /** @throws (rejects) ConnectionLostError, or what Redis answered */
  call(name: string, args: readonly (string | Buffer)[]): Promise<unknown> {
    return this.send(this.command(name, args))
  }

  /** The same for a command of Redis. */
  async send<T>(command: readonly (string | Buffer)[]): Promise<T> {
    const { client } = this
    if (!client || !this.isUp) throw new ConnectionLostError('There is no connection to Redis')
    try {
      return await client.sendCommand<T>(command, this.options.isBinary ? BYTES : undefined)
    } catch (error) {
      if (this.redis?.isReply(error)) throw error
      // Before the caller knows: it sends again at once what may be sent again, and must not find this client in its place.
      if (this.client === client) this.break(error)
      throw new ConnectionLostError('The connection to Redis broke', { cause: error })
    }
  }

  /** The client itself, while there is one; what it does with it is done again by `prepare` on a new one. */
  async use(fn: (client: RedisClient) => Promise<void>): Promise<void> {
    if (this.client && this.isUp) await fn(this.client)
  }

  /** Whatever is wrong with it, a new one is better. */
  break(cause: unknown): void {
    if (this.isClosed || !this.client) return
    this.drop()
    const wasUp = this.isUp
    this.isUp = false
    if (wasUp) this.options.events.onDown(cause)
    this.retry()
  }

  /** Ends all attempts: {@link refusal} says why. */
  refuse(error: RefusedError): void {
    this.refused.reject(error)
    this.close()
  }

  close(): void {
    this.isClosed = true
    this.isUp = false
    this.cancelRetry?.()
    this.drop()
  }

  private command(name: string, args: readonly (string | Buffer)[]): (string | Buffer)[] {
    const { key } = this.options
    const library = this.options.library?.()
    if (!this.usesScripts) return ['FCALL', `${library?.name}_${name}`, '1', key, ...args]
    const sha = library?.needsNoMemory(name) ? this.scripts?.withoutMemory : this.scripts?.plain
    return ['EVALSHA', sha ?? '', '1', key, name, ...args]
  }

  private drop(): void {
    const { client } = this
    this.client = undefined
    this.cancelProbe?.()
    this.cancelProbe = undefined
    try {
      client?.destroy()
    } catch {
      // It was closed already.
    }
  }

  private retry(): void {
    if (this.isClosed) return
    const ms = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.attempts++, 10))
    this.cancelRetry = this.options.clock.after(ms, () => void this.attempt())
  }

  private async attempt(): Promise<void> {
    const { events, clock, redis, key } = this.options
    let client: RedisClient | undefined
    let cancelTimeout: (() => void) | undefined
    try {
      this.redis ??= await redis()
      client = await this.redis.connect(key)
      if (this.isClosed) return
      this.client = client
      const mine = client
      client.on('error', (error: unknown) => {
        if (this.client === mine) clock.turnEnd(() => this.client === mine && this.isUp && this.break(error))
      })
      client.on('sharded-channel-moved', () => this.client === mine && this.break(new Error('The slot moved')))
      const timeout = new Promise<never>((_, reject) => {
        cancelTimeout = clock.after(CONNECT_MS, () => reject(new Error('Redis did not answer in time')))
      })
      await Promise.race([timeout, this.prepare(client)])
      if (this.isClosed || this.client !== client) return
      this.attempts = 0
      this.isUp = true
      this.probe(client)
      events.onUp()
    } catch (error) {
      if (this.client === client) this.drop()
      if (error instanceof RefusedError) return this.refuse(error)
      events.onDown(error)
      this.retry()
    } finally {
      cancelTimeout?.()
    }
  }

  private async prepare(client: RedisClient): Promise<void> {
    const { events, mailbox, isBinary } = this.options
    await events.prepare(client)
    await this.load(client)
    if (mailbox === undefined) return
    const onMessage = (message: string | Buffer) => {
      if (this.client === client) events.onMessage(message as M)
    }
    await client.sSubscribe(mailbox, onMessage, isBinary ?? false)
  }

  /** The functions, or where a service forbids them the same source as scripts. */
  private async load(client: RedisClient): Promise<void> {
    if (!this.options.library) return
    const { source, script, scriptWithoutMemory } = this.options.library()
    try {
      await client.sendCommand(['FUNCTION', 'LOAD', source])
      this.usesScripts = false
    } catch (error) {
      const text = String((error as Error).message)
      if (text.includes('already exists')) this.usesScripts = false
      else if (/unknown command|NOPERM|not allowed|disabled/i.test(text)) {
        this.scripts = {
          plain: await client.sendCommand<string>(['SCRIPT', 'LOAD', script]),
          withoutMemory: await client.sendCommand<string>(['SCRIPT', 'LOAD', scriptWithoutMemory]),
        }
        this.usesScripts = true
      } else throw error
    }
  }

  private probe(client: RedisClient): void {
    const { clock, silenceMs } = this.options
    let asked: number | undefined
    const tick = () => {
      if (this.client !== client) return
      if (asked !== undefined && clock.monotonic() - asked >= silenceMs) {
        return this.break(new Error('Redis does not answer'))
      }
      if (asked === undefined) {
        asked = clock.monotonic()
        client.sendCommand(['PING']).then(
          () => {
            asked = undefined
          },
          () => undefined,
        )
      }
      this.cancelProbe = clock.after(PROBE_MS, tick)
    }
    this.cancelProbe = clock.after(PROBE_MS, tick)
  }
}
