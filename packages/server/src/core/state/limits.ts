/**
 * What a connection may do in a second, and what a user or an address may do in a minute. Refusals are counted in a metric
 * and say how long to wait. C12, B34.
 */
import { isPersonalRoom } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import { fingerprint } from '../base/fingerprint.ts'
import { addressGroup, isLoopback, RateWindow } from '../base/limits.ts'
import type { Runtime } from '../base/runtime.ts'
import type { LoopbackLimit } from '../base/settings.ts'
import type { RateLimit } from '../ports/broker.ts'
import { ConnectionLimits } from './connection-limits.ts'
import type { Connection } from './namespace-state.ts'

const MINUTE_MS = 60_000
/** Guests of one address may store this many times what one user may: an office shares its address, a flood has it alone. */
const GUESTS_PER_ADDRESS = 20

/**
 * Limits that outlive a connection: what one address (of IPv6 a /64) or one user may do in a minute, however often it
 * reconnects and by whatever transport. The broker counts, so that nodes share it; what one node counts of links, before
 * it asks the others, is the limiter's.
 */
export class SharedLimits {
  private readonly runtime: Runtime
  /**
   * Numbers in use by the guests of an address. A guest has another id after each reconnect, so its messages are counted
   * under the lowest free number: a guest that comes back finds its count, and guests at the same time have one each.
   */
  private readonly guestNumbers = new Map<string, Set<number>>()
  private salt: string | undefined

  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  /** Addresses with guests. */
  get size(): number {
    return this.guestNumbers.size
  }

  /** A link opened. @returns the refusal, if it is one too many of its address */
  takeLink(ip: string): RoomfulError | undefined {
    if (!this.counts('connectsPerMinute', ip)) return undefined
    return this.takeConnect(`address ${addressGroup(ip)}`, 'from this address', undefined)
  }

  /**
   * A connection is about to open. Its link was counted for its address; a guest's further channels are too.
   * @throws RoomfulError RATE_LIMITED
   * @returns a promise where other nodes count as well
   */
  takeConnection(connection: Connection): Promise<void> | undefined {
    const { user, link, ip, id, httpMode } = connection
    // Single requests have a rate of their own, per user and per address of guests.
    if (httpMode === 'one-shot' || !this.counts('connectsPerMinute', ip)) return undefined
    const isFirst = !link.hadConnection
    link.hadConnection = true
    const ofAddress = { who: `address ${addressGroup(ip)}`, whose: 'from this address' }
    const ofUser = { who: `user ${user.sub}`, whose: 'of this user' }
    if (!user.guest || !isFirst) {
      const { who, whose } = user.guest ? ofAddress : ofUser
      const refusal = this.takeConnect(who, whose, id)
      if (refusal) throw refusal
    }
    if (!this.runtime.broker.otherNodes) return undefined
    const counted = [...(isFirst || user.guest ? [ofAddress] : []), ...(user.guest ? [] : [ofUser])]
    return this.takeOfAllNodes(counted, id)
  }

  /** Gives a guest the number under which it is counted, until {@link leave}. */
  enter(connection: Connection): void {
    const { ip, user } = connection
    if (!user.guest || !this.counts('ratePerMinute', ip)) return
    const group = addressGroup(ip)
    const numbers = this.guestNumbers.get(group) ?? new Set()
    let number = 0
    while (numbers.has(number)) number++
    this.guestNumbers.set(group, numbers.add(number))
    connection.guestNumber = number
  }

  /** The guest is gone, or is a user now. */
  leave(connection: Connection): void {
    if (connection.guestNumber === undefined) return
    const group = addressGroup(connection.ip)
    const numbers = this.guestNumbers.get(group)
    numbers?.delete(connection.guestNumber)
    if (numbers?.size === 0) this.guestNumbers.delete(group)
    connection.guestNumber = undefined
  }

  /** What its appends count towards. */
  ofConnection(connection: Connection): ConnectionLimits {
    const { scope, guestNumber, limits } = connection
    // Another user, or a guest that has become one, counts elsewhere.
    const of = guestNumber === undefined ? scope : `${guestNumber}`
    if (limits?.of === of) return limits
    const { settings, observer } = this.runtime
    const made = new ConnectionLimits({
      of,
      message: settings.ratePerMinute === 0 ? undefined : this.messageLimits(connection),
      room: { counts: 'new-room', scope: roomScope(connection), perMinute: settings.newRoomsPerMinute },
      mayMake: (roomId) => this.asksForRoom(connection, roomId),
      onRefused: (counts) => {
        const scope = counts === 'message' ? 'user' : 'new-room'
        observer.observe({ type: 'rate-limited', scope, connectionId: connection.id })
      },
    })
    connection.limits = made
    return made
  }

  private messageLimits({ scope, guestNumber, ip }: Connection): readonly RateLimit[] {
    const { broker, settings } = this.runtime
    const { ratePerMinute } = settings
    const limit = (whose: string, perMinute: number): RateLimit => ({ counts: 'message', scope: whose, perMinute })
    if (guestNumber === undefined) return [limit(scope, ratePerMinute)]
    const group = addressGroup(ip)
    // Each node numbers its own guests.
    const own = limit(`\u0000guest ${broker.node}${guestNumber} ${group}`, ratePerMinute)
    return [own, limit(`\u0000guests ${group}`, ratePerMinute * GUESTS_PER_ADDRESS)]
  }

  /** Whether the room may have to be made, and that is counted. */
  asksForRoom(connection: Connection, roomId: string): boolean {
    if (connection.namespace.rooms.has(roomId) || isPersonalRoom(roomId)) return false
    return this.counts('newRoomsPerMinute', connection.ip)
  }

  /** For a join: a room that does not exist yet is counted. @throws RoomfulError (rejects) RATE_LIMITED, UNAVAILABLE */
  async takeRoom(connection: Connection, roomId: string): Promise<void> {
    const { name } = connection.namespace
    const { broker, observer, settings } = this.runtime
    const { newRoomsPerMinute } = settings
    const heads = await broker.heads(name, [roomId]).catch((cause: unknown) => {
      throw new RoomfulError('UNAVAILABLE', undefined, { cause })
    })
    if (heads.length > 0) return
    const retryAfterMs = await broker.take(name, roomScope(connection), newRoomsPerMinute)
    if (retryAfterMs === 0) return
    observer.observe({ type: 'rate-limited', scope: 'new-room', connectionId: connection.id })
    const message = `Rate limit exceeded: ${newRoomsPerMinute} new rooms a minute`
    throw new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
  }

  /**
   * Whose stored bytes they are. Guests are one writer per address; its mark cannot be turned back into the address, and
   * is another one after a restart. It is made once per connection.
   */
  writerOf(connection: Connection): string {
    if (!connection.user.guest) return connection.user.sub
    this.salt ??= this.runtime.random.id(20)
    connection.guestWriter ??= `guests:${fingerprint(`${this.salt}${addressGroup(connection.ip)}`)}`
    return connection.guestWriter
  }

  private takeConnect(who: string, whose: string, connectionId: string | undefined): RoomfulError | undefined {
    const { limiter, settings } = this.runtime
    const waitMs = limiter.take(`\u0000connect ${who}`, settings.connectsPerMinute, MINUTE_MS)
    return waitMs === 0 ? undefined : this.connectRefusal(whose, waitMs, connectionId)
  }

  /** While the log cannot say, what this node counts must do. */
  private async takeOfAllNodes(counted: readonly { who: string; whose: string }[], id: string): Promise<void> {
    const { broker, settings } = this.runtime
    for (const { who, whose } of counted) {
      let waitMs = 0
      try {
        waitMs = await broker.take(undefined, `connect ${who}`, settings.connectsPerMinute)
      } catch {}
      if (waitMs > 0) throw this.connectRefusal(whose, waitMs, id)
    }
  }

  private connectRefusal(whose: string, retryAfterMs: number, connectionId: string | undefined): RoomfulError {
    const { observer, settings } = this.runtime
    observer.observe({ type: 'rate-limited', scope: 'connect', connectionId })
    const message = `Rate limit exceeded: ${settings.connectsPerMinute} connections a minute ${whose}`
    return new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
  }

  private counts(limit: LoopbackLimit, ip: string): boolean {
    const { settings } = this.runtime
    return settings[limit] > 0 && (!isLoopback(ip) || settings.loopbackCounted.includes(limit))
  }
}

// No user id begins with a control character, so these are counted apart from the messages of users.

function roomScope({ user, ip }: Connection): string {
  return `\u0000rooms ${user.guest ? `address ${addressGroup(ip)}` : `user ${user.sub}`}`
}

/** Joins are cheap, but not free. L8. */
export const JOINS_PER_SECOND = 50
const SECOND_MS = 1_000

/** @throws RoomfulError RATE_LIMITED */
export function takeEvent(runtime: Runtime, connection: Connection): void {
  const { ratePerSecond } = runtime.settings
  if (ratePerSecond === 0) return
  connection.rate ??= new RateWindow(ratePerSecond)
  take(runtime, connection, connection.rate, 'connection', undefined)
}

/** A piece of a message that is being written: outside of the rate of events. @throws RoomfulError RATE_LIMITED */
export function takePiece(runtime: Runtime, connection: Connection, length: number): void {
  const { streamPiecesPerSecond: pieces, streamCharsPerSecond: chars } = runtime.settings
  const now = runtime.clock.monotonic()
  if (pieces > 0) {
    connection.pieceRate ??= new RateWindow(pieces)
    take(runtime, connection, connection.pieceRate, 'stream', `Rate limit exceeded: ${pieces} pieces a second`)
  }
  if (chars === 0) return
  connection.pieceChars ??= { since: now, used: 0 }
  const spent = connection.pieceChars
  if (now - spent.since >= SECOND_MS) connection.pieceChars = { since: now, used: length }
  // One that is larger than a second's worth goes alone.
  else if (spent.used > 0 && spent.used + length > chars) {
    runtime.observer.observe({ type: 'rate-limited', scope: 'stream', connectionId: connection.id })
    const message = `Rate limit exceeded: ${chars} characters of messages a second`
    throw new RoomfulError('RATE_LIMITED', message, { retryAfterMs: spent.since + SECOND_MS - now })
  } else spent.used += length
}

/** Changes of what a connection says of itself in a room: outside of the rate of events. @throws RoomfulError RATE_LIMITED */
export function takePresence(runtime: Runtime, connection: Connection): void {
  const { presencePerSecond } = runtime.settings
  if (presencePerSecond === 0) return
  connection.presenceRate ??= new RateWindow(presencePerSecond)
  const message = `Rate limit exceeded: ${presencePerSecond} changes of presence a second`
  take(runtime, connection, connection.presenceRate, 'presence', message)
}

/** An event that was taken counts as `cost` of them, since its answer is large. */
export function chargeEvent({ clock }: Runtime, connection: Connection, cost: number): void {
  connection.rate?.charge(clock.monotonic(), cost - 1)
}

/** @throws RoomfulError RATE_LIMITED */
export function takeJoin(runtime: Runtime, connection: Connection): void {
  if (runtime.settings.ratePerSecond === 0) return
  connection.joinRate ??= new RateWindow(JOINS_PER_SECOND)
  take(runtime, connection, connection.joinRate, 'join', `Rate limit exceeded: ${JOINS_PER_SECOND} joins a second`)
}

function take(
  runtime: Runtime,
  connection: Connection,
  window: RateWindow,
  scope: 'connection' | 'join' | 'stream' | 'presence',
  message: string | undefined,
): void {
  const now = runtime.clock.monotonic()
  const retryAfterMs = window.take(now, SECOND_MS)
  if (retryAfterMs === 0 || (scope === 'connection' && takeOfBurst(connection, now))) return
  runtime.observer.observe({ type: 'rate-limited', scope, connectionId: connection.id })
  throw new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
}

/** What its client could not send while it was cut off comes at once. L18. */
function takeOfBurst(connection: Connection, now: number): boolean {
  const { burst } = connection
  if (burst && burst.left > 0 && now < burst.until) {
    burst.left--
    return true
  }
  connection.burst = undefined
  return false
}
