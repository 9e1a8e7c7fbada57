/**
 * One request from its arrival to its answer: limits, its key, middleware, schema, handler; then what the handler wants
 * goes to the turn, and the next request may start. Every way in which a handler can fail ends in an answer, never in a
 * crash (B38).
 */

import { toJson } from '@roomful/protocol'
import { validate } from '../base/contract.ts'
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import { fingerprint } from '../base/fingerprint.ts'
import type { RequestEffects } from '../log/commit.ts'
import type { AppendEffect, Effect, Stored } from '../log/effects.ts'
import type { AppendKey } from '../ports/broker.ts'
import type { Request } from '../ports/dialect.ts'
import { takeEvent } from '../rooms/connection-limits.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { NewRooms } from '../state/shared-limits.ts'
import { Context } from './context.ts'
import type { HandlerEntry } from './handlers.ts'
import { checkKeyAge, readReply, writeReply } from './idempotency.ts'
import type { RequestParts } from './request-parts.ts'

/** As a unit: what the handler wanted, once it has returned. */
export class Execution implements RequestEffects {
  readonly key: AppendKey | undefined
  firstKey = 0
  ack: string | undefined
  newRooms: NewRooms | undefined
  private readonly parts: RequestParts
  private readonly connection: Connection
  private readonly request: Request
  private readonly entry: HandlerEntry | undefined
  private readonly context: Context
  private readonly startedAt: number
  private result: unknown
  /** Repeats of this request wait for its end. */
  private isAwaited = false
  private isOver = false

  constructor(parts: RequestParts, connection: Connection, request: Request) {
    this.parts = parts
    this.connection = connection
    this.request = request
    this.entry = parts.handlers.byEvent.get(request.event)
    this.key = keyOf(connection, request)
    this.context = new Context(parts, connection, request.event, this.key)
    this.startedAt = parts.runtime.clock.monotonic()
  }

  start(): void {
    const { parts, connection, context, entry, request } = this
    let result: unknown
    try {
      if (!entry?.uncounted) takeEvent(parts.runtime, connection)
      if (!entry) throw new RoomfulError('UNKNOWN_EVENT', `There is no event ${JSON.stringify(request.event)} here`)
      if (request.key !== undefined) checkKeyAge(parts.runtime, request.key)
      const key = context.appendKey
      this.isAwaited = key !== undefined && parts.idempotency.beginNew(key)
      result = key === undefined || this.isAwaited ? this.run(entry) : this.runOnce(entry, key)
    } catch (error) {
      return this.fail(error ?? new Error('The handler threw nothing'))
    }
    const joining = isThenable(result) ? undefined : context.joinsSettled()
    if (!isThenable(result) && !joining) return this.finish(result)
    connection.busy = true
    connection.running = context
    this.wait(joining ? joining.then(() => result) : (result as PromiseLike<unknown>))
  }

  /** What was answered before is answered again, and nothing runs. G3. */
  private async runOnce(entry: HandlerEntry, key: AppendKey): Promise<unknown> {
    const { idempotency } = this.parts
    const earlier = await idempotency.begin(key)
    this.isAwaited = true
    if (this.isOver) return this.release() // timed out meanwhile
    if (earlier === undefined) return this.run(entry)
    if (earlier.ack !== undefined) return new FirstReply(readReply(earlier.ack))
    if (entry.answerOf) return new FirstReply(entry.answerOf(earlier, ...this.request.args))
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
      connection.namespace.host.resume(connection)
    }
    const timer = parts.runtime.timers.add(parts.runtime.settings.handlerTimeoutMs, () =>
      over(() => this.fail(new RoomfulError('TIMEOUT'))),
    )
    const failed = (error: unknown): void =>
      over(() => this.fail(error ?? new Error('The handler rejected with nothing')))
    result.then((value) => {
      const joining = this.context.joinsSettled()
      if (joining) joining.then(() => over(() => this.finish(value)), failed)
      else over(() => this.finish(value))
    }, failed)
  }

  private fail(thrown: unknown): void {
    this.context.discard()
    this.refuse(thrown)
  }

  /** The handler has returned: its effects go to the turn, its answer waits for them. */
  private finish(result: unknown): void {
    const { parts, connection, context } = this
    if (result instanceof FirstReply) return this.answer(result.value, [])
    const { appends, isCounted } = this
    let reply: string | undefined
    try {
      const isKnown = appends && context.published === 0 && typeof result !== 'function'
      if (isKnown && this.isKept) reply = writeReply(result)
    } catch (error) {
      return this.fail(error)
    }
    const waitMs = isCounted ? parts.messageLimit.take(connection) : 0
    if (waitMs > 0) return this.fail(parts.messageLimit.refusal(connection, waitMs))
    if (appends) this.newRooms = parts.sharedLimits.takeRooms(connection, appendedRooms(this.effects))
    this.result = result
    this.ack = reply
    this.firstKey = context.published
    for (const effect of context.takeEffects()) {
      if (effect.kind === 'join') connection.intend(effect.prepared.room.id, true)
      else if (effect.kind === 'leave') connection.intend(effect.roomId, false)
    }
    parts.commit.submit(this)
  }

  get effects(): readonly Effect[] {
    return this.context.effects
  }

  get writer(): string {
    return this.parts.sharedLimits.writerOf(this.connection)
  }

  /** From the turn: what was taken for rooms that exist is given back. */
  made(rooms: number): void {
    if (this.newRooms) this.parts.sharedLimits.roomsMade(this.connection, this.newRooms, rooms)
  }

  get origin(): string {
    return this.connection.id
  }

  /** From the turn, when everything is released. */
  done(stored: readonly Stored[], error: RoomfulError | undefined, kept?: string): void {
    const { parts, connection, result, ack, firstKey } = this
    const isRepeat = stored.some(({ duplicate }) => duplicate)
    if (this.isCounted && (error || isRepeat)) parts.messageLimit.giveBack(connection)
    if (error) return this.refuse(parts.sharedLimits.explained(error, connection, this.newRooms))
    if (kept !== undefined) return this.answer(readReply(kept), [])
    this.answer(result, stored, ack === undefined && this.isKept && (this.appends || firstKey > 0))
  }

  private get appends(): boolean {
    return this.effects.some((effect) => effect.kind === 'append')
  }

  /** Its appends count towards the rate of messages; a repeat adds nothing, so it costs nothing. B34. */
  private get isCounted(): boolean {
    return this.appends && !this.context.isRepeat
  }

  /** Whether a reply is kept for those who repeat the request: not where it follows from the numbers. */
  private get isKept(): boolean {
    return this.key !== undefined && this.entry?.answerOf === undefined
  }

  /** From the turn, in its place. */
  apply(effect: Exclude<Effect, AppendEffect>, ok: boolean): void {
    const { parts, connection, context } = this
    if (effect.kind === 'leave') connection.intentionOver(effect.roomId)
    if (effect.kind === 'join') {
      connection.intentionOver(effect.prepared.room.id)
      if (!ok) return parts.joins.abandon(effect.prepared)
      context.joined = [...context.joined, parts.joins.commit(effect.prepared)]
      parts.savedSessions.corkUntilStored(connection)
    } else if (ok && effect.kind === 'leave') {
      if (parts.joins.leave(connection, effect.roomId, 'left')) parts.savedSessions.corkUntilStored(connection)
    } else if (ok && effect.kind === 'emit') parts.fanOut.emit(effect.event, effect.audience)
  }

  /** @param isSaved the answer is kept for those who repeat the request, also when nobody is there to hear it */
  private answer(result: unknown, stored: readonly Stored[], isSaved = false): void {
    const { parts, connection, context } = this
    try {
      if (connection.stage === 'closed' && !isSaved) return
      const answer = typeof result === 'function' ? (result as (stored: readonly Stored[]) => unknown)(stored) : result
      if (isSaved && context.appendKey) this.parts.idempotency.save(context.appendKey, answer)
      if (connection.stage === 'closed') return
      parts.savedSessions.saveData(connection)
      this.tellAnswer(answer) // throws for what JSON cannot say: cycles, BigInt
      this.observe(undefined)
    } catch (error) {
      this.refuse(error ?? new Error('The answer threw nothing'))
    } finally {
      this.release()
    }
    parts.catchUp.pump(connection)
    parts.runtime.turn.endSoon()
  }

  private tellAnswer(answer: unknown): void {
    const { parts, connection, request, entry } = this
    if (request.id !== undefined) return connection.link.ack(connection, request.id, answer)
    if (entry?.answerAs !== undefined)
      parts.delivery.notify(connection, entry.answerAs, answer as Record<string, unknown>)
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
    this.release()
    parts.runtime.turn.endSoon()
  }

  /** Whoever repeats this request may look what became of it. */
  private release(): void {
    const { appendKey } = this.context
    if (!this.isAwaited || appendKey === undefined) return
    this.isAwaited = false
    this.parts.idempotency.end(appendKey)
  }

  private observe(code: string | undefined): void {
    const { parts, connection, request, startedAt } = this
    const durationMs = parts.runtime.clock.monotonic() - startedAt
    // What clients make up must not make up series.
    const event = this.entry ? request.event : 'unknown'
    const { id: connectionId } = connection
    const { name: namespace } = connection.namespace
    parts.runtime.observer.observe({
      type: 'request',
      namespace,
      connectionId,
      event,
      ok: code === undefined,
      code,
      durationMs,
    })
  }
}

function* appendedRooms(effects: readonly Effect[]): Generator<string> {
  for (const effect of effects) if (effect.kind === 'append') yield effect.roomId
}

/** What the first request under this key was answered with. */
class FirstReply {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

function keyOf({ scope }: Connection, { key, event, args }: Request): AppendKey | undefined {
  // The fingerprint tells a repeat from another request under the same key.
  return key === undefined ? undefined : { scope, key, fingerprint: fingerprint(`${event}\n${toJson(args)}`) }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
