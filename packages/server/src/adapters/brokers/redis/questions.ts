/**
 * Questions between nodes, and which nodes there are. Each node has a channel for questions and answers of its own, beside
 * the mailboxes of its namespaces: nothing here needs an order among events, and nothing of it is lost that somebody does
 * not ask again. A node that ended without a word has no listener on its channel, so it is not waited for.
 */
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Awaitable } from '../../../core/ports/broker.ts'
import { ALONE, type NodeAnswers, type NodeQuestion } from '../../../core/ports/nodes.ts'
import type { Clock } from '../../../core/ports/system.ts'
import type { Redis } from './client.ts'
import { Connection, RefusedError } from './connection.ts'
import { library } from './library.ts'
import { clusterNames } from './names.ts'

export interface QuestionsOptions {
  readonly redis: () => Promise<Redis>
  readonly prefix: string
  readonly node: string
  readonly clock: Clock
  /** By which nodes see that they have the same secret, without it. */
  readonly secretDigest: string
  /** Of one that is accepted too; empty without one. */
  readonly otherSecretDigest: string
  readonly onAsk: (question: NodeQuestion) => Awaitable<unknown>
  /** Something that a person should know of. */
  readonly report: (error: unknown) => void
}

/** How long an answer is waited for. */
const ANSWER_MS = 1_000
const LEASE_MS = 8_000
const RENEW_MS = 2_000
/** How long Redis may say nothing until the connection is taken for dead. */
const SILENCE_MS = 3_000

const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)"
/**
 * A node that comes with another secret than that of nodes which are there is left out, unless it accepts theirs as well;
 * where none is, its secret counts.
 */
const RENEW = `${NOW} redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local kept = redis.call('GET', KEYS[2])
  if kept ~= ARGV[3] then
    if kept ~= ARGV[4] then for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      if kept and other ~= ARGV[2] then return {} end
    end end
    redis.call('SET', KEYS[2], ARGV[3])
  end
  redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
  return redis.call('ZRANGE', KEYS[1], 0, -1)`
/** To each node that is there but the one that asks; says how many listened. */
const ASK = `${NOW} local nodes = redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf') local reply = {}
  for i = 1, #nodes do if nodes[i] ~= ARGV[1] then
    local wanted = #ARGV == 3
    for j = 4, #ARGV do wanted = wanted or ARGV[j] == nodes[i] end
    if wanted then
      reply[#reply + 1] = nodes[i]
      reply[#reply + 1] = redis.call('SPUBLISH', ARGV[2] .. nodes[i], ARGV[3])
    end
  end end
  return reply`

const OTHER_SECRET =
  'The nodes on this Redis have another JWT_SECRET, so what one of them signs another would refuse. Give every node the same one. ' +
  'To change it, stop all nodes, wait 10 s, and start them with the new one. Nodes that have nothing to do with each other ' +
  'need different values of ROOMFUL_REDIS_PREFIX.'

type Message =
  | { readonly ask: number; readonly from: string; readonly question: NodeQuestion }
  | { readonly answer: number; readonly from: string; readonly value?: unknown; readonly failed?: true }

interface Asked {
  /** Nodes whose answer is waited for; nothing until Redis has said which. */
  missing: Set<string> | undefined
  readonly answers: { node: string; value: unknown }[]
  readonly heard: Set<string>
  readonly end: () => void
}

export class Questions {
  private readonly options: QuestionsOptions
  private readonly connection: Connection
  private readonly channel: string
  private readonly members: string
  private readonly secret: string
  private readonly asked = new Map<number, Asked>()
  private readonly joined = Promise.withResolvers<void>()
  private known: readonly string[]
  private ids = 0
  private isClosed = false
  private cancelRenew: (() => void) | undefined

  constructor(options: QuestionsOptions) {
    const { prefix, node, clock, redis } = options
    this.options = options
    this.known = [node]
    const names = clusterNames(prefix)
    this.members = names.members
    this.secret = names.secret
    this.channel = names.questions
    this.connection = new Connection({
      clock,
      library,
      redis,
      key: names.main,
      mailbox: this.channel + node,
      silenceMs: SILENCE_MS,
      events: {
        prepare: async () => undefined,
        onMessage: (text) => this.onMessage(text),
        onUp: () => void this.renew(),
        onDown: (cause) => this.onDown(cause),
      },
    })
    this.connection.start()
  }

  /** Resolves once the other nodes can ask this one. @throws (rejects) when Redis must not be used, or at the end */
  async start(): Promise<void> {
    try {
      await Promise.race([this.joined.promise, this.connection.refusal])
    } catch (error) {
      throw new RoomfulError('UNAVAILABLE', (error as Error).message, { cause: error })
    }
  }

  async nodes(): Promise<readonly string[]> {
    await this.renew()
    return this.known
  }

  /** Takes one of a minute of all namespaces. @returns ms until one is free @throws (rejects) without a connection */
  async take(scope: string, perMinute: number): Promise<number> {
    return Number(await this.connection.call('take', ['', scope, String(perMinute)]))
  }

  async ask<T>(question: NodeQuestion, nodes: readonly string[] | undefined): Promise<NodeAnswers<T>> {
    if (nodes?.length === 0) return ALONE
    const { node, clock } = this.options
    const id = ++this.ids
    const ended = Promise.withResolvers<void>()
    const asked: Asked = { missing: undefined, answers: [], heard: new Set(), end: ended.resolve }
    this.asked.set(id, asked)
    const cancel = clock.after(ANSWER_MS, ended.resolve)
    let count = this.known.filter((each) => each !== node && (nodes?.includes(each) ?? true)).length
    const message: Message = { ask: id, from: node, question }
    const send = ['EVAL', ASK, '1', this.members, node, this.channel, JSON.stringify(message), ...(nodes ?? [])]
    this.connection.send<(string | number)[]>(send).then(
      (reply) => {
        count = reply.length / 2
        asked.missing = new Set(
          reply.filter((_, i) => i % 2 === 0 && Number(reply[i + 1]) > 0).map((each) => String(each)),
        )
        for (const each of asked.heard) asked.missing.delete(each)
        if (asked.missing.size === 0) ended.resolve()
      },
      () => ended.resolve(), // the connection reports it
    )
    await ended.promise
    cancel()
    this.asked.delete(id)
    const { answers } = asked
    return {
      asked: Math.max(count, answers.length),
      answered: answers.length,
      answers: answers as { node: string; value: T }[],
    }
  }

  /** The other nodes do not ask this one any more. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.cancelRenew?.()
    for (const { end } of this.asked.values()) end()
    if (this.connection.up) {
      await this.connection.send(['ZREM', this.members, this.options.node]).catch(() => undefined)
    }
    this.connection.close()
    this.joined.promise.catch(() => undefined)
    this.joined.reject(new Error('The server is shutting down'))
  }

  private async renew(): Promise<void> {
    if (this.isClosed || !this.connection.up) return
    const { clock, node, secretDigest, otherSecretDigest } = this.options
    this.cancelRenew?.()
    this.cancelRenew = clock.after(RENEW_MS, () => void this.renew())
    const command = [
      'EVAL',
      RENEW,
      '2',
      this.members,
      this.secret,
      String(LEASE_MS),
      node,
      secretDigest,
      otherSecretDigest,
    ]
    try {
      const known = await this.connection.send<string[]>(command)
      if (known.length === 0) return this.refuse(new RefusedError(OTHER_SECRET))
      this.known = known
      this.joined.resolve()
    } catch (error) {
      // The connection sees to its own end; anything else is tried again soon.
      if (this.connection.up) this.options.report(error)
    }
  }

  private refuse(error: RefusedError): void {
    this.cancelRenew?.()
    this.options.report(error)
    this.connection.refuse(error)
  }

  private onDown(cause: unknown): void {
    this.cancelRenew?.()
    this.options.report(cause)
    for (const { end } of this.asked.values()) end()
  }

  private onMessage(text: string): void {
    const message = JSON.parse(text) as Message
    if ('ask' in message) return void this.answer(message.ask, message.from, message.question)
    const asked = this.asked.get(message.answer)
    if (!asked || asked.heard.has(message.from)) return
    asked.heard.add(message.from)
    if (!message.failed) asked.answers.push({ node: message.from, value: message.value })
    asked.missing?.delete(message.from)
    if (asked.missing?.size === 0) asked.end()
  }

  private async answer(id: number, to: string, question: NodeQuestion): Promise<void> {
    const { node, onAsk } = this.options
    let message: Message
    try {
      message = { answer: id, from: node, value: await onAsk(question) }
    } catch {
      message = { answer: id, from: node, failed: true }
    }
    // Without an answer the other node stops waiting by itself.
    await this.connection.send(['SPUBLISH', this.channel + to, JSON.stringify(message)]).catch(() => undefined)
  }
}
