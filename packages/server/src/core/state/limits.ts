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
import type { Connection } from './namespace-state.ts'

const MINUTE_MS = 60_000
/** Guests of one address may store this many times what one user may: an office shares its address, a flood has it alone. */
const GUESTS_PER_ADDRESS = 20

/** What the appends of a request may do about rooms that do not exist yet. */
export interface NewRooms {
  /** Taken in advance; what no room was made for is given back. */
  readonly taken: number
  /** None may be made before so many ms; 0 when they may. */
  readonly waitMs: number
}

/**
 * Limits that outlive a connection: what one address (of IPv6 a /64) or one user may do in a minute, however often it
 * reconnects and by whatever transport. The counting is the limiter's, so that several nodes can share it.
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

  /** A connection is about to open. Its link was counted for its address; a guest's further channels are too. */
  takeConnection(connection: Connection): void {
    const { user, link, ip, id, httpMode } = connection
    // Single requests have a rate of their own, per user and per address of guests.
    if (httpMode === 'one-shot' || !this.counts('connectsPerMinute', ip)) return
    const isFirst = !link.hadConnection
    link.hadConnection = true
    if (user.guest && isFirst) return
    const refusal = user.guest
      ? this.takeConnect(`address ${addressGroup(ip)}`, 'from this address', id)
      : this.takeConnect(`user ${user.sub}`, 'of this user', id)
    if (refusal) throw refusal
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

  /**
   * A message that will be stored: one of those that a user, or a guest of an address, may store per minute, over all
   * connections.
   * @throws RoomfulError RATE_LIMITED
   */
  takeMessage(connection: Connection): void {
    const { limiter, observer, settings } = this.runtime
    const { ratePerMinute } = settings
    if (ratePerMinute === 0) return
    const [own, shared] = messageKeys(connection)
    let retryAfterMs = limiter.take(own, ratePerMinute, MINUTE_MS)
    if (retryAfterMs === 0 && shared !== undefined) {
      retryAfterMs = limiter.take(shared, ratePerMinute * GUESTS_PER_ADDRESS, MINUTE_MS)
      if (retryAfterMs > 0) limiter.giveBack(own)
    }
    if (retryAfterMs === 0) return
    observer.observe({ type: 'rate-limited', scope: 'user', connectionId: connection.id })
    throw new RoomfulError('RATE_LIMITED', `Rate limit exceeded: ${ratePerMinute} messages a minute`, { retryAfterMs })
  }

  /** A message that was a repeat, or was refused, does not count. */
  giveMessageBack(connection: Connection): void {
    if (this.runtime.settings.ratePerMinute === 0) return
    for (const key of messageKeys(connection)) if (key !== undefined) this.runtime.limiter.giveBack(key)
  }

  /** For appends: of these rooms, those that are not open here may have to be made. @returns nothing where none may */
  takeRooms(connection: Connection, roomIds: Iterable<string>): NewRooms | undefined {
    let unknown: Set<string> | undefined
    for (const roomId of roomIds) if (this.asksForRoom(connection, roomId)) unknown = (unknown ?? new Set()).add(roomId)
    if (unknown === undefined) return undefined
    let taken = 0
    for (const _ of unknown) {
      const waitMs = this.takeRoomOf(connection)
      if (waitMs > 0) {
        this.giveRoomsBack(connection, taken)
        return { taken: 0, waitMs }
      }
      taken++
    }
    return { taken, waitMs: 0 }
  }

  /** After the appends: what was taken for rooms that existed is given back. */
  roomsMade(connection: Connection, { taken }: NewRooms, made: number): void {
    this.giveRoomsBack(connection, taken - made)
  }

  /** Whether the room may have to be made, and that is counted. */
  asksForRoom(connection: Connection, roomId: string): boolean {
    if (connection.namespace.rooms.has(roomId) || isPersonalRoom(roomId)) return false
    return this.counts('newRoomsPerMinute', connection.ip)
  }

  /** For a join: a room that does not exist yet is counted. @throws RoomfulError (rejects) RATE_LIMITED, UNAVAILABLE */
  async takeRoom(connection: Connection, roomId: string): Promise<void> {
    const { name } = connection.namespace
    const heads = await this.runtime.broker.heads(name, [roomId]).catch((cause: unknown) => {
      throw new RoomfulError('UNAVAILABLE', undefined, { cause })
    })
    if (heads.length > 0) return
    const waitMs = this.takeRoomOf(connection)
    if (waitMs > 0) throw this.roomRefusal(connection, waitMs)
  }

  /** The broker refused to make a room: says until when. */
  explained(error: RoomfulError, connection: Connection, newRooms: NewRooms | undefined): RoomfulError {
    if (error.code !== 'RATE_LIMITED' || !newRooms) return error
    return this.roomRefusal(connection, newRooms.waitMs)
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

  private giveRoomsBack(connection: Connection, count: number): void {
    for (let i = 0; i < count; i++) this.runtime.limiter.giveBack(roomKey(connection))
  }

  private roomRefusal({ id: connectionId }: Pick<Connection, 'id'>, retryAfterMs: number): RoomfulError {
    this.runtime.observer.observe({ type: 'rate-limited', scope: 'new-room', connectionId })
    const message = `Rate limit exceeded: ${this.runtime.settings.newRoomsPerMinute} new rooms a minute`
    return new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
  }

  private takeRoomOf(connection: Connection): number {
    return this.runtime.limiter.take(roomKey(connection), this.runtime.settings.newRoomsPerMinute, MINUTE_MS)
  }

  private takeConnect(who: string, whose: string, connectionId: string | undefined): RoomfulError | undefined {
    const { limiter, observer, settings } = this.runtime
    const retryAfterMs = limiter.take(`\u0000connect ${who}`, settings.connectsPerMinute, MINUTE_MS)
    if (retryAfterMs === 0) return undefined
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

/** What a message counts under: its user, or its guest and the guests of the address. */
function messageKeys(connection: Connection): readonly [own: string, shared: string | undefined] {
  const { guestNumber, ip } = connection
  if (guestNumber === undefined) return [connection.scope, undefined]
  const group = addressGroup(ip)
  return [`\u0000guest ${guestNumber} ${group}`, `\u0000guests ${group}`]
}

function roomKey({ user, ip }: Connection): string {
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
  scope: 'connection' | 'join',
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
