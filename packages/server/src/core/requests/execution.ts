/**
 * One request in three steps. `admit`: limits, and its key, under which it may have run before. `run`: middleware, schema,
 * handler; what the handler recorded goes to the turn, and the next request may start. `settle`: once everything is stored,
 * the acknowledgement. However a handler fails, the client gets an error and the server goes on (B38).
 */
import { toJson } from '@roomful/protocol'
import { validate } from '../base/contract.ts'
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import { fingerprint } from '../base/fingerprint.ts'
import type { RequestEffects } from '../log/commit.ts'
import type { AppendEffect, Effect, Stored } from '../log/effects.ts'
import type { AppendKey, Changed, Repeated } from '../ports/broker.ts'
import type { Request } from '../ports/dialect.ts'
import type { ConnectionLimits } from '../state/connection-limits.ts'
import { takeEvent } from '../state/limits.ts'
import type { Connection } from '../state/namespace-state.ts'
import { Context } from './context.ts'
import { epochOf, type HandlerEntry, type RequestParts } from './handlers.ts'
import { checkKeyAge, readAck, writeAck } from './idempotency.ts'

const NO_EFFECTS: readonly Effect[] = []

export class Execution implements RequestEffects {
  readonly key: AppendKey | undefined
  readonly origin: string
  /** What the handler recorded, once it has returned. */
  effects: readonly Effect[] = NO_EFFECTS
  /** How many of the key's numbers were used before it returned. */
  firstKey = 0
  ack: string | undefined
  writer: string | undefined
  limits: ConnectionLimits | undefined
  readonly traceparent: string | undefined = undefined
  protected readonly parts: RequestParts
  protected readonly connection: Connection
  protected readonly request: Request
  private readonly entry: HandlerEntry | undefined
  protected readonly context: Context
  private readonly startedAt: number
  private result: unknown
  /** Its acknowledgement is stored when it is known, for those who repeat the request. */
  private isAckStored = false
  /** Repeats of this request wait for its end. */
  private isAwaited = false
  /** Whether it is a repeat shows only when it is stored. */
  private isUnclaimed = false
  /** It waited for something, and that came or took too long. */
  private isOver = false
  private hasStored = false

  constructor(parts: RequestParts, connection: Connection, request: Request) {
    this.parts = parts
    this.connection = connection
    this.request = request
    this.origin = connection.id
    this.entry = parts.handlers.byEvent.get(request.event) ?? parts.handlers.others
    this.key = keyOf(connection, request)
    this.context = new Context(parts, connection, request.event, this.key)
    if (this.entry?.isByNumber) this.context.epoch = epochOf(parts.handlers, connection, request)
    this.startedAt = connection.link.lastActiveAt // it has just arrived; to ask the clock costs more
  }

  /** Admits and runs the request; when something has to be waited for, the connection is busy until then. */
  start(): void {
    const { connection, context } = this
    let result: unknown
    try {
      const admitted = this.admit()
      result = admitted instanceof Promise ? admitted.then((earlier) => this.runAgain(earlier)) : this.run(admitted)
    } catch (error) {
      return this.fail(error ?? new Error('The handler threw nothing'))
    }
    const joining = isThenable(result) ? undefined : context.joinsSettled()
    if (!isThenable(result) && !joining) return this.submit(result)
    connection.busy = true
    connection.running = context
    this.wait(joining ? joining.then(() => result) : (result as PromiseLike<unknown>))
  }

  /** @returns what to run; when its key is not new to the log, a promise of the earlier request under it */
  private admit(): HandlerEntry | Promise<Repeated | undefined> {
    const { parts, connection, entry, key, request } = this
    if (!entry?.uncounted) takeEvent(parts.runtime, connection)
    if (!entry) throw new RoomfulError('UNKNOWN_EVENT', `There is no event ${JSON.stringify(request.event)} here`)
    if (key === undefined) return entry
    checkKeyAge(parts.runtime, key.key)
    if (entry.ackFrom && parts.handlers.middleware.length === 0)
      this.isUnclaimed = parts.idempotency.startUnclaimed(key)
    const earlier = this.isUnclaimed ? undefined : parts.idempotency.begin(key)
    if (earlier !== undefined) return Promise.resolve(earlier)
    this.isAwaited = true
    return entry
  }

  /** A request that is known already gets the same acknowledgement, and nothing runs. G3. */
  private runAgain(earlier: Repeated | undefined): unknown {
    const entry = this.entry as HandlerEntry
    this.isAwaited = true
    if (this.isOver) return this.endKey() // timed out meanwhile
    if (earlier === undefined) return this.run(entry)
    if (earlier.ack !== undefined) return new StoredAck(readAck(earlier.ack))
    if (entry.ackFrom) return new StoredAck(entry.ackFrom(earlier, ...this.request.args))
    this.context.isRepeat = true
    return this.run(entry)
  }

  /** Middleware first: most is synchronous, and then nothing is awaited. */
  private run(entry: HandlerEntry): unknown {
    const { context } = this
    const { middleware } = this.parts.handlers
    for (let i = 0; i < middleware.length; i++) {
      const pending = (middleware[i] as (typeof middleware)[number])(context)
      if (isThenable(pending)) {
        return (async () => {
          await pending
          for (const next of middleware.slice(i + 1)) await next(context)
          return this.call(entry)
        })()
      }
    }
    return this.call(entry)
  }

  private call({ definition, handler }: HandlerEntry): unknown {
    const { event, args } = this.request
    return handler(this.context, ...(definition ? validate(event, definition, args) : args))
  }

  private wait(result: PromiseLike<unknown>): void {
    const { parts, connection } = this
    const over = (end: () => void): void => {
      if (this.isOver) return
      this.isOver = true
      parts.runtime.timers.cancel(timer)
      connection.busy = false
      connection.running = undefined
      end()
      connection.namespace.dispatch.resume(connection)
    }
    const timer = parts.runtime.timers.add(parts.runtime.settings.handlerTimeoutMs, () =>
      over(() => this.fail(new RoomfulError('TIMEOUT'))),
    )
    const failed = (error: unknown): void =>
      over(() => this.fail(error ?? new Error('The handler rejected with nothing')))
    result.then((value) => {
      const joining = this.context.joinsSettled()
      if (joining) joining.then(() => over(() => this.submit(value)), failed)
      else over(() => this.submit(value))
    }, failed)
  }

  private fail(thrown: unknown): void {
    this.context.discard()
    if (this.isUnclaimed) this.failUnlessRepeat(thrown)
    else this.refuse(thrown)
  }

  /** A repeat is answered as the first time, whatever is forbidden or gone by now. */
  private failUnlessRepeat(thrown: unknown): void {
    const { parts, key, entry, request } = this
    parts.idempotency.find(key as AppendKey).then(
      (earlier) =>
        earlier === undefined
          ? this.refuse(thrown)
          : this.acknowledge((entry as HandlerEntry).ackFrom?.(earlier, ...request.args), NO_STORED),
      (error: unknown) => this.refuse(error),
    )
  }

  /** The handler has returned: its effects go to the turn, and its acknowledgement waits for them. */
  protected submit(result: unknown): void {
    if (result instanceof StoredAck) return this.acknowledge(result.value, NO_STORED)
    const { parts, connection, context, entry, key } = this
    const effects = context.takeEffects()
    const appends = effects.some(isAppend)
    const isKept = key !== undefined && entry?.ackFrom === undefined
    try {
      // A function makes it from what is stored, and who publishes in between has stored something already.
      if (appends && isKept && context.published === 0 && typeof result !== 'function') this.ack = writeAck(result)
    } catch (error) {
      return this.fail(error)
    }
    if (appends) {
      this.limits = parts.sharedLimits.ofConnection(connection)
      this.writer = parts.sharedLimits.writerOf(connection)
    }
    this.result = result
    this.effects = effects
    this.firstKey = context.published
    this.isAckStored = isKept && this.ack === undefined && (appends || this.firstKey > 0)
    for (const effect of effects) {
      if (effect.kind === 'join') connection.intended.add(effect.prepared.room.id, true)
      else if (effect.kind === 'leave') connection.intended.add(effect.roomId, false)
    }
    parts.commit.submit(this)
  }

  /** From the turn, in its place. */
  apply(effect: Exclude<Effect, AppendEffect>, ok: boolean): void {
    const { parts, connection, context } = this
    if (effect.kind === 'emit') {
      if (ok) parts.fanOut.emit(effect.event, effect.audience)
    } else if (effect.kind === 'leave') {
      connection.intended.done(effect.roomId)
      if (ok && parts.joins.leave(connection, effect.roomId, 'left')) parts.savedSessions.corkUntilStored(connection)
    } else {
      connection.intended.done(effect.prepared.room.id)
      if (!ok) return parts.joins.abandon(effect.prepared)
      context.joined = [...context.joined, parts.joins.commit(effect.prepared)]
      parts.savedSessions.corkUntilStored(connection)
    }
  }

  /** From the turn, when everything is released. */
  settle(
    stored: readonly Stored[],
    error: RoomfulError | undefined,
    storedAck: string | undefined,
    changed: readonly Changed[],
  ): void {
    this.hasStored = stored.length + changed.length > 0
    if (error) this.refuse(error)
    else if (storedAck === undefined) this.acknowledge(this.result, stored, this.isAckStored, changed)
    else this.acknowledge(readAck(storedAck), NO_STORED)
  }

  /** @param isStored the acknowledgement is stored for those who repeat the request, also when its client is gone */
  private acknowledge(
    result: unknown,
    stored: readonly Stored[],
    isStored = false,
    changed: readonly Changed[] = NO_CHANGES,
  ): void {
    const { parts, connection, key } = this
    try {
      if (connection.stage === 'closed' && !isStored) return
      const ack = typeof result === 'function' ? (result as AnswerFrom)(stored, changed) : result
      if (isStored && key) parts.idempotency.save(key, ack)
      if (connection.stage === 'closed') return
      if (connection.session) parts.savedSessions.saveData(connection)
      this.sendAck(ack) // throws for what JSON cannot say: cycles, BigInt
      this.observe(undefined)
    } catch (error) {
      this.refuse(error ?? new Error('The answer threw nothing'))
    } finally {
      this.endKey()
    }
    if (connection.behind) parts.catchUp.pump(connection)
  }

  private sendAck(ack: unknown): void {
    const { parts, connection, request, entry } = this
    if (request.id !== undefined) connection.link.ack(connection, request.id, ack)
    else if (entry?.answerAs !== undefined)
      parts.delivery.notify(connection, entry.answerAs, ack as Record<string, unknown>)
  }

  private refuse(thrown: unknown): void {
    const { parts, connection, request } = this
    const error = toRoomfulError(thrown)
    if (error.code === 'INTERNAL' || error.code === 'TIMEOUT') {
      parts.runtime.observer.observe({
        type: 'handler:failed',
        namespace: connection.namespace.name,
        event: request.event,
        userId: connection.user.sub,
        connectionId: connection.id,
        payload: request.args,
        error: error.cause ?? error,
      })
    }
    this.observe(error.code)
    if (connection.stage !== 'closed') connection.link.fail(connection.channel, error, request.id, request.event)
    this.endKey()
  }

  /** Repeats that wait for this request go on, and find what is stored: also what a handler that timed out publishes. */
  protected endKey(): void {
    const { key, context } = this
    if (!this.isAwaited || key === undefined) return
    this.isAwaited = false
    const end = (): void => this.parts.idempotency.end(key, this.hasStored || context.hasStored)
    const publishing = context.publishesSettled()
    if (publishing) publishing.then(end)
    else end()
  }

  protected observe(code: string | undefined): void {
    const { connection, entry, request, startedAt } = this
    const { handlers } = this.parts
    const { clock, observer } = this.parts.runtime
    const isKnown = entry !== undefined && entry !== handlers.others
    observer.observe({
      type: 'request',
      namespace: connection.namespace.name,
      connectionId: connection.id,
      event: isKnown ? request.event : 'unknown', // client-chosen event names must not create metric series
      ok: code === undefined,
      code,
      durationMs: clock.monotonic() - startedAt,
    })
  }
}

const NO_STORED: readonly Stored[] = []
const NO_CHANGES: readonly Changed[] = []

/** An answer that is made once everything is stored. */
type AnswerFrom = (stored: readonly Stored[], changed: readonly Changed[]) => unknown

function isAppend({ kind }: Effect): boolean {
  return kind === 'append'
}

/** What the first request under this key was acknowledged with. */
class StoredAck {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

function keyOf(connection: Connection, { key, event, args }: Request): AppendKey | undefined {
  // The fingerprint tells a repeat from another request under the same key.
  return key === undefined
    ? undefined
    : { scope: connection.scope, key, fingerprint: fingerprint(`${event}\n${toJson(args)}`) }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
