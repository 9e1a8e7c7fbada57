/**
 * Our being in one room, however many hold it: joined once, joined again after every reconnect from where we stand, left
 * when the last one lets go. Hands on each durable event once and in order, keeps the list of members true. V2, O8.
 */
import { backoffMs } from './backoff.ts'
import { Emitter } from './emitter.ts'
import type { Environment } from './environment.ts'
import { isPassing, RoomfulError } from './errors.ts'
import type { EventMeta, ReceivedEvent } from './frames.ts'
import type { Requests } from './requests.ts'
import { RoomPresence } from './room-presence.ts'
import type { RoomSnapshot, RoomStatus } from './room-snapshot.ts'
import { afterJoin, afterReset, judge, resumeAfter, type Standing, UNKNOWN } from './standing.ts'
import { TypingSignal, Typists } from './typing.ts'
import type { JoinReply, Reset } from './vocabulary.ts'

export interface MembershipOptions {
  readonly roomId: string
  readonly environment: Environment
  readonly requests: Requests
  /** Where it stands already, from an earlier life. */
  readonly standing: Standing | undefined
}

/** Joins in a row that did not bring the events that are missing: then they are gone, and that is said. */
const MAX_FRUITLESS_JOINS = 3

/** Names of what happens to a membership; the events of the room itself are in `events`, under their own names. */
export interface MembershipEvents {
  change: []
  reset: [reset: Reset]
  redacted: [meta: EventMeta]
}

export class Membership {
  readonly roomId: string
  readonly own: Emitter<MembershipEvents>
  readonly events: Emitter<Record<string, [event: ReceivedEvent]>>
  readonly typing: TypingSignal
  /** How many hold it. */
  holders = 0
  /** The server put us there: letting go does not leave it. */
  isPlaced = false
  /** The server took us out: it is not asked again by itself. */
  isRemoved = false
  standing: Standing
  readonly #options: MembershipOptions
  readonly #presence: RoomPresence
  readonly #typists: Typists
  #status: RoomStatus = 'waiting'
  #error: RoomfulError | undefined
  #snapshot: RoomSnapshot | undefined
  /** Passing refusals of a join in a row. */
  #failures = 0
  /** Joins because of a hole since the last event that was handed on. */
  #fruitless = 0
  #isAsking = false
  #isOver = false
  #cancelRetry: (() => void) | undefined
  readonly #waiting = new Set<(error: RoomfulError | undefined) => void>()

  constructor(options: MembershipOptions) {
    const { roomId, environment, standing } = options
    const onChange = (): void => this.#changed()
    this.#options = options
    this.roomId = roomId
    this.standing = standing ?? UNKNOWN
    this.own = new Emitter(environment.report)
    this.events = new Emitter(environment.report)
    this.#typists = new Typists(environment.clock, onChange)
    this.typing = new TypingSignal(environment.clock, (event) => options.requests.emit(event, [{ roomId }]))
    this.#presence = new RoomPresence({ ...options, onChange })
  }

  getSnapshot(): RoomSnapshot {
    const status = this.#status
    const error = this.#error
    const { members, count } = this.#presence.current
    this.#snapshot ??= { status, members: [...members.values()], count, typists: this.#typists.list(), error }
    return this.#snapshot
  }

  /** Resolves when we are in; rejects when the server refuses. */
  joined(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#status === 'joined') return resolve()
      if (this.#error) return reject(this.#error)
      this.#waiting.add((error) => (error ? reject(error) : resolve()))
    })
  }

  /** Asks to be let in, from where we stand. */
  join(): void {
    if (this.#isOver || this.#isAsking || this.#options.requests.reach !== 'now') return
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.isRemoved = false
    if (this.#status !== 'joined') this.#become('joining')
    this.#ask() // never rejects
  }

  handleDown(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.typing.forget()
    this.#typists.clear()
    if (!this.isRemoved) this.#become('waiting')
  }

  /** Whoever waits to be let in waits for nothing. */
  giveUp(error: RoomfulError): void {
    for (const settle of this.#waiting) settle(error)
    this.#waiting.clear()
  }

  /** The last one let go, or the client is closed. */
  end(reason: RoomfulError): void {
    this.#isOver = true
    this.handleDown()
    this.giveUp(reason)
    this.own.clear()
    this.events.clear()
  }

  /** The server put us there. What we ask for, or what we missed since we were there last, comes with an answer. */
  place(reply: JoinReply): void {
    this.isPlaced = true
    this.isRemoved = false
    if (this.#isAsking) return
    if (this.standing.seq === undefined) this.#enter(reply)
    else if (this.#status !== 'joined') this.join()
  }

  /** The rules took us out. */
  lose(error: RoomfulError): void {
    this.#become('refused', error)
  }

  /** The server took us out, and lets us in again when it likes. */
  remove(reason: string): void {
    this.isPlaced = false
    this.isRemoved = true
    this.lose(new RoomfulError('REMOVED', reason))
  }

  /** @returns false when it is not to be handed on: we had it, or something is missing before it */
  admit(seq: number): boolean {
    // We asked to be let in and do not know where: this is of an earlier stay that the server still has to end.
    if (this.standing.seq === undefined && this.holders > 0) return false
    // What the server tells of its own accord may have other numbers by now; all behind our place follows the answer.
    if (this.#isAsking) return false
    const verdict = judge(this.standing, seq)
    if (verdict === 'duplicate') return false
    if (verdict === 'hole' && this.#fruitless < MAX_FRUITLESS_JOINS) {
      // Joining again from where we stand brings what is missing, and this one after it.
      if (!this.#isAsking && !this.#cancelRetry) {
        this.#fruitless++
        this.join()
      }
      return false
    }
    if (verdict === 'hole') this.reset({ roomId: this.roomId, reason: 'trimmed', from: seq, to: seq })
    this.#fruitless = 0
    this.standing = { ...this.standing, seq }
    return true
  }

  /** One event of this room, which `admit` let through or which has no number. */
  handle(event: ReceivedEvent): void {
    this.#presence.handle(event)
    this.#typists.handle(event)
    this.events.emit(event.event, event)
  }

  /** What lies before `reset.from` will not come. */
  reset(reset: Reset): void {
    this.standing = afterReset(this.standing, reset)
    this.own.emit('reset', reset)
  }

  async #ask(): Promise<void> {
    const { roomId, requests } = this.#options
    const after = resumeAfter(this.standing)
    this.#isAsking = true
    const onAnswer = (reply: unknown): void => {
      this.#isAsking = false
      if (!this.#isOver) this.#enter(reply as JoinReply)
    }
    try {
      await requests.call('room:join', [after === undefined ? { roomId } : { roomId, after }], { onAnswer })
    } catch (error) {
      this.#isAsking = false
      if (!this.#isOver) this.#refused(error as RoomfulError)
    }
  }

  #enter(reply: JoinReply): void {
    const { standing, reset } = afterJoin(this.standing, reply)
    this.standing = standing
    this.#failures = 0
    this.#presence.replace(reply)
    this.#become('joined')
    for (const settle of this.#waiting) settle(undefined)
    this.#waiting.clear()
    if (reset) this.own.emit('reset', reset)
  }

  #refused(error: RoomfulError): void {
    if (this.#options.requests.reach !== 'now') return // the next connection asks again
    if (!isPassing(error)) {
      this.#become('refused', error)
      return this.giveUp(error)
    }
    const { clock, chance } = this.#options.environment
    this.#cancelRetry = clock.after(error.retryAfterMs ?? backoffMs(this.#failures++, chance()), () => this.join())
  }

  #become(status: RoomStatus, error?: RoomfulError): void {
    if (this.#status === status && this.#error === error) return
    this.#status = status
    this.#error = error
    this.#changed()
  }

  #changed(): void {
    this.#snapshot = undefined
    this.own.emit('change')
  }
}
