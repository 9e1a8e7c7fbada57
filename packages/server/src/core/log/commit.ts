/**
 * The turn: everything that requests of one event-loop turn want to append goes to the broker in one batch; what it
 * stored is released in the order of `n`, each request's other effects in their place, and only then is it answered (G1,
 * G2). Batches are pipelined: the next one does not wait for this one, but is released after it.
 */

import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import type { Append, Appended, AppendKey, Repeated } from '../ports/broker.ts'
import type { NewRooms } from '../state/limits.ts'
import type { NamespaceState } from '../state/namespace-state.ts'
import { type AppendEffect, type Effect, type Stored, toStored } from './effects.ts'
import type { FanOut } from './fan-out.ts'

/** One finished request, or one emit of the server's own. */
export interface RequestEffects {
  readonly effects: readonly Effect[]
  /** Makes the appends recognisable as a repeat. */
  readonly key: AppendKey | undefined
  /** Which of the key's numbers the first append has: earlier ones were used before. */
  readonly firstKey: number
  /** Whose bytes the appends count as; the event's user without it. */
  readonly writer?: string | undefined
  /** Whether the appends may create rooms; unlimited without it. */
  readonly newRooms?: NewRooms | undefined
  /** What the request is answered with, if that is known and to be kept with the key. */
  readonly ack: string | undefined
  /** The connection that caused it. */
  readonly origin: string | undefined
  /** Runs each effect that is not an append, in its place; `ok` is false when an append was refused, or was a repeat. */
  readonly apply: (effect: Exclude<Effect, AppendEffect>, ok: boolean) => void
  /** Called once, when everything is released: what was stored, or why nothing was; of a repeat also the first reply. */
  readonly settle: (stored: readonly Stored[], error: RoomfulError | undefined, reply?: string) => void
  /** Called before `settle` with the number of rooms that were created, where `newRooms` is set. */
  readonly made?: (rooms: number) => void
}

/** How long a client should wait before it tries again to store something. */
const RETRY_AFTER_MS = 1_000
/** Batches under way to the broker; what comes meanwhile waits for the next one. */
const IN_FLIGHT_MAX = 64
/** Units that wait; one more is refused with UNAVAILABLE. */
const WAITING_MAX = 100_000

/** Appends of one batch; more are split so that one turn cannot hold the broker for long. */
const BATCH_LIMIT = 10_000

export class Commit {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly fanOut: FanOut
  private waiting: RequestEffects[] = []
  private inFlight = 0
  private tail: Promise<void> = Promise.resolve()

  constructor(runtime: Runtime, namespace: NamespaceState, fanOut: FanOut) {
    this.runtime = runtime
    this.namespace = namespace
    this.fanOut = fanOut
  }

  /** Nothing waits and nothing is on its way. */
  get isIdle(): boolean {
    return this.waiting.length === 0 && this.inFlight === 0
  }

  submit(unit: RequestEffects): void {
    if (this.waiting.length >= WAITING_MAX) {
      for (const effect of unit.effects) if (effect.kind !== 'append') unit.apply(effect, false)
      return unit.settle([], new RoomfulError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_AFTER_MS }))
    }
    if (this.waiting.length === 0) this.runtime.turn.markPending(this)
    this.waiting.push(unit)
  }

  /** From the turn, at its end. */
  run(): void {
    while (this.waiting.length > 0 && this.inFlight < IN_FLIGHT_MAX) {
      const units = this.waiting.length > BATCH_LIMIT ? this.waiting.splice(0, BATCH_LIMIT) : this.waiting
      if (units === this.waiting) this.waiting = []
      this.start(units)
    }
  }

  /** Resolves when everything submitted so far is released. */
  async settled(): Promise<void> {
    while (!this.isIdle) {
      this.run()
      await this.tail
    }
  }

  private start(units: RequestEffects[]): void {
    const appends = this.collect(units)
    if (appends.length === 0 && this.inFlight === 0) return this.release(units, [])
    this.inFlight++
    const startedAt = this.runtime.clock.monotonic()
    const stored = appends.length === 0 ? Promise.resolve([]) : this.runtime.broker.append(this.namespace.name, appends)
    const before = this.tail
    this.tail = this.releaseInTurn(units, stored, before, appends.length, startedAt)
  }

  private async releaseInTurn(
    units: RequestEffects[],
    stored: Promise<Appended[]>,
    before: Promise<void>,
    appended: number,
    startedAt: number,
  ): Promise<void> {
    let results: readonly Appended[]
    try {
      results = await stored
      if (appended > 0) {
        const durationMs = this.runtime.clock.monotonic() - startedAt
        this.runtime.observer.observe({ type: 'commit', namespace: this.namespace.name, appended, durationMs })
      }
    } catch (error) {
      this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      const refused: Appended = {
        status: 'refused',
        code: 'UNAVAILABLE',
        message: new RoomfulError('UNAVAILABLE').message,
      }
      results = new Array<Appended>(appended).fill(refused)
    }
    await before
    this.inFlight--
    this.release(units, results)
    if (this.waiting.length > 0) this.runtime.turn.markPending(this)
    this.runtime.turn.flush()
  }

  private collect(units: readonly RequestEffects[]): Append[] {
    const appends: Append[] = []
    let unitNumber = 0
    for (const { effects, key, firstKey, ack, writer, newRooms } of units) {
      const mayCreate = newRooms && newRooms.waitMs === 0
      let index = firstKey
      let base = -1
      for (const effect of effects) {
        if (effect.kind !== 'append') continue
        const isUnit = effect.atomicGroup !== undefined
        if (isUnit && base < 0) base = unitNumber++
        appends.push({
          roomId: effect.roomId,
          type: effect.type,
          argsJson: effect.argsJson,
          userId: effect.userId,
          writer,
          mayCreate,
          // Those that are stored together share one key.
          key: key && keyOfNth(key, isUnit ? firstKey : index),
          ack: index === 0 ? ack : undefined,
          atomicGroup: isUnit ? base : undefined,
          aboutSeq: effect.aboutSeq,
        })
        index++
      }
    }
    return appends
  }

  /** Events that were stored now are told; the other effects of a request keep their place among them. */
  private release(units: readonly RequestEffects[], results: readonly Appended[]): void {
    let at = 0
    for (const unit of units) {
      const { error, repeated } = outcomeOf(unit, results, at)
      const stored: Stored[] = []
      let made = 0
      for (const effect of unit.effects) {
        if (effect.kind !== 'append') {
          unit.apply(effect, error === undefined && repeated === undefined)
          continue
        }
        const result = results[at++] as Appended
        if (result.status !== 'stored' && result.status !== 'duplicate') continue
        stored.push(toStored(effect.roomId, result))
        if (result.status === 'stored' && result.isFirst) made++
        if (result.status === 'stored') this.deliver(unit, effect, result)
      }
      unit.made?.(made)
      unit.settle(error ? [] : stored, error, repeated?.ack)
    }
  }

  private deliver(unit: RequestEffects, effect: AppendEffect, result: Extract<Appended, { n: number }>): void {
    const { n, seq, ts } = result
    const { roomId, type, argsJson, userId } = effect
    const row = { n, seq, ts, roomId, type, argsJson, userId, key: unit.key?.key, redacted: false }
    this.fanOut.release(RoomEvent.fromRow(row, effect.args, unit.origin))
    this.namespace.announceStored(row, effect.args)
  }
}

/** Why a request failed, or that it was a repeat. */
function outcomeOf(
  { effects }: RequestEffects,
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
  return { repeated }
}

function refusal(result: Appended | undefined): RoomfulError | undefined {
  if (result === undefined || result.status === 'unknown') {
    return new RoomfulError(
      'UNAVAILABLE',
      'The server cannot tell whether this was stored; repeat it with the same key',
      {
        retryAfterMs: RETRY_AFTER_MS,
      },
    )
  }
  if (result.status !== 'refused') return undefined
  const retryAfterMs = result.code === 'UNAVAILABLE' ? RETRY_AFTER_MS : undefined
  return new RoomfulError(result.code, result.message, { retryAfterMs })
}

/** Each event of a request has a key of its own. */
export function keyOfNth(key: AppendKey, index: number): AppendKey {
  return index === 0 ? key : { ...key, key: `${key.key}#${index}` }
}
