/**
 * Everything that requests of one event-loop turn want to append goes to the broker in one batch. What became of it is
 * released in the order in which the broker commits: stored events go to their rooms, each request's other effects keep
 * their place among them, and only then is the request acknowledged (G1, G2). Batches are pipelined: the next one does not
 * wait for this one.
 */

import { fromJson, isInbox } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import type {
  Append,
  Appended,
  AppendedRow,
  AppendKey,
  FactChange,
  FactStand,
  Repeated,
  StoredRow,
} from '../ports/broker.ts'
import { type Changed, isEvent, isStateChange } from '../ports/facts.ts'
import type { LeadMark } from '../ports/leads.ts'
import type { Signal } from '../ports/signal.ts'
import type { ConnectionLimits } from '../state/connection-limits.ts'
import type { NamespaceState } from '../state/namespace-state.ts'
import { type AppendEffect, type Effect, type Stored, toStored } from './effects.ts'
import type { FanOut } from './fan-out.ts'
import { noteOf, OUTBOX } from './outbox.ts'

/** A lead that publishes. */
export interface Fencing extends LeadMark {
  /** It leads no more, as far as this node knows. */
  readonly isOver: boolean
  /** The log has refused something of it. */
  readonly isFenced: boolean
}

/** The effects of one finished request, or of one emit of the server's own. */
export interface RequestEffects {
  readonly effects: readonly Effect[]
  /** Makes the appends recognisable as a repeat. */
  readonly key: AppendKey | undefined
  /** Which of the key's numbers the first append has: earlier ones were used before. */
  readonly firstKey: number
  /** Who is charged for the bytes of the appends; the event's user without it. */
  readonly writer?: string | undefined
  /** What the appends count towards; they are free without it. */
  readonly limits?: ConnectionLimits | undefined
  /** It is a lead's: refused once a later one has begun. */
  readonly lead?: Fencing | undefined
  /** What the request is answered with, if that is known and to be kept with the key. */
  readonly ack: string | undefined
  /** The connection that caused it. */
  readonly origin: string | undefined
  /** Sent with its events; only where requests are followed. */
  readonly traceparent?: string | undefined
  /** Runs each effect that is not an append, in its place; `ok` is false when an append was refused, or was a repeat. */
  readonly apply: (effect: Exclude<Effect, AppendEffect>, ok: boolean) => void
  /**
   * Called once, when everything is released: with what was stored, or why nothing was; for a repeat also with the ack that
   * was kept. `changed`: facts that are no events, in their order.
   */
  readonly settle: (
    stored: readonly Stored[],
    error: RoomfulError | undefined,
    ack: string | undefined,
    changed: readonly Changed[],
  ) => void
}

/** What the broker has and has not answered yet. */
interface UnderWay {
  readonly requests: readonly RequestEffects[]
  readonly appended: number
  readonly startedAt: number
  /** Requests that ask nothing of the log, and came after these. */
  readonly followers: RequestEffects[]
  /** Places of notes for the outbox among the appends, where there are any. */
  readonly notes: ReadonlySet<number> | undefined
}

/** How long a client should wait before it tries again to store something. */
const RETRY_AFTER_MS = 1_000
/** Requests that wait; one more is refused with UNAVAILABLE. */
const WAITING_MAX = 100_000

const NONE: readonly never[] = []

export class Commit {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly fanOut: FanOut
  private waiting: RequestEffects[] = []
  /** By the id of the batch. Bound: the broker's `underWay`. */
  private readonly underWay = new Map<number, UnderWay>()
  private latest: UnderWay | undefined
  private batches = 0
  private isStarting = false
  private onRelease: (() => void)[] = []

  constructor(runtime: Runtime, namespace: NamespaceState, fanOut: FanOut) {
    this.runtime = runtime
    this.namespace = namespace
    this.fanOut = fanOut
  }

  /** Nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.waiting.length === 0 && this.underWay.size === 0
  }

  submit(request: RequestEffects): void {
    if (this.waiting.length >= WAITING_MAX) {
      for (const effect of request.effects) if (effect.kind !== 'append') request.apply(effect, false)
      const error = new RoomfulError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_AFTER_MS })
      return request.settle(NONE, error, undefined, NONE)
    }
    if (this.waiting.length === 0) this.runtime.turn.markPending(this)
    this.waiting.push(request)
  }

  /** From the turn, at its end. What is submitted while this releases something is for the next turn. */
  run(): void {
    const requests = this.waiting
    this.waiting = []
    this.isStarting = true
    let from = 0
    try {
      while (from < requests.length && this.underWay.size < this.runtime.broker.batchLimits.underWay) {
        from = this.start(requests, from)
      }
    } finally {
      this.isStarting = false
    }
    if (from < requests.length) this.waiting = [...requests.slice(from), ...this.waiting]
  }

  /** Resolves when everything submitted so far is released. */
  async settled(): Promise<void> {
    while (!this.isIdle) {
      this.run()
      if (this.underWay.size > 0) await new Promise<void>((resolve) => this.onRelease.push(resolve))
    }
  }

  /** From the broker, in the order of commits. */
  onCommitted(batchId: number, results: readonly Appended[], cause: unknown): void {
    const batch = this.underWay.get(batchId)
    if (!batch) return
    this.underWay.delete(batchId)
    if (this.latest === batch) this.latest = undefined
    this.observe(batch, cause)
    const { notes } = batch
    this.release(batch.requests, notes ? results.filter((_, i) => !notes.has(i)) : results)
    if (batch.followers.length > 0) this.release(batch.followers, NONE)
    if (this.onRelease.length > 0) for (const resolve of this.onRelease.splice(0)) resolve()
    if (this.isStarting) return // the turn ends with a flush, and what was submitted meanwhile is marked
    if (this.waiting.length > 0) this.runtime.turn.markPending(this)
    this.runtime.turn.endSoon()
  }

  /** @returns where the requests begin that are not in this batch */
  private start(waiting: readonly RequestEffects[], from: number): number {
    const appends: Append[] = []
    const signals: Signal[] = []
    const limit = this.runtime.broker.batchLimits.appends
    let to = from
    const notes = this.runtime.settings.hasOutbox ? new Set<number>() : undefined
    let groups = 0
    while (to < waiting.length) {
      const request = waiting[to] as RequestEffects
      if (to > from && appends.length + request.effects.length > limit) break
      groups = collect(request, groups, { appends, signals, notes })
      to++
    }
    const requests = from === 0 && to === waiting.length ? waiting : waiting.slice(from, to)
    if (appends.length === 0 && signals.length === 0) {
      if (this.latest) this.latest.followers.push(...requests)
      else this.release(requests, NONE)
      return to
    }
    const startedAt = this.runtime.clock.monotonic()
    const id = ++this.batches
    const batch: UnderWay = { requests, appended: appends.length, startedAt, followers: [], notes }
    this.latest = batch
    this.underWay.set(id, batch)
    this.runtime.broker.append(this.namespace.name, { id, appends, signals })
    return to
  }

  private observe({ appended, startedAt }: UnderWay, cause: unknown): void {
    const { observer, clock } = this.runtime
    const { name: namespace } = this.namespace
    if (cause !== undefined) observer.observe({ type: 'commit:failed', namespace, error: cause })
    else if (appended > 0) {
      observer.observe({ type: 'commit', namespace, appended, durationMs: clock.monotonic() - startedAt })
    }
  }

  private release(requests: readonly RequestEffects[], results: readonly Appended[]): void {
    let at = 0
    for (const request of requests) {
      const { error, repeated } = outcomeOf(request, results, at)
      const stored: Stored[] = []
      let changed: readonly Changed[] = NONE
      if (error?.code === 'RATE_LIMITED') request.limits?.report(results.slice(at, at + request.effects.length))
      for (const effect of request.effects) {
        if (effect.kind !== 'append') {
          request.apply(effect, error === undefined && repeated === undefined)
          continue
        }
        const result = results[at++] as Appended
        if (result.status === 'changed') {
          changed = [...changed, result]
          const change = effect.change as FactChange
          if (isStateChange(change)) this.fanOut.states.changed(effect.roomId, change, result, effect.userId)
          else this.fanOut.texts.changed(effect.roomId, change)
          continue
        }
        if (result.status !== 'stored' && result.status !== 'duplicate') continue
        stored.push(toStored(effect.roomId, result))
        if (result.status === 'stored' && effect.roomId !== OUTBOX) this.deliver(request, effect, result)
      }
      request.settle(error ? NONE : stored, error, repeated?.ack, changed)
    }
  }

  private deliver(request: RequestEffects, effect: AppendEffect, result: AppendedRow): void {
    const row = result.row ?? rowOf(effect, result, request.key?.key)
    const { roomId, seq } = row
    this.fanOut.release(RoomEvent.fromRow(row, effect.args, request.origin, request.traceparent))
    this.namespace.announceStored(row, effect.args)
    if (effect.change?.kind === 'begin') this.fanOut.texts.changed(roomId, firstPiece(effect.change, seq))
    if (isInbox(roomId)) this.runtime.nodes.tell('inbox', [roomId, seq], this.namespace.name)
  }
}

function rowOf(effect: AppendEffect, { n, seq, ts }: AppendedRow, key: string | undefined): StoredRow {
  const { roomId, type, argsJson, userId, except } = effect
  return { n, seq, ts, roomId, type, argsJson, userId, key, redacted: false, except }
}

/**
 * Adds what a request wants to the batch.
 * @param groups how many atomic groups the batch has
 * @param notes gets the places of notes for the outbox, if there is one
 * @returns how many groups it has now
 */
function collect(
  request: RequestEffects,
  groups: number,
  { appends, signals, notes }: { appends: Append[]; signals: Signal[]; notes: Set<number> | undefined },
): number {
  const { key, firstKey, ack, writer, limits, traceparent } = request
  const lead = request.lead && { name: request.lead.name, fence: request.lead.fence }
  const from = appends.length
  const firstSignal = signals.length
  // State and events of one handler are stored together or not at all.
  const isWhole = request.effects.length > 1 && request.effects.some(isOfState)
  let grouped: number[] | undefined
  let next = groups
  let group = -1
  let made = 0
  for (const effect of request.effects) {
    if (effect.kind === 'emit') {
      signals.push({
        at: appends.length,
        from,
        to: from,
        event: effect.event,
        audience: effect.audience,
        lead,
        traceparent,
      })
    } else if (effect.kind === 'append') {
      const index = firstKey + made
      const isGroup = isWhole || effect.atomicGroup !== undefined
      if (isGroup && group < 0) group = next++
      const isFirst = made++ === 0
      const isNoted = notes !== undefined && effect.roomId !== OUTBOX && isEvent(effect)
      const own = isNoted && !isGroup ? next++ : undefined
      const append: Append = {
        roomId: effect.roomId,
        type: effect.type,
        argsJson: effect.argsJson,
        userId: effect.userId,
        writer,
        limits: limits?.limitsOf(effect.roomId, isFirst),
        sharesLimits: limits === undefined || isFirst ? undefined : true,
        // Those that are stored together share one key.
        key: key && keyOfNth(key, isGroup ? firstKey : index),
        ack: index === 0 ? ack : undefined,
        atomicGroup: isGroup ? group : own,
        aboutSeq: effect.aboutSeq,
        epoch: effect.epoch,
        lead,
        change: effect.change,
        except: effect.except,
        traceparent,
      }
      if (isNoted && isGroup) {
        grouped ??= []
        grouped.push(appends.length)
      }
      appends.push(append)
      if (own === undefined) continue
      notes?.add(appends.length)
      appends.push(noteOf(append, own, 1))
    }
  }
  // Behind the group, whose members keep their places and so their keys.
  for (const at of grouped ?? NONE) {
    notes?.add(appends.length)
    appends.push(noteOf(appends[at] as Append, group, appends.length - at))
  }
  if (appends.length > from) {
    for (let at = firstSignal; at < signals.length; at++)
      signals[at] = { ...(signals[at] as Signal), to: appends.length }
  }
  return next
}

/** Why a request failed, or that it was a repeat. */
function outcomeOf(
  { effects, lead }: RequestEffects,
  results: readonly Appended[],
  from: number,
): { error?: RoomfulError | undefined; repeated?: Repeated | undefined } {
  let at = from
  let repeated: Repeated | undefined
  for (const effect of effects) {
    if (effect.kind !== 'append') continue
    const result = results[at++]
    const error = refusal(result)
    if (error) return { error }
    if (result?.status === 'duplicate') repeated ??= result
  }
  // Its appends have results; what it only emits has none.
  if (lead?.isFenced && at === from) return { error: leadLost(lead) }
  return { repeated }
}

export function leadLost({ name }: LeadMark): RoomfulError {
  return new RoomfulError('LEAD_LOST', `Another node leads ${JSON.stringify(name)} now`)
}

function refusal(result: Appended | undefined): RoomfulError | undefined {
  if (result === undefined || result.status === 'unknown') {
    const message = 'The server cannot tell whether this was stored; repeat it with the same key'
    return new RoomfulError('UNAVAILABLE', message, { retryAfterMs: RETRY_AFTER_MS })
  }
  if (result.status !== 'refused') return undefined
  const { code, message, retryAfterMs = code === 'UNAVAILABLE' ? RETRY_AFTER_MS : undefined, current } = result
  return new RoomfulError(code, message, { retryAfterMs, details: current && standOf(current) })
}

function isOfState(effect: Effect): boolean {
  return effect.kind === 'append' && effect.change !== undefined && isStateChange(effect.change)
}

/** How a fact is that could not be changed: of state its version and value, of a message its length. */
function standOf({ version, value }: FactStand): Record<string, unknown> {
  return value === undefined && version > 0
    ? { length: version, version }
    : { version, value: value && fromJson(value) }
}

/** The text that a message began with, as the piece that members get. */
function firstPiece({ fragment, length }: Extract<FactChange, { kind: 'begin' }>, seq: number): FactChange {
  return { kind: 'extend', seq, at: 0, fragment, length }
}

/** Each event of a request has a key of its own. */
export function keyOfNth(key: AppendKey, index: number): AppendKey {
  return index === 0 ? key : { ...key, key: `${key.key}#${index}` }
}
