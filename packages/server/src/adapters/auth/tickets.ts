/**
 * Tickets: each opens one connection within 30 seconds. Pages use them where a credential must be in a URL, because URLs
 * are recorded in logs and browser histories. A3.4, H15.
 */
import { RoomfulError } from '../../core/base/errors.ts'
import type { Awaitable } from '../../core/ports/broker.ts'
import type { Clock, Random } from '../../core/ports/system.ts'
import type { Identity } from '../../core/ports/users.ts'

/** How long a ticket is valid. */
export const TICKET_LIFETIME_MS = 30_000
/** Most unused tickets of one user; the oldest is dropped. A page with several tabs needs a few when it reconnects. */
export const TICKETS_PER_USER = 16
/** Most unused tickets of all users (about 40 MB); above it none is issued until the first expires. */
export const TICKETS_MAX = 100_000
/** Most streams that stay bound to a ticket (about 40 MB); above it the oldest needs a new ticket. */
const BOUND_MAX = 100_000
/** The same for one user. */
export const BOUND_PER_USER = 64
/** How long a stream may reconnect with a ticket if its token does not expire. */
const BOUND_LIFETIME_MS = 24 * 3_600_000
const TICKET_LENGTH = 32

/** Issues tickets and takes them. @throws RoomfulError (also as a rejection) */
export interface TicketOffice {
  issue(identity: Identity): Awaitable<string>
  redeem(ticket: string, stream?: string): Awaitable<Identity>
}

interface Ticket {
  readonly identity: Identity
  /** Time of expiry on the monotonic clock. */
  readonly goodUntil: number
}

/** All valid tickets, for a server that runs alone. */
export class Tickets implements TicketOffice {
  private readonly clock: Clock
  private readonly random: Random
  /** In the order of issue, which is the order of expiry. */
  private readonly tickets = new Map<string, Ticket>()
  private readonly byUser = new Map<string, string[]>()
  /** Tickets of streams: an `EventSource` reconnects with the same URL, so its ticket stays valid for that stream. */
  private readonly boundByUser = new Map<string, string[]>()
  private readonly bound = new Map<string, { identity: Identity; stream: string; goodUntil: number }>()

  constructor(clock: Clock, random: Random) {
    this.clock = clock
    this.random = random
  }

  get size(): number {
    return this.tickets.size
  }

  /** Issues a ticket. @throws RoomfulError UNAVAILABLE when too many are unused */
  issue(identity: Identity): string {
    this.dropExpired()
    if (this.tickets.size >= TICKETS_MAX) {
      throw new RoomfulError('UNAVAILABLE', 'Too many tickets are waiting to be used; try again later', {
        retryAfterMs: TICKET_LIFETIME_MS,
      })
    }
    const ticket = `t_${this.random.id(TICKET_LENGTH)}`
    this.tickets.set(ticket, { identity, goodUntil: this.clock.monotonic() + TICKET_LIFETIME_MS })
    const ofUser = this.byUser.get(identity.user.sub) ?? []
    ofUser.push(ticket)
    this.byUser.set(identity.user.sub, ofUser)
    if (ofUser.length > TICKETS_PER_USER) this.drop(ofUser[0] as string)
    return ticket
  }

  /**
   * Uses a ticket.
   * @param stream names a stream, which may use the ticket again until its token expires
   * @throws RoomfulError TOKEN_INVALID, TOKEN_EXPIRED (of the token that the ticket was issued for)
   */
  redeem(ticket: string, stream?: string): Identity {
    this.dropExpired()
    const bound = stream === undefined ? undefined : this.bound.get(ticket)
    if (bound?.stream === stream && bound !== undefined) return this.comeBack(ticket, bound)
    const found = this.tickets.get(ticket)
    if (!found) {
      throw new RoomfulError('TOKEN_INVALID', 'Authentication failed: the ticket is unknown, used or expired')
    }
    this.drop(ticket)
    const { expiresAt } = found.identity
    if (expiresAt !== undefined && expiresAt <= this.clock.now()) throw new RoomfulError('TOKEN_EXPIRED')
    if (stream !== undefined) this.bind(ticket, stream, found.identity)
    return found.identity
  }

  private bind(ticket: string, stream: string, identity: Identity): void {
    const goodUntil = identity.expiresAt ?? this.clock.now() + BOUND_LIFETIME_MS
    this.bound.set(ticket, { identity, stream, goodUntil })
    const ofUser = this.boundByUser.get(identity.user.sub) ?? []
    ofUser.push(ticket)
    this.boundByUser.set(identity.user.sub, ofUser)
    if (ofUser.length > BOUND_PER_USER) this.unbind(ofUser[0] as string)
    if (this.bound.size > BOUND_MAX) this.unbind(this.bound.keys().next().value as string)
  }

  private unbind(ticket: string): void {
    const sub = this.bound.get(ticket)?.identity.user.sub
    this.bound.delete(ticket)
    if (sub === undefined) return
    const left = (this.boundByUser.get(sub) ?? []).filter((each) => each !== ticket)
    if (left.length > 0) this.boundByUser.set(sub, left)
    else this.boundByUser.delete(sub)
  }

  private comeBack(ticket: string, { identity, goodUntil }: { identity: Identity; goodUntil: number }): Identity {
    if (goodUntil > this.clock.now()) return identity
    this.unbind(ticket)
    throw new RoomfulError('TOKEN_EXPIRED')
  }

  private dropExpired(): void {
    const now = this.clock.monotonic()
    for (const [ticket, { goodUntil }] of this.tickets) {
      if (goodUntil > now) return
      this.drop(ticket)
    }
  }

  private drop(ticket: string): void {
    const sub = this.tickets.get(ticket)?.identity.user.sub
    this.tickets.delete(ticket)
    if (sub === undefined) return
    const left = (this.byUser.get(sub) ?? []).filter((each) => each !== ticket)
    if (left.length > 0) this.byUser.set(sub, left)
    else this.byUser.delete(sub)
  }
}
