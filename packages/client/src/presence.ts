/**
 * The members of a room: a snapshot and the numbered changes after it (`pv`). A change that does not follow on the one
 * before reveals a gap, and the whole list is requested again, so that it is never wrong without notice (D10, G6).
 */
import type { Environment } from './environment.ts'
import { isPassing, type RoomfulError } from './errors.ts'
import type { ReceivedEvent } from './events.ts'
import type { Requests } from './requests.ts'
import type { DownData, Member } from './types.ts'

export interface Presence {
  /** By user id; in a large room not all. */
  readonly members: ReadonlyMap<string, Member>
  /** Number of all members, listed or not. */
  readonly count: number
  /** Number of the last change. */
  readonly pv: number
}

export interface PresenceSnapshot {
  readonly users: readonly Member[]
  readonly count: number
  readonly pv: number
}

/** A change of the members, as on the wire. */
export type PresenceChange =
  | { readonly event: 'user:joined'; readonly data: DownData<'user:joined'> }
  | { readonly event: 'user:left'; readonly data: DownData<'user:left'> }
  | { readonly event: 'presence:diff'; readonly data: DownData<'presence:diff'> }

const EMPTY: Presence = { members: new Map(), count: 0, pv: -1 }

/** Most members that are listed by name; others are only counted. Five times what a snapshot of the server lists. */
export const MAX_LISTED = 1_000
/** In rooms up to this size the server sends all members, so that list and count must agree. PROTOCOL.md 9. */
const SNAPSHOT_MAX = 200

export function presenceOf({ users, count, pv }: PresenceSnapshot): Presence {
  return { members: new Map(users.map((member) => [member.userId, member])), count, pv }
}

/** @returns the presence after the change, the same object for an old change, or `gap` when a change before it is missing */
export function applyChange(presence: Presence, change: PresenceChange): Presence | 'gap' {
  const { pv } = change.data
  if (pv <= presence.pv) return presence
  const members = new Map(presence.members)
  if (change.event === 'presence:diff') {
    const { since, left, joined, changed, count } = change.data
    if (since > presence.pv) return 'gap'
    for (const userId of left) members.delete(userId)
    for (const member of joined) list(members, member)
    for (const member of changed) if (members.has(member.userId)) members.set(member.userId, member)
    return checked({ members, count, pv })
  }
  if (pv !== presence.pv + 1) return 'gap'
  const { userId } = change.data
  const wasListed = members.has(userId)
  if (change.event === 'user:left') {
    members.delete(userId)
    return checked({ members, count: presence.count - 1, pv })
  }
  const { name, state } = change.data
  list(members, { userId, name, status: 'online', ...(state && { state }) })
  // A listed user who joins again has a new name.
  return checked({ members, count: presence.count + (wasListed ? 0 : 1), pv })
}

function checked(presence: Presence): Presence | 'gap' {
  const { members, count } = presence
  return count <= SNAPSHOT_MAX && members.size !== count ? 'gap' : presence
}

function list(members: Map<string, Member>, member: Member): void {
  if (members.size < MAX_LISTED || members.has(member.userId)) members.set(member.userId, member)
}

export interface RoomPresenceOptions {
  readonly roomId: string
  readonly environment: Environment
  readonly requests: Requests
  readonly onChange: () => void
}

/** Shortest time between requests for the whole list: a busy room must not use up the rate limit. */
const RESYNC_INTERVAL_MS = 1_000
/** Events that `RoomPresence` handles. */
export const PRESENCE_EVENTS = new Set<string>([
  'user:joined',
  'user:left',
  'presence:diff',
] satisfies PresenceChange['event'][])

/** Keeps the list of a room's members correct: applies changes, and requests the whole list when one is missing. */
export class RoomPresence {
  current: Presence = EMPTY
  readonly #options: RoomPresenceOptions
  #requestedAtMs = Number.NEGATIVE_INFINITY
  #isPlanned = false

  constructor(options: RoomPresenceOptions) {
    this.#options = options
  }

  /** Takes the list in the answer to a join or to `presence:get`. */
  replace(snapshot: PresenceSnapshot): void {
    this.current = presenceOf(snapshot)
    this.#options.onChange()
  }

  handle({ event, args }: ReceivedEvent): void {
    if (this.current === EMPTY) return // the answer to the join brings the list
    const next = applyChange(this.current, { event, data: args[0] } as PresenceChange)
    if (next === this.current) return
    if (next === 'gap') return this.#planRequest()
    this.current = next
    this.#options.onChange()
  }

  #planRequest(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    const { clock } = this.#options.environment
    const waitMs = this.#requestedAtMs + RESYNC_INTERVAL_MS - clock.monotonic()
    if (waitMs <= 0)
      this.#request() // never rejects
    else clock.after(waitMs, () => this.#request())
  }

  async #request(): Promise<void> {
    const { roomId, environment, requests } = this.#options
    this.#requestedAtMs = environment.clock.monotonic()
    try {
      if (requests.reach !== 'now') return // joining again brings a list
      const onAck = (snapshot: unknown): void => {
        this.#isPlanned = false
        this.replace(snapshot as PresenceSnapshot)
      }
      await requests.call('presence:get', [{ roomId }], { onAck, isRepeatable: true })
    } catch (thrown) {
      const error = thrown as RoomfulError // a request rejects with nothing else
      // When the request is forbidden the list stays as it is. After a temporary error the next change requests it again.
      if (isPassing(error)) environment.onError(error)
    } finally {
      this.#isPlanned = false
    }
  }
}
