/**
 * A link's attachment to one namespace: who it is, where it is, and the queue that lets its requests run one after
 * another (G1). Its life is `authenticating` → `open` → `closed`; handshake.ts moves it on, dispatch.ts works its queue.
 */
import type { Inbound } from '@roomful/protocol'
import type { CatchUpState } from './catch-up.ts'
import { type AskOptions, ClientRequests } from './client-requests.ts'
import type { Context } from './context.ts'
import type { RoomfulError } from './errors.ts'
import type { Link } from './link.ts'
import type { Membership } from './membership.ts'
import type { Namespace } from './namespace.ts'
import type { RateWindow } from './rate-window.ts'
import type { Session } from './session.ts'
import type { Timer } from './timer-wheel.ts'
import type { User } from './user.ts'

/** Requests that wait behind one that still runs. More pauses reading; ten times more closes with 1008. */
export const QUEUE_SOFT_LIMIT = 64
export const QUEUE_HARD_LIMIT = 4_096

const NOBODY: User = Object.freeze({ sub: '', name: '', role: 'guest' })

export class Connection {
  readonly id: string
  readonly link: Link
  readonly channel: number
  readonly namespace: Namespace
  readonly openedAt: number
  /** Which one it is since the start of the server: of two the newer has the higher. */
  number = 0
  stage: 'authenticating' | 'open' | 'closed' = 'authenticating'
  /** What the client said on attaching, in dialects that have such a payload. */
  handshake: Readonly<Record<string, unknown>> | undefined
  /** Meaningful once `open`. */
  user: User = NOBODY
  /** When the token stops being good, ms since 1970. */
  expiresAt: number | undefined
  /** `authenticated`, `guest`, or `none` before either. */
  auth: 'none' | 'guest' | 'authenticated' = 'none'
  session: Session | undefined
  /** Its client has shown that it knows the session: what it misses from now on it can come back for. */
  isHeard = false
  readonly memberships = new Map<string, Membership>()
  private intended: Map<string, { isIn: boolean; waiting: number }> | undefined
  /** Present while events are read from the log instead of being pushed. */
  behind: CatchUpState | undefined
  /** The classic dialect's current room. */
  currentRoom: string | undefined
  /** What waits for the request that runs. */
  queue: Inbound[] | undefined
  busy = false
  /** The request that is waited for. */
  running: Context | undefined
  /** What it was asked and has not answered. */
  asked: ClientRequests | undefined
  rate: RateWindow | undefined
  joinRate: RateWindow | undefined
  /** A guest's, among those of its address; see shared-limits.ts. */
  guestNumber: number | undefined
  /** Authentication deadline, or token expiry. */
  timer: Timer | undefined
  /** When it was told to come back, should it be cut off: the server restarts. Ms since 1970. G7. */
  dueBackAt: number | undefined
  /** Came over HTTP with all that it wants: a stay in rooms, or a single request. See visit.ts. */
  visit: 'stay' | 'request' | undefined
  /** Over HTTP: what checks at connect recorded, until it says which rooms it wants. */
  checked: Context | undefined
  /** Told once, when it is open (without an error) or was refused. */
  onSettled: ((error: RoomfulError | undefined) => void) | undefined
  /** A check of the namespace would not let it in, or failed. */
  isCheckRefused = false
  /** Why it was refused. */
  refusal: RoomfulError | undefined
  /** An application's own data. */
  data: Record<string, unknown> | undefined

  constructor(id: string, link: Link, channel: number, namespace: Namespace, openedAt: number) {
    this.id = id
    this.link = link
    this.channel = channel
    this.namespace = namespace
    this.openedAt = openedAt
  }

  /**
   * Asks this client, and waits for what it answers: a Socket.IO client by its callback, the SDK by `client.onRequest`, a
   * plain one by `{ack, data}`. Goes out at once, before what a handler recorded. C9.
   * @throws RoomfulError (rejects) TIMEOUT, DISCONNECTED, CANNOT_ANSWER, UNAVAILABLE, INVALID_MESSAGE for an answer that the
   *   contract does not allow, or what the client refused with; or with the signal's reason
   */
  request(event: string, data?: unknown, options?: AskOptions): Promise<unknown> {
    return this.ask(event, data === undefined ? [] : [data], options)
  }

  /** As `request`, for events that take several arguments. */
  call(event: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.ask(event, args, undefined)
  }

  /**
   * Puts this connection into a room. The rules and the capacity of the room hold, and the client is sent `room:joined`.
   * In a check at connect use `context.join`: it is not open yet.
   * @throws RoomfulError (rejects) DISCONNECTED, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  join(roomId: string): Promise<void> {
    return this.link.hub.placement.join(this, roomId)
  }

  /** Takes this connection out of a room; the client is sent `room:left`. @returns false when it was not in it */
  leave(roomId: string, reason?: string): Promise<boolean> {
    return this.link.hub.placement.leave(this, roomId, reason)
  }

  /** To this connection only; nothing when it is gone. In a check at connect use `context.emit`: it is not open yet. */
  emit(type: string, ...args: readonly unknown[]): void {
    this.namespace.to(this.id).emit(type, ...args)
  }

  private ask(event: string, args: readonly unknown[], options: AskOptions | undefined): Promise<unknown> {
    this.asked ??= new ClientRequests(this)
    return this.asked.send(event, args, options)
  }

  /**
   * In the room once everything that was asked for so far is done: the next request need not wait for the turn.
   */
  willBeIn(roomId: string): boolean {
    // A request over HTTP is in no room itself: its user is, with another connection.
    if (this.visit === 'request') return this.namespace.rooms.get(roomId)?.seats.has(this.user.sub) ?? false
    return this.intended?.get(roomId)?.isIn ?? this.memberships.has(roomId)
  }

  /** In how many rooms it will be once everything that was asked for so far is done. */
  get roomCount(): number {
    let count = this.memberships.size
    for (const [roomId, { isIn }] of this.intended ?? []) {
      if (isIn !== this.memberships.has(roomId)) count += isIn ? 1 : -1
    }
    return count
  }

  /** A join or leave was recorded and waits for its turn. */
  intend(roomId: string, isIn: boolean): void {
    this.intended ??= new Map()
    this.intended.set(roomId, { isIn, waiting: (this.intended.get(roomId)?.waiting ?? 0) + 1 })
  }

  /** It was done, or will not be. */
  intentionOver(roomId: string): void {
    const intention = this.intended?.get(roomId)
    if (!intention) return
    intention.waiting--
    if (intention.waiting === 0) this.intended?.delete(roomId)
    if (this.intended?.size === 0) this.intended = undefined
  }

  get ip(): string {
    return this.link.ip
  }

  get userAgent(): string {
    return this.link.userAgent
  }

  /** Where keys and personal rates are counted: per user, and per guest session. G3, B34. */
  get scope(): string {
    // A guest's single request has a new id each time; where it came from has not.
    if (this.visit === 'request' && this.user.guest) return `guest at ${this.ip}`
    return this.user.sub
  }
}
