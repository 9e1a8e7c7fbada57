/**
 * Servers that share a Redis without a log: which there are, and what they say to and ask of each other. Each listens on a channel
 * of all of them and on one of its own. What one of them says arrives in its order everywhere, and is lost where Redis is away.
 */
import { randomBytes } from 'node:crypto'
import type { Awaitable } from '../../../core/ports/broker.ts'
import type { NodeAddress, NodeRegistry } from '../../../core/ports/node-registry.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { openRedis, type Redis, type RedisClient } from './client.ts'
import { Connection, RefusedError } from './connection.ts'
import { DEFAULT_PREFIX, peerNames } from './names.ts'

export interface PeersOptions {
  readonly url: string
  /** Before every key, as that of the broker. */
  readonly prefix?: string | undefined
  readonly clock: Clock
  /** Begins the ids that this server gives out. */
  readonly node: string
  /** What all of them are; servers of another application are refused. */
  readonly application: string
  /** The common secret, where there is one; else the first server makes one. */
  readonly secret?: Uint8Array | undefined
  /** @returns the answer, where it was asked, as JSON can say it; undefined for nothing to say */
  readonly onTold: (body: unknown, from: string) => Awaitable<unknown>
  /** Something that a person should know of. */
  readonly report: (sentence: string) => void
}

export interface PeerAnswers {
  /** Servers that listened, without those with nothing to say. */
  readonly asked: number
  readonly answers: readonly unknown[]
}

const LEASE_MS = 8_000
const RENEW_MS = 2_000
/** How long Redis may say nothing until the connection is taken for dead. */
const SILENCE_MS = 3_000
const SECRET_BYTES = 32
/** What is said in a turn is one message, unless it is longer. */
const BATCH_LENGTH = 256 * 1024
/** What waits for Redis. */
const WAITING_MAX_LENGTH = 4 * 1024 * 1024
/** A question that is asked before the first connection waits for it. */
const FIRST_MS = 2_000

const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)"
/** Members, application, secret. The application of those that are there counts; where none is, it begins afresh. */
const RENEW = `${NOW} redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local kept = redis.call('GET', KEYS[2])
  if kept and kept ~= ARGV[3] then
    if redis.call('ZCARD', KEYS[1]) > 0 then return {'other', kept} end
    redis.call('DEL', KEYS[3])
  end
  redis.call('SET', KEYS[2], ARGV[3])
  if ARGV[4] ~= '' then redis.call('SET', KEYS[3], ARGV[4], 'NX') end
  redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
  return {'ok', redis.call('GET', KEYS[3]) or ''}`
const LIST = `${NOW} return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')`

type Item =
  | { readonly tell: unknown }
  | { readonly ask: number; readonly body: unknown }
  | { readonly answer: number; readonly value?: unknown; readonly isSilent?: true }

/** What waits to be sent to one channel, as JSON. */
interface Batch {
  items: string[]
  length: number
}

interface Asked {
  /** How many are waited for; nothing until Redis has said it. */
  expected: number | undefined
  silent: number
  readonly answers: unknown[]
  readonly end: () => void
}

export class Peers implements NodeRegistry {
  /** The common secret; its bytes are there once {@link joined} has resolved. */
  readonly secret: { bytes: Uint8Array }
  private readonly options: PeersOptions
  private readonly names: ReturnType<typeof peerNames>
  private readonly connection: Connection
  private readonly first = Promise.withResolvers<void>()
  private readonly asked = new Map<number, Asked>()
  private readonly waiting = new Map<string, Batch>()
  private waitingLength = 0
  private dropped = 0
  private ids = 0
  private isPlanned = false
  private isClosed = false
  /** It is among the others at the moment. */
  private isIn = false
  private address = '-'
  private lastReport = ''
  private cancelRenew: (() => void) | undefined

  constructor(options: PeersOptions) {
    const { url, prefix = DEFAULT_PREFIX, clock, node } = options
    this.options = options
    this.names = peerNames(prefix)
    this.secret = { bytes: options.secret ?? new Uint8Array() }
    this.first.promise.catch(() => undefined)
    let redis: Promise<Redis> | undefined
    this.connection = new Connection({
      clock,
      library: undefined,
      redis: () => {
        redis ??= openRedis(url)
        return redis
      },
      key: this.names.members,
      mailbox: this.names.one(node),
      silenceMs: SILENCE_MS,
      events: {
        prepare: (client) => this.listen(client),
        onMessage: (text) => this.onMessage(text),
        onUp: () => void this.renew(),
        onDown: (cause) => this.onDown(cause),
      },
    })
    this.connection.refusal.catch((error: Error) => this.refuse(error))
    this.connection.start()
  }

  /** Resolves once this server is among the others. Rejects when it cannot be. */
  get joined(): Promise<void> {
    return this.first.promise
  }

  /** To all others, now or with what is said next. */
  tell(body: unknown): void {
    this.put(this.names.all, { tell: body })
  }

  tellOne(node: string, body: unknown): void {
    this.put(this.names.one(node), { tell: body })
  }

  /**
   * Asks all others, behind what was said to them before.
   * @returns (never rejects) what came within the time
   */
  async ask(body: unknown, withinMs: number): Promise<PeerAnswers> {
    const { clock } = this.options
    if (!this.isIn) await this.joinedWithin(FIRST_MS)
    const ended = Promise.withResolvers<void>()
    const asked: Asked = { expected: undefined, silent: 0, answers: [], end: ended.resolve }
    const id = ++this.ids
    this.asked.set(id, asked)
    const cancel = clock.after(withinMs, ended.resolve)
    this.flush()
    const text = JSON.stringify([this.options.node, [{ ask: id, body } satisfies Item]])
    this.publish(this.names.all, text).then((listeners) => {
      if (listeners === undefined) return ended.resolve()
      asked.expected = listeners - 1
      this.check(asked)
    })
    await ended.promise
    cancel()
    this.asked.delete(id)
    const expected = (asked.expected ?? 0) - asked.silent
    return { asked: Math.max(expected, asked.answers.length), answers: asked.answers }
  }

  /** How many listen, this server among them. @throws (rejects) without a connection */
  async count(): Promise<number> {
    if (!this.isIn) await this.joinedWithin(FIRST_MS)
    const [, count] = await this.connection.send<[string, number]>(['PUBSUB', 'SHARDNUMSUB', this.names.all])
    return Math.max(1, Number(count))
  }

  /** @see NodeRegistry.join */
  async join({ url }: NodeAddress): Promise<void> {
    const former = this.member
    this.address = url
    await this.joined
    if (former !== this.member) await this.connection.send(['ZREM', this.names.members, former])
    await this.renew()
  }

  async list(): Promise<readonly NodeAddress[]> {
    const members = await this.connection.send<string[]>(['EVAL', LIST, '1', this.names.members])
    return members
      .map((member) => ({ tag: member.slice(0, member.indexOf(' ')), url: member.slice(member.indexOf(' ') + 1) }))
      .filter(({ url }) => url !== '-')
  }

  async leave(): Promise<void> {
    if (this.isClosed) return
    this.flush()
    this.isClosed = true
    this.cancelRenew?.()
    this.first.reject(new Error('The server is closed'))
    for (const { end } of this.asked.values()) end()
    if (this.connection.up) await this.connection.send(['ZREM', this.names.members, this.member]).catch(() => undefined)
    this.connection.close()
  }

  private get member(): string {
    return `${this.options.node} ${this.address}`
  }

  /** Before anything is sent: a client of an older server says so by not knowing the command. */
  private async listen(client: RedisClient): Promise<void> {
    try {
      await client.sSubscribe(this.names.all, (text) => this.onMessage(text as string), false)
    } catch (error) {
      if (/unknown command/i.test((error as Error).message)) throw new RefusedError('Redis 7 or later is needed')
      throw error
    }
  }

  private async renew(): Promise<void> {
    if (this.isClosed || !this.connection.up) return
    const { clock, application, secret } = this.options
    this.cancelRenew?.()
    this.cancelRenew = clock.after(RENEW_MS, () => void this.renew())
    const { members, application: kept, secret: common } = this.names
    const fresh = secret ? '' : randomBytes(SECRET_BYTES).toString('base64url')
    try {
      const [state, text] = await this.connection.send<[string, string]>(
        ['EVAL', RENEW, '3', members, kept, common, String(LEASE_MS), this.member, application, fresh], // biome-ignore format: one command
      )
      if (state !== 'ok') return this.connection.refuse(new RefusedError(otherApplication(text, application)))
      if (!secret) this.secret.bytes = Buffer.from(text)
      this.isIn = true
      this.first.resolve()
      this.flush()
    } catch (error) {
      // The connection sees to its own end; anything else is tried again soon.
      if (this.connection.up) this.report(error)
    }
  }

  private refuse(error: Error): void {
    this.cancelRenew?.()
    this.waiting.clear()
    this.first.reject(error)
    for (const { end } of this.asked.values()) end()
    this.report(error)
  }

  private onDown(cause: unknown): void {
    this.isIn = false
    this.cancelRenew?.()
    this.report(cause)
    for (const { end } of this.asked.values()) end()
  }

  /** Once, until something else is wrong. */
  private report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (this.isClosed || message === this.lastReport) return
    this.lastReport = message
    this.options.report(message)
  }

  private put(channel: string, item: Item): void {
    if (this.isClosed) return
    const text = JSON.stringify(item)
    if (this.waitingLength + text.length > WAITING_MAX_LENGTH) {
      if (this.dropped++ === 0)
        this.report(new Error('Redis is away or slow, and what the other servers should get is lost'))
      return
    }
    let batch = this.waiting.get(channel)
    if (!batch) {
      batch = { items: [], length: 0 }
      this.waiting.set(channel, batch)
    }
    batch.items.push(text)
    batch.length += text.length
    this.waitingLength += text.length
    if (batch.length >= BATCH_LENGTH) return this.flush()
    if (this.isPlanned) return
    this.isPlanned = true
    this.options.clock.turnEnd(() => {
      this.isPlanned = false
      this.flush()
    })
  }

  private flush(): void {
    if (!this.isIn || this.waiting.size === 0) return
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const [channel, { items, length }] of waiting) {
      // It waits until Redis has it, so that a slow one does not fill the memory.
      this.publish(channel, `["${this.options.node}",[${items.join()}]]`).then(() => {
        this.waitingLength -= length
        if (this.waitingLength < WAITING_MAX_LENGTH / 2) this.dropped = 0
      })
    }
  }

  /** @returns (never rejects) how many listened; undefined without a connection */
  private publish(channel: string, text: string): Promise<number | undefined> {
    return this.connection.send<number>(['SPUBLISH', channel, text]).then(Number, () => undefined)
  }

  private onMessage(text: string): void {
    const own = `["${this.options.node}"`
    if (text.startsWith(own)) return
    const [from, items] = JSON.parse(text) as [string, Item[]]
    for (const item of items) this.onItem(item, from)
  }

  private onItem(item: Item, from: string): void {
    if ('tell' in item) {
      try {
        void Promise.resolve(this.options.onTold(item.tell, from)).catch((error: unknown) => this.report(error))
      } catch (error) {
        this.report(error)
      }
    } else if ('ask' in item) void this.answer(item.ask, item.body, from)
    else this.onAnswer(item)
  }

  private async answer(id: number, body: unknown, from: string): Promise<void> {
    let value: unknown
    try {
      value = await this.options.onTold(body, from)
    } catch (error) {
      this.report(error)
      return // the other one counts it as missing
    }
    this.put(this.names.one(from), value === undefined ? { answer: id, isSilent: true } : { answer: id, value })
  }

  private onAnswer({ answer, value, isSilent }: Extract<Item, { answer: number }>): void {
    const asked = this.asked.get(answer)
    if (!asked) return
    if (isSilent) asked.silent++
    else asked.answers.push(value)
    this.check(asked)
  }

  private check({ expected, silent, answers, end }: Asked): void {
    if (expected !== undefined && silent + answers.length >= expected) end()
  }

  private async joinedWithin(ms: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const cancel = this.options.clock.after(ms, late.resolve)
    await Promise.race([this.joined.catch(() => undefined), late.promise])
    cancel()
  }
}

function otherApplication(there: string, own: string): string {
  return (
    `The servers on this Redis are those of ${JSON.stringify(there)}, and this one is of ${JSON.stringify(own)}, so they do not ` +
    'share anything. Give each application its own ROOMFUL_REDIS_PREFIX; parts of one application get one name.'
  )
}
