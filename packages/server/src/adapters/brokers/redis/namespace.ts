/**
 * A namespace on Redis, as one node sees it: its connection, its lease, its calls, and the rooms it has open. Redis is the
 * log, the clock and the referee; what is here can be lost at any time.
 */
import type { Buffer } from 'node:buffer'
import { ERROR_CODES } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type {
  Append,
  Appended,
  Batch,
  BrokerListener,
  CommittedRow,
  Head,
  RoomSubscription,
  SentSignal,
} from '../../../core/ports/broker.ts'
import type { Clock, Random } from '../../../core/ports/system.ts'
import type { LogLimits } from '../common/limits.ts'
import { appendArguments, appendResults, lostLeads } from './append-call.ts'
import { Calls, ELSEWHERE, type Outcome } from './calls.ts'
import type { Redis, RedisClient } from './client.ts'
import { Connection, ConnectionLostError, RefusedError } from './connection.ts'
import { type FunctionName, library, OF_A_CONNECTION } from './library.ts'
import { type Names, namesOf } from './names.ts'
import { toDiff, toOnline } from './presence-frame.ts'
import { Replication } from './replication.ts'
import { type ChangeFrame, type Frame, type StateFrame, toChange, toStateChange } from './rows.ts'

/** The version of what stands in Redis. A newer one is another program's. */
const FORM = 1
export const NODE_ID_LENGTH = 8
const LOG_ID_LENGTH = 12
const SEED_LENGTH = 8
const RETRY_MS = 1_000
/** How often heads are asked for while connections break. */
const HEADS_TRIES = 5
/** Rooms of one call. */
const ROOMS_MAX = 200
const TEND_MS = 10_000
const TEND_ROOMS = 50
/** Of one call. */
const EXPIRED_MAX = '100'

export interface Timings {
  /** How long Redis has to answer a call, with all attempts. */
  readonly deadlineMs: number
  /** How long it may say nothing until the connection is taken for dead. */
  readonly silenceMs: number
  /** How often a node says that it lives; its lease is 8 s. */
  readonly renewMs: number
  /** How long a room stays open after its last member, so that one that empties and fills costs nothing. */
  readonly lingerMs: number
}

export const TIMINGS: Timings = { deadlineMs: 5_000, silenceMs: 3_000, renewMs: 2_000, lingerMs: 10_000 }

export interface NamespaceOptions {
  readonly name: string
  readonly redis: () => Promise<Redis>
  readonly prefix: string
  readonly node: string
  readonly clock: Clock
  readonly random: Random
  readonly limits: LogLimits
  /** The log's time instead of Redis', for tests. */
  readonly time: (() => number) | undefined
  readonly timings: Timings
  /** How many replicas must have an event before it is acknowledged. */
  readonly replicas: number
  readonly listener: () => BrokerListener
  /** Something that a person should know of. */
  readonly report: (error: unknown) => void
  /** @returns which server it is, `''` when that is not known */
  readonly check: (client: RedisClient) => Promise<string>
  /** After each look at what time takes. */
  readonly onTended: (namespace: RedisNamespace) => Promise<void>
}

interface OpenRoom {
  retention: number | undefined
  cancelClose: (() => void) | undefined
}

interface Waiting {
  readonly name: FunctionName
  readonly args: readonly (string | Buffer)[]
  readonly startedAt: number
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Rejoining {
  readonly attempt: number
  /** Of the log as it was known before. */
  readonly logId: string
  /** Redis was started since, or is another one. */
  readonly mayHaveLost: boolean
}

type Ask = (name: FunctionName, args: readonly (string | Buffer)[]) => Promise<readonly unknown[]>

const UNKNOWN: Appended = { status: 'unknown' }
const REFUSED: Appended = {
  status: 'refused',
  code: 'UNAVAILABLE',
  message: ERROR_CODES.UNAVAILABLE.message,
  retryAfterMs: RETRY_MS,
}

export class RedisNamespace {
  readonly names: Names
  private readonly options: NamespaceOptions
  private readonly calls: Calls
  private readonly connection: Connection
  private readonly replication: Replication | undefined
  private readonly rooms = new Map<string, OpenRoom>()
  private readonly waiting = new Set<Waiting>()
  private readonly opened = Promise.withResolvers<void>()
  /** Redis knows this node, on this connection. */
  private isJoined = false
  /** To be joined, and of being cut off: what was begun by an earlier one counts no more. It numbers the connections. */
  private attempt = 0
  private isClosed = false
  private logId = ''
  /** The server that this node is connected to, and the one by which it was joined last. */
  private server = ''
  private knownServer = ''
  private n = 0
  private cancelRenew: (() => void) | undefined
  private cancelTend: (() => void) | undefined
  private downSince: number | undefined
  private isTending = false
  hasClaims = false

  constructor(options: NamespaceOptions) {
    const { name, prefix, node, clock, timings } = options
    const { deadlineMs, silenceMs } = timings
    this.options = options
    this.names = namesOf(prefix, name)
    this.connection = new Connection({
      clock,
      library,
      redis: options.redis,
      key: this.names.main,
      mailbox: this.names.mailbox(node),
      silenceMs,
      events: {
        prepare: (client) => this.prepare(client),
        onMessage: (text) => this.calls.onMessage(text),
        onUp: () => this.onUp(),
        onDown: (cause) => this.onDown(cause),
      },
    })
    const { redis, report, replicas } = options
    const { main: key } = this.names
    const replication =
      replicas > 0 ? new Replication({ clock, redis, key, node, replicas, silenceMs, report }) : undefined
    this.replication = replication
    this.calls = new Calls({
      node,
      clock,
      connection: this.connection,
      deadlineMs,
      confirm: replication && ((serial) => replication.confirm(serial)),
      onFrames: (frames) => this.onFrames(frames),
    })
    this.downSince = clock.monotonic()
    this.connection.start()
  }

  get now(): string {
    const { time } = this.options
    return time === undefined ? '' : String(time())
  }

  get isUp(): boolean {
    return this.connection.up
  }

  /** How long there has been no connection. */
  get downMs(): number {
    return this.downSince === undefined ? 0 : this.options.clock.monotonic() - this.downSince
  }

  async open(): Promise<{ logId: string; n: number }> {
    const refusal = this.connection.refusal.catch((error: Error) => {
      throw new RoomfulError('UNAVAILABLE', error.message, { cause: error })
    })
    await Promise.race([this.opened.promise, refusal])
    // A Redis that goes away just now is waited for like one that is not there yet.
    for (;;) {
      try {
        const reply = await this.ask('heads', [this.options.node])
        this.n = Math.max(this.n, Number(reply[2]))
        return { logId: this.logId, n: this.n }
      } catch (error) {
        if (this.isClosed) throw error
        await Promise.race([new Promise<void>((resolve) => this.options.clock.after(RETRY_MS, resolve, true)), refusal])
      }
    }
  }

  append(batch: Batch): void {
    const { limits, listener } = this.options
    const args = appendArguments(batch, {
      seed: this.seed(),
      now: this.now,
      dedupeWindowMs: limits.dedupeWindowMs,
      retention: limits.retention,
      retentionMs: Number.isFinite(limits.retentionMs) ? limits.retentionMs : 0,
      eventMax: limits.eventMax,
      hasClaims: this.hasClaims,
    })
    this.calls.start('append', args, (outcome) => {
      const { name } = this.options
      const results = this.resultsOf(batch, outcome)
      const cause = outcome.status === 'failed' ? outcome.error : undefined
      if (cause instanceof Error && cause.message.startsWith('OOM')) this.tendSoon()
      if (outcome.status === 'done' && isOfLead(batch)) {
        for (const lead of lostLeads(outcome.reply)) listener().onLeadLost(lead)
      }
      if (outcome.status === 'unconfirmed') this.show(batch, appendResults(outcome.reply, batch.appends))
      if (cause === undefined) listener().onCommitted(name, batch.id, results)
      else listener().onCommitted(name, batch.id, results, cause)
    })
  }

  /**
   * A question that may be asked twice: it is sent again after a break, for as long as a call has.
   * @throws (rejects) RoomfulError UNAVAILABLE, or what Redis answered
   */
  async ask(name: FunctionName, args: readonly (string | Buffer)[]): Promise<readonly unknown[]> {
    if (this.isClosed) throw closedError()
    const { clock } = this.options
    return new Promise<readonly unknown[]>((resolve, reject) => {
      const startedAt = clock.monotonic()
      const waiting: Waiting = { name, args, startedAt, resolve: resolve as (reply: unknown) => void, reject }
      this.send(waiting)
    })
  }

  /**
   * A call that takes effect once.
   * @param onReply runs in its place among what other nodes did
   * @throws (rejects) RoomfulError UNAVAILABLE
   */
  async change(
    name: FunctionName,
    args: readonly (string | Buffer)[],
    onReply?: (reply: readonly unknown[]) => void,
  ): Promise<readonly unknown[]> {
    if (this.isClosed) throw closedError()
    return new Promise((resolve, reject) => {
      this.calls.start(name, args, (outcome) => {
        if (outcome.status === 'done' || outcome.status === 'unconfirmed') onReply?.(outcome.reply)
        if (outcome.status === 'done') resolve(outcome.reply)
        else reject(unavailable(outcome.error))
      })
    })
  }

  /** Whether what Redis has answered so far is on as many replicas as it must be. */
  async isConfirmed(): Promise<boolean> {
    return this.replication === undefined || this.replication.confirm(this.calls.latestAnswered)
  }

  /** A frame about presence, from a call of this node or of another. */
  onPresence(body: unknown): void {
    const { name, node, listener } = this.options
    listener().onPresence(name, toDiff(body, node))
  }

  onOnline(body: unknown): void {
    const { name, listener } = this.options
    listener().onOnline(name, toOnline(body))
  }

  /** Opens rooms for this node and @returns their heads, once everything before them has been released. */
  async subscribe(subscriptions: readonly RoomSubscription[]): Promise<Head[]> {
    for (const { roomId, retention } of subscriptions) {
      const room = this.rooms.get(roomId)
      room?.cancelClose?.()
      this.rooms.set(roomId, { retention, cancelClose: undefined })
    }
    const pages = inPages(subscriptions).map((page) => this.openRooms(page))
    return (await Promise.all(pages)).flat()
  }

  /**
   * Where rooms stand, once everything before has been released here. After a break it is asked again: what it was sent by
   * then, it may have lost.
   */
  async heads(roomIds: readonly string[]): Promise<Head[]> {
    for (let tries = 0; tries < HEADS_TRIES; tries++) {
      const reply = await this.ask('heads', [this.options.node, ...roomIds])
      const { promise, resolve } = Promise.withResolvers<boolean>()
      this.calls.after(
        Number(reply[1]),
        () => resolve(true),
        () => resolve(false),
      )
      if (await promise) return headsOf(reply, roomIds)
    }
    throw unavailable(new Error('The connection to Redis broke again and again'))
  }

  unsubscribe(roomIds: readonly string[]): void {
    const { clock, timings } = this.options
    const closing = roomIds.filter((roomId) => {
      const room = this.rooms.get(roomId)
      if (!room || timings.lingerMs === 0) return room !== undefined
      room.cancelClose?.()
      room.cancelClose = clock.after(timings.lingerMs, () => this.closeRooms([roomId]))
      return false
    })
    if (closing.length > 0) this.closeRooms(closing)
  }

  /** A slice of what time takes. @returns whether there is more */
  async tend(): Promise<boolean> {
    const { emptyRoomMs } = this.options.limits
    const [looked] = await this.ask('tend', [this.now, this.age, String(emptyRoomMs), String(TEND_ROOMS)])
    await this.expire()
    await this.options.onTended(this)
    return Number(looked) >= TEND_ROOMS
  }

  /** Removes so many of the oldest events at most. @returns how many */
  async trimOldest(rows: number): Promise<number> {
    return Number((await this.ask('trimOldest', [String(rows), this.age]))[0])
  }

  /** What Redis says of its memory. */
  memory(): Promise<string> {
    return this.connection.send<string>(['INFO', 'memory'])
  }

  /** Ms that a row stays, as calls have it: 0 for whatever its age. */
  private get age(): string {
    const { retentionMs } = this.options.limits
    return Number.isFinite(retentionMs) ? String(retentionMs) : '0'
  }

  /** Nodes with a lease, without this one. */
  async otherNodes(): Promise<number> {
    return Number((await this.ask('countNodes', [this.node, this.now]))[0])
  }

  seed(): string {
    return this.options.random.id(SEED_LENGTH)
  }

  get limits(): LogLimits {
    return this.options.limits
  }

  get node(): string {
    return this.options.node
  }

  /** Everything that was handed over has its answer; then the node leaves, so that no other node needs to clear up after it. */
  async close(): Promise<void> {
    if (this.isClosed) return
    const { clock } = this.options
    const until = clock.monotonic() + this.options.timings.deadlineMs
    while ((!this.calls.isIdle || this.waiting.size > 0) && clock.monotonic() < until) {
      await new Promise<void>((resolve) => clock.after(5, resolve, true))
      if (!this.connection.up && this.downMs > this.options.timings.deadlineMs) break
    }
    this.isClosed = true
    this.cancelRenew?.()
    this.cancelTend?.()
    for (const { cancelClose } of this.rooms.values()) cancelClose?.()
    if (this.connection.up) await this.leave().catch(() => undefined)
    this.connection.close()
    this.replication?.close()
    this.calls.close(closedError())
    for (const { reject } of this.waiting) reject(closedError())
    this.waiting.clear()
    this.opened.promise.catch(() => undefined)
    this.opened.reject(closedError())
  }

  private async leave(): Promise<void> {
    const { node, limits } = this.options
    const args = [node, this.now, 'leave', String(limits.emptyRoomMs)]
    for (let slice = 0; slice < 1_000; slice++) {
      if (Number(await this.connection.call('reap', args)) === 0) return
    }
  }

  /** Members of this node see it as those of other nodes do, although it is not acknowledged. */
  private show({ appends }: Batch, results: readonly Appended[]): void {
    const { listener, name } = this.options
    const rows = results.flatMap((result, i): CommittedRow[] => {
      if (result.status !== 'stored') return []
      const { n, seq, ts } = result
      const { roomId, type, argsJson, userId, key } = appends[i] as Append
      const epoch = listener().headOf(name, roomId)?.epoch ?? ''
      return [{ n, seq, ts, roomId, type, argsJson, userId, key: key?.key, redacted: false, epoch }]
    })
    if (rows.length > 0) listener().onEvents(name, rows)
  }

  private resultsOf(batch: Batch, outcome: Outcome): Appended[] {
    if (outcome.status === 'done' || outcome.status === 'unconfirmed') {
      const results = appendResults(outcome.reply, batch.appends)
      const last = results.findLast((result) => result.status === 'stored')
      if (last?.status === 'stored') this.n = Math.max(this.n, last.n)
      if (outcome.status === 'done') return results
      return results.map((result) => (result.status === 'refused' ? result : UNKNOWN))
    }
    const same: Appended = outcome.status === 'unknown' ? UNKNOWN : REFUSED
    return new Array<Appended>(batch.appends.length).fill(same)
  }

  private send(waiting: Waiting): void {
    this.waiting.add(waiting)
    if (!this.isJoined) {
      const left = this.options.timings.deadlineMs - (this.options.clock.monotonic() - waiting.startedAt)
      this.options.clock.after(Math.max(1, left), () => {
        if (this.waiting.delete(waiting)) waiting.reject(unavailable(new Error('There is no connection to Redis')))
      })
      return
    }
    this.connection.call(waiting.name, withConnection(waiting.name, waiting.args, this.attempt)).then(
      (reply) => this.onReply(waiting, reply),
      (error: unknown) => {
        if (!this.waiting.has(waiting) || this.isClosed) return
        if (error instanceof Error && ELSEWHERE.test(error.message)) this.connection.break(error)
        else if (!(error instanceof ConnectionLostError)) {
          this.waiting.delete(waiting)
          return waiting.reject(unavailable(error))
        }
        this.send(waiting)
      },
    )
  }

  private onReply(waiting: Waiting, reply: unknown): void {
    if (!this.waiting.has(waiting)) return
    if (Array.isArray(reply) && reply[0] === 'REAPED') {
      this.connection.break(new Error('Redis: the lease of this node was over'))
      return this.send(waiting)
    }
    this.waiting.delete(waiting)
    waiting.resolve(Array.isArray(reply) ? reply : [reply])
  }

  private async openRooms(
    rooms: readonly RoomSubscription[],
    ask: Ask = (...call) => this.ask(...call),
  ): Promise<Head[]> {
    const { node, limits } = this.options
    const declared = rooms.flatMap(({ roomId, retention }) => [
      roomId,
      retention === undefined ? '' : String(retention),
    ])
    const stays = String(limits.emptyRoomMs)
    const reply = await ask('open', [node, this.now, this.seed(), String(limits.retention), stays, ...declared])
    const heads = headsOf(reply, rooms.map(({ roomId }) => roomId)) // biome-ignore format: one call
    return new Promise((resolve) => this.calls.after(Number(reply[1]), () => resolve(heads)))
  }

  private closeRooms(roomIds: readonly string[]): void {
    for (const roomId of roomIds) this.rooms.delete(roomId)
    if (this.isClosed) return
    const { node, limits, report } = this.options
    for (const page of inPages(roomIds)) {
      this.ask('close', [node, this.now, String(limits.emptyRoomMs), ...page]).catch((error: unknown) => {
        // What is still open there is closed with the node's lease, or when a message finds no listener.
        if (!this.isClosed) report(error)
      })
    }
  }

  /** Checks the server, and takes the lease: after this the mailbox may be listened to. */
  private async prepare(client: RedisClient): Promise<void> {
    this.server = await this.options.check(client)
  }

  private onUp(): void {
    const attempt = ++this.attempt
    this.join(attempt).catch((error: unknown) => {
      if (error instanceof RefusedError) this.connection.refuse(error)
      else if (attempt !== this.attempt)
        return // of a connection that is gone
      else this.connection.break(error)
    })
  }

  private async join(attempt: number): Promise<void> {
    const { node, name, random, listener, clock } = this.options
    const { logId, calls } = this
    const first = [node, this.now, `1${random.id(LOG_ID_LENGTH)}`, String(FORM), String(calls.latestSent)]
    const reply = (await this.connection.call('register', [...first, String(this.n), String(attempt)])) as unknown[]
    if (reply[0] === 'REAPED') throw new Error('Redis: a newer connection of this node is there')
    if (reply[0] === 'FORM') {
      throw new RefusedError(
        `Redis holds Roomful's data in form ${String(reply[1])}, and this version knows form ${FORM}. Start a newer version, or set ROOMFUL_REDIS_PREFIX to keep apart from it.`,
      )
    }
    this.onLog({ logId: String(reply[3]), n: Number(reply[4]) })
    // Before anything is stored or read: a log that has lost its tail must not give out numbers that were sent.
    const isBack = logId !== ''
    const { server } = this
    const mayHaveLost = server === '' || server !== this.knownServer
    const pages = isBack ? inPages(this.subscriptions()) : []
    const heads = (await Promise.all(pages.map((page) => this.reopen(page, { attempt, logId, mayHaveLost })))).flat()
    if (attempt !== this.attempt) return
    this.knownServer = server
    if (isBack) listener().onBreak(name, heads)
    // What the mailbox has got since then waited for that.
    calls.onJoined(Number(reply[1]), Number(reply[2]))
    this.isJoined = true
    this.downSince = undefined
    calls.onUp()
    this.opened.resolve()
    this.cancelRenew?.()
    this.cancelRenew = clock.after(this.options.timings.renewMs, () => this.renew())
    this.cancelTend ??= clock.after(TEND_MS * (0.5 + random.fraction()), () => void this.tendAll())
    for (const waiting of [...this.waiting]) this.send(waiting)
  }

  private async reopen(page: readonly RoomSubscription[], { attempt, logId, mayHaveLost }: Rejoining): Promise<Head[]> {
    const { listener, name, random } = this.options
    const call: Ask = async (called, args) => {
      const reply = (await this.connection.call(called, withConnection(called, args, attempt))) as readonly unknown[]
      if (reply[0] === 'REAPED') throw new Error('Redis: the lease of this node was over')
      return reply
    }
    const heads = await this.openRooms(page, call)
    const sent = page.flatMap(({ roomId }) => {
      const head = listener().headOf(name, roomId)
      if (head === undefined || (head.seq === 0 && head.pv === 0)) return []
      return [roomId, head.epoch, ...[head.seq, head.n ?? 0, head.pv].map(String)]
    })
    const logs = [logId, `1${random.id(LOG_ID_LENGTH)}`]
    if (sent.length > 0) await call('renewEpoch', [this.seed(), this.now, ...logs, mayHaveLost ? '1' : '0', ...sent])
    return heads
  }

  private onLog({ logId, n }: { logId: string; n: number }): void {
    const isOther = this.logId !== '' && this.logId !== logId
    this.logId = logId
    this.n = Math.max(this.n, n)
    if (isOther) this.options.listener().onOtherLog(this.options.name, logId)
  }

  private subscriptions(): RoomSubscription[] {
    return Array.from(this.rooms, ([roomId, { retention }]) => ({ roomId, retention }))
  }

  private onDown(cause: unknown): void {
    this.downSince ??= this.options.clock.monotonic()
    this.options.report(cause)
    this.cancelRenew?.()
    this.cancelRenew = undefined
    this.isJoined = false
    this.attempt++
    this.calls.onDown()
  }

  /** Keeps the lease, and clears up after nodes and users whose time is over. */
  private renew(): void {
    this.cancelRenew = this.options.clock.after(this.options.timings.renewMs, () => this.renew())
    this.ask('renew', [this.options.node, this.now]).then(
      (reply) => {
        // A message that was lost with nothing behind it shows here.
        this.calls.after(Number(reply[1]), () => undefined)
        for (const dead of reply.slice(6)) void this.reap(String(dead)).catch(this.options.report)
      },
      () => undefined, // the probe sees to the connection
    )
    this.expire().catch(() => undefined) // the next time
  }

  /** Users who were expected back and whose time is over. */
  private async expire(): Promise<void> {
    while (
      !this.isClosed &&
      Number((await this.ask('expireSeats', [this.now, EXPIRED_MAX]))[0]) === Number(EXPIRED_MAX)
    );
  }

  private async reap(dead: string): Promise<void> {
    const args = [dead, this.now, '', String(this.options.limits.emptyRoomMs)]
    while (!this.isClosed && Number((await this.ask('reap', args))[0]) === 1);
  }

  /** Redis is full, so there is something to do at once. */
  private tendSoon(): void {
    if (this.isTending || this.isClosed) return
    this.cancelTend?.()
    void this.tendAll()
  }

  private async tendAll(): Promise<void> {
    this.isTending = true
    let isMore = false
    try {
      isMore = this.connection.up && (await this.tend())
    } catch (error) {
      if (!this.isClosed) this.options.report(error)
    }
    this.isTending = false
    if (this.isClosed) return
    this.cancelTend = this.options.clock.after(isMore ? RETRY_MS : TEND_MS, () => void this.tendAll())
  }

  /** Rows and signals in runs, everything as it was committed. */
  private onFrames(frames: readonly Frame[]): void {
    const { name } = this.options
    const listener = this.options.listener()
    for (let at = 0; at < frames.length; ) {
      const { kind } = frames[at] as Frame
      const start = at
      while (frames[at]?.kind === kind) at++
      const run = frames.slice(start, at)
      if (kind === 'row')
        listener.onEvents(name, run.map((frame) => this.rowOf(frame))) // biome-ignore format: one call
      else if (kind === 'signal')
        listener.onSignals(name, run.map((frame) => bodyOf<SentSignal>(frame))) // biome-ignore format: one call
      else if (kind === 'state')
        listener.onChanged(name, run.map((frame) => toStateChange(bodyOf<StateFrame>(frame)))) // biome-ignore format: one call
      else if (kind === 'changed')
        listener.onChanged(name, run.map((frame) => toChange(bodyOf<ChangeFrame>(frame)))) // biome-ignore format: one call
      else for (const frame of run) this.onFrame(frame)
    }
  }

  private rowOf(frame: Frame): CommittedRow {
    const { row, epoch, traceparent } = frame as Extract<Frame, { kind: 'row' }>
    this.n = Math.max(this.n, row.n)
    return traceparent === undefined ? { ...row, epoch } : { ...row, epoch, traceparent }
  }

  private onFrame(frame: Frame): void {
    const { name } = this.options
    const listener = this.options.listener()
    if (frame.kind === 'presence') this.onPresence(frame.body)
    else if (frame.kind === 'online') this.onOnline(frame.body)
    else if (frame.kind === 'reset') listener.onReset(name, bodyOf<Head>(frame))
    else if (frame.kind === 'log') this.onLog(bodyOf<{ logId: string; n: number }>(frame))
    else if (frame.kind === 'redacted') {
      const { roomId, seqs } = bodyOf<{ roomId: string; seqs: number[] }>(frame)
      listener.onRedacted(name, roomId, seqs)
    } else if (frame.kind === 'taken') {
      const { id, fence } = bodyOf<{ id: string; fence: number }>(frame)
      listener.onTaken(name, id, fence)
    }
  }
}

function isOfLead({ appends, signals }: Batch): boolean {
  return appends.some(({ lead }) => lead) || signals.some(({ lead }) => lead)
}

/** Which connection a change is of, where Redis has to know it since `register`. */
function withConnection(
  name: FunctionName,
  args: readonly (string | Buffer)[],
  connection: number,
): readonly (string | Buffer)[] {
  return OF_A_CONNECTION.has(name) ? [...args, String(connection)] : args
}

function bodyOf<T>(frame: Frame): T {
  return (frame as Exclude<Frame, { kind: 'row' }>).body as T
}

/** `OK k n`, five values per room, and the places of those in which messages are being written. */
export function headsOf(reply: readonly unknown[], roomIds: readonly string[]): Head[] {
  const heads: Head[] = []
  const places = (more: number) => new Set(String(reply[3 + 5 * roomIds.length + more] ?? '').split(','))
  const [growing, states] = [places(0), places(1)]
  roomIds.forEach((roomId, i) => {
    const at = 3 + 5 * i
    const epoch = String(reply[at])
    const [seq, first, n] = [1, 2, 3].map((offset) => Number(reply[at + offset])) as [number, number, number]
    if (epoch === '') return
    const head = { roomId, epoch, seq, first, n }
    const place = String(i + 1)
    heads.push({
      ...head,
      ...(growing.has(place) ? { isGrowing: true } : {}),
      ...(states.has(place) ? { hasState: true } : {}),
    })
  })
  return heads
}

export function inPages<T>(values: readonly T[], size = ROOMS_MAX): T[][] {
  const pages: T[][] = []
  for (let at = 0; at < values.length; at += size) pages.push(values.slice(at, at + size))
  return pages
}

export function unavailable(cause?: unknown): RoomfulError {
  return new RoomfulError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_MS, cause })
}

function closedError(): RoomfulError {
  return new RoomfulError('UNAVAILABLE', 'The server is shutting down and stores nothing more')
}
