/**
 * The client's subscription to one room, shared by all `Room` objects for it: joined once, joined again after each
 * reconnect from its position, left after the last release. Delivers each durable event once and in order, and keeps the
 * list of members correct. V2, O8.
 */
import type { Position } from '@roomful/protocol'
import type { Activity } from './activity.ts'
import { backoffMs } from './backoff.ts'
import type { Environment } from './environment.ts'
import { isPassing, RoomfulError } from './errors.ts'
import { Emitter, type EventMeta, type ReceivedEvent } from './events.ts'
import { PRESENCE_EVENTS, RoomPresence } from './presence.ts'
import type { Requests } from './requests.ts'
import type { JoinAck, MemberOf, PresenceState, Reset, Typist } from './types.ts'

/** `waiting` for a connection, `joining`, `joined`, or `refused` by the server, with its reason in `error`. */
export type RoomStatus = 'waiting' | 'joining' | 'joined' | 'refused'

/** What a page shows of a room; the same object until something changes. */
export interface RoomSnapshot<State = PresenceState> {
  readonly status: RoomStatus
  /** The users in the room, at most 1,000 of them, each with what they say of themselves in `state`. */
  readonly members: readonly MemberOf<State>[]
  /** Number of all members, listed or not. */
  readonly count: number
  /** Other users who are writing. */
  readonly typists: readonly Typist[]
  /** Why the room is not joined. */
  readonly error: RoomfulError | undefined
}

/** What hooks and stores show before they have joined a room, and on a server. */
export const UNJOINED_ROOM: RoomSnapshot = { status: 'waiting', members: [], count: 0, typists: [], error: undefined }

export interface SubscriptionOptions {
  readonly roomId: string
  readonly environment: Environment
  readonly requests: Requests
  readonly join: JoinOptions
}

/** How a room is joined. */
export interface JoinOptions<State = PresenceState> {
  /** The position of an earlier page or process, to resume from. Without it no earlier events arrive. */
  readonly after?: RoomPosition | undefined
  /** What this client says of itself in the room, from the first moment on: see `Room.setPresence`. */
  readonly state?: State | undefined
  /**
   * Which events: all, without a hole (the default); the latest of each type when the link is slow or was away; or those at
   * most every so often. The server says what it grants in the answer to the join, and `room:lag` how far behind this client was.
   */
  readonly flow?: Flow | undefined
}

/** Which events of a room a client wants, instead of all. */
export type Flow = Exclude<NonNullable<JoinAck['flow']>, 'all'>

/** Joins in a row that did not bring the missing events; after them the events count as lost, and `onReset` says so. */
const MAX_FRUITLESS_JOINS = 3

/** What happens to the subscription itself; `events` has the events of the room, under their own names. */
export interface SubscriptionEvents {
  change: []
  reset: [reset: Reset]
  redacted: [meta: EventMeta]
  joined: [ack: JoinAck]
}

export class RoomSubscription {
  declare readonly roomId: string
  declare readonly own: Emitter<SubscriptionEvents>
  declare readonly events: Emitter<Record<string, [event: ReceivedEvent]>>
  /** `Room` objects that were not released. */
  users = 0
  /** The server put this client into the room: releasing it does not leave. */
  isPlaced = false
  /** The server removed this client: it does not join again by itself. */
  isRemoved = false
  declare position: RoomPosition
  /** What this client says of itself; each join repeats it. */
  declare state: PresenceState | undefined
  /** Without it, all events. */
  declare flow: Flow | undefined
  readonly #options: SubscriptionOptions
  readonly #presence: RoomPresence
  /** Typing, and changes of `state`; loaded when it is first needed. */
  #activity: Activity | undefined
  #status: RoomStatus = 'waiting'
  #error: RoomfulError | undefined
  #snapshot: RoomSnapshot | undefined
  /** Temporary refusals of a join in a row. */
  #failures = 0
  /** Joins because of missing events since the last delivered event. */
  #fruitless = 0
  #isJoining = false
  #isOver = false
  #cancelRetry: (() => void) | undefined
  readonly #waiting = new Set<(error?: RoomfulError) => void>()

  constructor(options: SubscriptionOptions) {
    const { roomId, environment, join } = options
    this.#options = options
    this.roomId = roomId
    this.position = join.after ?? UNKNOWN_POSITION
    this.state = join.state
    this.flow = join.flow
    this.own = new Emitter(environment.report)
    this.events = new Emitter(environment.report)
    this.#presence = new RoomPresence({ ...options, onChange: this.#changed })
  }

  getSnapshot(): RoomSnapshot {
    const { members, count } = this.#presence.current
    this.#snapshot ??= {
      status: this.#status,
      members: [...members.values()],
      count,
      typists: this.#activity?.typists ?? [],
      error: this.#error,
    }
    return this.#snapshot
  }

  /** Resolves when the room is joined; rejects when the server refuses. */
  joined(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#status === 'joined') return resolve()
      if (this.#error) return reject(this.#error)
      this.#waiting.add((error) => (error ? reject(error) : resolve()))
    })
  }

  /** Joins from the current position. */
  join(): void {
    if (this.#isOver || this.#isJoining || this.#options.requests.reach !== 'now') return
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.isRemoved = false
    if (this.#status !== 'joined') this.#become('joining')
    this.#requestJoin() // never rejects
  }

  handleDown(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#activity?.handleDown()
    if (!this.isRemoved) this.#become('waiting')
  }

  /** Settles the promises of `joined`: with an error they reject. */
  settle(error?: RoomfulError): void {
    for (const settle of this.#waiting) settle(error)
    this.#waiting.clear()
  }

  /** The last `Room` was released, or the client is closed. */
  end(reason: RoomfulError): void {
    this.#isOver = true
    this.handleDown()
    this.settle(reason)
    this.own.clear()
    this.events.clear()
  }

  /** The server put this client into the room. A join under way, or one that fetches missed events, has its own answer. */
  place(ack: JoinAck): void {
    this.isPlaced = true
    this.isRemoved = false
    if (this.#isJoining) return
    if (this.position.seq === undefined) this.#enter(ack)
    else if (this.#status !== 'joined') this.join()
  }

  /** A changed role or a ban took the room away. */
  lose(error: RoomfulError): void {
    this.#become('refused', error)
  }

  /** The server removed this client, and decides when it may return. */
  remove(reason: string): void {
    this.isPlaced = false
    this.isRemoved = true
    this.lose(new RoomfulError('REMOVED', reason))
  }

  /** @returns false when the event must not be delivered: it was already, or one before it is missing */
  admit(seq: number): boolean {
    if (this.#isEntering) return false
    const missing = this.position.seq === undefined ? 0 : seq - this.position.seq - 1
    if (missing < 0) return false // delivered before
    const isHole = missing > 0 && !this.flow
    if (isHole && this.#fruitless < MAX_FRUITLESS_JOINS) {
      // Joining again from the position brings the missing events, and then this one.
      if (!this.#cancelRetry) {
        this.#fruitless++
        this.join()
      }
      return false
    }
    if (isHole) this.reset({ roomId: this.roomId, reason: 'trimmed', from: seq, to: seq })
    this.#fruitless = 0
    this.position = { ...this.position, seq }
    return true
  }

  /** Delivers an event of this room that `admit` allowed or that has no number. */
  handle(event: ReceivedEvent): void {
    const name = event.event
    if (PRESENCE_EVENTS.has(name)) this.#presence.handle(event)
    if (this.#activity || name === 'user:typing') this.use((activity) => activity.handle(event))
    this.events.emit(name, event)
  }

  /** Events before `reset.from` will not arrive. @returns false when the answer to a join will say so */
  reset(reset: Reset): boolean {
    if (this.#isEntering) return false
    this.position = { epoch: reset.epoch ?? this.position.epoch, seq: reset.from - 1 }
    this.own.emit('reset', reset)
    return true
  }

  /**
   * A first join is under way: what comes belongs to an earlier stay, which the server has not ended yet. Or another one is:
   * a restarted server may use other numbers, and everything after the position follows the answer.
   */
  get #isEntering(): boolean {
    return this.#isJoining || (this.position.seq === undefined && this.users > 0)
  }

  /** Calls `what` with typing and presence data of this room: at once, or when that is loaded. */
  use(what: (activity: Activity) => void): void {
    if (this.#activity) return what(this.#activity)
    import('./on-demand.ts').then(({ Activity }) => {
      if (this.#isOver) return
      this.#activity ??= new Activity(this, this.#options, this.#changed)
      what(this.#activity)
    }, this.#options.environment.report)
  }

  async #requestJoin(): Promise<void> {
    const { roomId, requests } = this.#options
    const { state, flow } = this
    const after = resumeAfter(this.position)
    this.#isJoining = true
    const onAck = (ack: unknown): void => {
      this.#isJoining = false
      if (this.#isOver) return
      this.#enter(ack as JoinAck)
      const { state: latest } = this
      if (latest && latest !== state) this.use((activity) => activity.setPresence(latest))
    }
    try {
      // JSON has no `undefined`: what is not there is not sent.
      await requests.call('room:join', [{ roomId, after, state, flow }], { onAck })
    } catch (error) {
      this.#isJoining = false
      if (!this.#isOver) this.#handleRefusal(error as RoomfulError)
    }
  }

  #enter(ack: JoinAck): void {
    const { epoch, roomId, recovered, reason = 'trimmed', from = ack.seq + 1, to = ack.seq } = ack
    const { seq, epoch: before } = this.position
    const reset: Reset | undefined = recovered === false ? { roomId, reason, from, to } : undefined
    this.position = { epoch, seq: reset ? from - 1 : recovered ? (seq ?? ack.seq) : Math.max(seq ?? 0, ack.seq) }
    // The latest of what was missed follows the answer, and is no gap.
    if (this.flow && seq !== undefined) this.position = { epoch, seq: epoch === before ? seq : 0 }
    this.#failures = 0
    this.#presence.replace(ack)
    this.#become('joined')
    this.settle()
    this.own.emit('joined', ack)
    if (reset) this.own.emit('reset', reset)
  }

  #handleRefusal(error: RoomfulError): void {
    if (this.#options.requests.reach !== 'now') return // the next connection joins
    if (!isPassing(error)) {
      this.#become('refused', error)
      return this.settle(error)
    }
    const { clock, random } = this.#options.environment
    this.#cancelRetry = clock.after(error.retryAfterMs ?? backoffMs(this.#failures++, random()), () => this.join())
  }

  #become(status: RoomStatus, error?: RoomfulError): void {
    if (this.#status === status && this.#error === error) return
    this.#status = status
    this.#error = error
    this.#changed()
  }

  readonly #changed = (): void => {
    this.#snapshot = undefined
    this.own.emit('change')
  }
}

/**
 * A position in a room's log, or the part of it that is known. It comes from the answer to a join, never from the first
 * event (V1).
 */
export interface RoomPosition {
  /** Which log. */
  readonly epoch: string | undefined
  /** Number of the last delivered event. */
  readonly seq: number | undefined
}

const UNKNOWN_POSITION: RoomPosition = { epoch: undefined, seq: undefined }

/** @returns what a join resumes after; `undefined` for the first join, which replays nothing */
function resumeAfter({ epoch, seq }: RoomPosition): Position | number | undefined {
  if (seq === undefined) return undefined
  return epoch === undefined ? seq : { epoch, seq }
}
