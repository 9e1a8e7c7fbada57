/**
 * One request at a time per connection: limits, middleware, schema, handler; then what the handler wants goes to the turn,
 * and the next request may start (G1). Every way in which a handler can fail ends in an answer, never in a crash (B38).
 */
import { CLOSE_CODES, type Inbound, keyTime } from '@roomful/protocol'
import { type Connection, QUEUE_HARD_LIMIT, QUEUE_SOFT_LIMIT } from './connection.ts'
import { Context } from './context.ts'
import { validate } from './contract.ts'
import { type AppendEffect, type Effect, type Stored, toStored } from './effects.ts'
import { RoomfulError, toRoomfulError } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import type { Hub } from './hub.ts'
import type { HandlerEntry } from './namespace.ts'
import type { Request } from './ports/dialect.ts'
import { RateWindow } from './rate-window.ts'

export class Dispatch {
  private readonly hub: Hub

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** From the link: the next thing that the peer said on this connection. */
  handle(connection: Connection, inbound: Inbound): void {
    if (connection.stage === 'closed') return
    if (connection.busy) return this.enqueue(connection, inbound)
    this.take(connection, inbound)
    if (connection.queue) this.resume(connection)
  }

  /** Whatever kept the connection busy is over. */
  resume(connection: Connection): void {
    const { queue } = connection
    while (queue && queue.length > 0 && !connection.busy && connection.link.state === 'open') {
      this.take(connection, queue.shift() as Inbound)
    }
    if (queue?.length === 0) connection.queue = undefined
    if (!connection.link.slow && (connection.queue?.length ?? 0) < QUEUE_SOFT_LIMIT)
      connection.link.wire.resumeReading()
  }

  private enqueue(connection: Connection, inbound: Inbound): void {
    connection.queue ??= []
    connection.queue.push(inbound)
    if (connection.queue.length === QUEUE_SOFT_LIMIT) connection.link.wire.pauseReading()
    if (connection.queue.length > QUEUE_HARD_LIMIT)
      connection.link.close(CLOSE_CODES.POLICY.code, 'Too many requests at once')
  }

  private take(connection: Connection, inbound: Inbound): void {
    const { link } = connection
    switch (inbound.kind) {
      case 'auth':
        return this.hub.handshake.authenticate(connection, inbound)
      case 'close':
        return this.hub.lifecycle.close(connection, CLOSE_CODES.NORMAL.code, 'Closed by the client')
      case 'invalid':
        if (connection.stage === 'authenticating') return link.close(CLOSE_CODES.POLICY.code, 'Not authenticated')
        return this.invalid(connection, inbound)
      case 'request':
        if (connection.stage === 'authenticating') return link.close(CLOSE_CODES.POLICY.code, 'Not authenticated')
        return this.request(connection, this.turn(connection, inbound))
      case 'ping':
      case 'open':
        return // the link's own
      default:
        return inbound satisfies never
    }
  }

  /** A plain link may become a classic one, where the namespace understands that. */
  private turn(connection: Connection, request: Request): Request {
    const { link, namespace } = connection
    const turned = namespace.options.classic ? link.dialect.turn?.(request) : undefined
    if (!turned) return request
    link.dialect = turned.dialect
    this.hub.members.regroup(connection)
    return turned.request
  }

  private request(connection: Connection, request: Request): void {
    const { namespace } = connection
    const startedAt = this.hub.clock.monotonic()
    const context = new Context(this.hub, connection, request.event, request.key)
    let result: unknown
    try {
      const entry = namespace.handlers.get(request.event)
      if (!entry?.uncounted) this.takeRate(connection)
      if (!entry) throw new RoomfulError('UNKNOWN_EVENT', `There is no event ${JSON.stringify(request.event)} here`)
      this.checkKey(request.key)
      result = this.run(context, entry, request)
    } catch (error) {
      return this.finish(context, request, startedAt, undefined, error ?? new Error('The handler threw nothing'))
    }
    if (!isThenable(result)) return this.finish(context, request, startedAt, result, undefined)
    connection.busy = true
    connection.running = context
    this.wait(context, request, startedAt, result)
  }

  /** Middleware first: most is synchronous, and then nothing is awaited. */
  private run(context: Context, entry: HandlerEntry, request: Request): unknown {
    const { middleware } = context.connection.namespace
    for (let i = 0; i < middleware.length; i++) {
      const pending = (middleware[i] as (typeof middleware)[number])(context)
      if (isThenable(pending)) {
        return (async () => {
          await pending
          for (const next of middleware.slice(i + 1)) await next(context)
          return this.call(context, entry, request)
        })()
      }
    }
    return this.call(context, entry, request)
  }

  private call(context: Context, entry: HandlerEntry, request: Request): unknown {
    const args = entry.definition ? validate(request.event, entry.definition, request.args) : request.args
    return entry.handler(context, ...args)
  }

  private wait(context: Context, request: Request, startedAt: number, result: PromiseLike<unknown>): void {
    let isOver = false
    const over = (value: unknown, error: unknown): void => {
      if (isOver) return
      isOver = true
      this.hub.timers.cancel(timer)
      context.connection.busy = false
      context.connection.running = undefined
      this.finish(context, request, startedAt, value, error)
      this.resume(context.connection)
    }
    const timer = this.hub.timers.add(this.hub.settings.handlerTimeoutMs, () =>
      over(undefined, new RoomfulError('TIMEOUT')),
    )
    result.then(
      (value) => over(value, undefined),
      (error: unknown) => over(undefined, error ?? new Error('The handler rejected with nothing')),
    )
  }

  /** The handler has returned: its effects go to the turn, its answer waits for them. */
  private finish(context: Context, request: Request, startedAt: number, result: unknown, thrown: unknown): void {
    const { connection } = context
    if (thrown !== undefined) {
      context.discard()
      return this.refuse(context, request, startedAt, thrown)
    }
    const appends = context.effects.some((effect) => effect.kind === 'append')
    const waitMs = appends ? this.hub.messageLimit.take(connection) : 0
    if (waitMs > 0) return this.refuseOrRepeat(context, request, startedAt, result, waitMs)
    const effects = context.takeEffects()
    for (const effect of effects) {
      if (effect.kind === 'join') connection.intend(effect.prepared.room.id, true)
      else if (effect.kind === 'leave') connection.intend(effect.roomId, false)
    }
    connection.namespace.commit.submit({
      effects,
      key: request.key,
      scope: connection.scope,
      fingerprint: request.key === undefined ? '' : fingerprintOf(request),
      origin: connection.id,
      apply: (effect, ok) => this.apply(context, effect, ok),
      done: (stored, error) => {
        if (appends && (error || stored.some((each) => each.duplicate))) this.hub.messageLimit.giveBack(connection)
        if (error) return this.refuse(context, request, startedAt, error)
        this.answer(context, request, startedAt, result, stored)
      },
    })
  }

  private apply(context: Context, effect: Exclude<Effect, AppendEffect>, ok: boolean): void {
    const { connection } = context
    if (effect.kind === 'leave') connection.intentionOver(effect.roomId)
    if (effect.kind === 'join') {
      connection.intentionOver(effect.prepared.room.id)
      if (!ok) return this.hub.members.abandon(effect.prepared)
      context.joined = [...context.joined, this.hub.members.commit(effect.prepared)]
    } else if (ok && effect.kind === 'leave') this.hub.members.leave(connection, effect.roomId, 'left')
    else if (ok && effect.kind === 'emit') connection.namespace.fanOut.emit(effect.event, effect.target)
  }

  private answer(
    context: Context,
    request: Request,
    startedAt: number,
    result: unknown,
    stored: readonly Stored[],
  ): void {
    const { connection } = context
    if (connection.stage === 'closed') return
    try {
      const answer = typeof result === 'function' ? (result as (stored: readonly Stored[]) => unknown)(stored) : result
      this.tellAnswer(connection, request, answer) // throws for what JSON cannot say: cycles, BigInt
      this.observe(connection, request, startedAt, undefined)
    } catch (error) {
      this.refuse(context, request, startedAt, error ?? new Error('The answer threw nothing'))
    }
    this.hub.members.startCatchUp(connection)
  }

  private tellAnswer(connection: Connection, request: Request, answer: unknown): void {
    if (request.id !== undefined) return connection.link.ack(connection, request.id, answer)
    const answerAs = connection.namespace.handlers.get(request.event)?.answerAs
    if (answerAs !== undefined) this.hub.tell(connection, answerAs, answer as Record<string, unknown>)
  }

  private refuse(context: Context, request: Request, startedAt: number, thrown: unknown): void {
    const { connection } = context
    const error = toRoomfulError(thrown)
    if (error.code === 'INTERNAL' || error.code === 'TIMEOUT') {
      this.hub.observer.observe({
        type: 'handler:failed',
        namespace: connection.namespace.name,
        event: request.event,
        userId: connection.user.sub,
        connectionId: connection.id,
        payload: request.args,
        error: error.cause ?? error,
      })
    }
    this.observe(connection, request, startedAt, error.code)
    if (connection.stage !== 'closed') connection.link.fail(connection.channel, error, request.id, request.event)
    this.hub.turn.endSoon()
  }

  private observe(connection: Connection, request: Request, startedAt: number, code: string | undefined): void {
    const durationMs = this.hub.clock.monotonic() - startedAt
    const known = connection.namespace.handlers.has(request.event)
    const event = known ? request.event : 'unknown' // what clients make up must not make up series
    this.hub.observer.observe({
      type: 'request',
      namespace: connection.namespace.name,
      event,
      ok: code === undefined,
      code,
      durationMs,
    })
  }

  private invalid(connection: Connection, { error, id, event }: Extract<Inbound, { kind: 'invalid' }>): void {
    const { link, channel } = connection
    try {
      this.takeRate(connection)
      link.send(link.dialect.fail(channel, error, id, event))
    } catch (limited) {
      link.fail(channel, toRoomfulError(limited), id, event)
    }
  }

  /** One of the connection's events a second. @throws RoomfulError RATE_LIMITED */
  private takeRate(connection: Connection): void {
    const { ratePerSecond } = this.hub.settings
    if (ratePerSecond === 0) return
    const now = this.hub.clock.monotonic()
    connection.rate ??= new RateWindow(ratePerSecond)
    const retryAfterMs = connection.rate.take(now, 1000)
    if (retryAfterMs === 0) return
    this.hub.observer.observe({ type: 'rate-limited', scope: 'connection' })
    throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
  }

  /** Over the limit. A repeat of what was stored is answered all the same: it adds nothing. G3, B34. */
  private refuseOrRepeat(context: Context, request: Request, startedAt: number, result: unknown, waitMs: number): void {
    const { connection } = context
    const refuse = (): void => this.refuse(context, request, startedAt, this.hub.messageLimit.refusal(waitMs))
    const rooms = context.effects.flatMap((effect) => (effect.kind === 'append' ? [effect.roomId] : []))
    context.discard()
    if (request.key === undefined) return refuse()
    const key = { scope: connection.scope, key: request.key, fingerprint: fingerprintOf(request) }
    this.hub.broker.findKey(connection.namespace.name, key).then((found) => {
      if (found?.status === 'refused') {
        return this.refuse(context, request, startedAt, new RoomfulError(found.code, found.message))
      }
      if (found?.status !== 'duplicate') return refuse()
      this.answer(
        context,
        request,
        startedAt,
        result,
        rooms.map((roomId) => toStored(roomId, found)),
      )
      this.hub.turn.endSoon()
    }, refuse)
  }

  private checkKey(key: string | undefined): void {
    const time = key === undefined ? undefined : keyTime(key)
    if (time === undefined || this.hub.clock.now() - time <= this.hub.settings.dedupeWindowMs) return
    throw new RoomfulError('EXPIRED')
  }
}

/** Tells a repeat from another request under the same key. */
function fingerprintOf(request: Request): string {
  return fingerprint(`${request.event}\n${JSON.stringify(request.args)}`)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
