/**
 * Who is in a namespace: a user is online from the first connection to the last, however many there are (C13), and
 * everyone can see how many there are (B17). Above 1,000 connections only those who share a room hear of it. G6.
 */

import type { Runtime } from '../../base/runtime.ts'
import type { Timer } from '../../base/timer-wheel.ts'
import { RoomEvent } from '../../events/event.ts'
import type { Delivery } from '../../log/delivery.ts'
import { EVERYONE } from '../../log/effects.ts'
import type { FanOut } from '../../log/fan-out.ts'
import type { ReturningMember } from '../../ports/broker.ts'
import type { User } from '../../ports/user.ts'
import type { Connection, NamespaceState, OnlineUser } from '../../state/namespace-state.ts'
import { GraceTimers, signOf } from './grace-timers.ts'
import type { ThrottledFanOut } from './throttled-fan-out.ts'

/** Connections up to which everyone hears of every user. U7. */
export const EVERYONE_MAX = 1_000
/** `users:count` goes at most this often. */
const COUNT_INTERVAL_MS = 1_000

export class UserPresence {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly fanOut: FanOut
  private readonly delivery: Delivery
  private readonly holds: GraceTimers
  private countTimer: Timer | undefined
  private told = ''
  private readonly pace: ThrottledFanOut

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    { fanOut, delivery, pace }: { fanOut: FanOut; delivery: Delivery; pace: ThrottledFanOut },
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.fanOut = fanOut
    this.delivery = delivery
    this.pace = pace
    this.holds = new GraceTimers(runtime.timers)
  }

  add(connection: Connection): void {
    const { user } = connection
    const known = this.namespace.users.get(user.sub)
    if (known) {
      known.connections.add(connection)
      known.user = user
      if (this.holds.release(signOf(connection))) known.held--
    } else {
      this.namespace.users.set(user.sub, { user, connections: new Set([connection]), held: 0 })
      this.changed(user.sub, 'online', [...connection.memberships.keys()], connection.id)
    }
    this.tellCount(connection)
  }

  /** @param holdMs it was cut off and may come back: for so long it counts as here */
  remove(connection: Connection, holdMs: number): void {
    const { user } = connection
    const known = this.namespace.users.get(user.sub)
    if (!known?.connections.delete(connection)) return
    const roomIds = [...connection.memberships.keys()] // it leaves them now, and may be told offline only later
    if (holdMs > 0) this.hold(known, signOf(connection), roomIds, holdMs)
    this.giveUp(known, roomIds, connection.id)
    this.tellCount()
  }

  /** Somebody who was here before a restart was told to come back: until then he counts as here. G7. */
  expect({ user, sign, roomIds }: ReturningMember, holdMs: number): void {
    const known = this.namespace.users.get(user.sub) ?? { user, connections: new Set<Connection>(), held: 0 }
    this.namespace.users.set(user.sub, known)
    this.hold(known, sign, roomIds, holdMs)
  }

  /** The user behind a connection is another one now, or has another name. */
  rename(connection: Connection, before: User): void {
    const old = this.namespace.users.get(before.sub)
    if (before.sub === connection.user.sub) {
      if (old) old.user = connection.user
      return
    }
    if (old?.connections.delete(connection)) this.giveUp(old, [...connection.memberships.keys()], connection.id)
    this.add(connection)
  }

  private hold(known: OnlineUser, sign: string, roomIds: readonly string[], ms: number): void {
    const isNew = this.holds.keep(sign, ms, () => {
      known.held--
      this.giveUp(known, roomIds)
    })
    if (isNew) known.held++
  }

  private giveUp(known: OnlineUser, roomIds: readonly string[], by?: string): void {
    if (known.connections.size > 0 || known.held > 0) return
    const { sub } = known.user
    this.namespace.users.delete(sub)
    this.changed(sub, 'offline', roomIds, by)
    this.tellCount()
  }

  /** @param by the connection that it is about */
  private changed(userId: string, status: 'online' | 'offline', itsRooms: readonly string[], by?: string): void {
    if (this.namespace.options.quiet) return
    const { connections, rooms } = this.namespace
    const roomIds = connections.size <= EVERYONE_MAX ? undefined : itsRooms
    const audience = roomIds ? roomIds.reduce((sum, id) => sum + (rooms.get(id)?.count ?? 0), 0) : connections.size
    if (audience === 0) return
    const event = RoomEvent.transient('presence:update', [{ userId, status }], true)
    const target = { ...EVERYONE, rooms: roomIds, except: by === undefined ? [] : [by] }
    // When the turn ends: who comes is not among those who hear yet.
    this.runtime.turn.after(() => this.pace.deliver(audience, () => this.fanOut.emit(event, target)))
  }

  /** The one who came is told at once; everyone else at most once a second. */
  private tellCount(newcomer?: Connection): void {
    if (this.namespace.options.quiet) return
    if (this.countTimer) {
      if (newcomer) this.delivery.send(newcomer, this.countEvent(), EVERYONE)
      return
    }
    this.runtime.turn.after(() => this.tellEveryone())
    this.countTimer = this.runtime.timers.add(COUNT_INTERVAL_MS, this.onCountInterval)
  }

  private readonly onCountInterval = (): void => {
    this.countTimer = undefined
    if (this.told === this.countKey()) return
    this.countTimer = this.runtime.timers.add(COUNT_INTERVAL_MS, this.onCountInterval)
    this.tellEveryone()
  }

  private tellEveryone(): void {
    const key = this.countKey()
    if (key === this.told) return
    this.told = key
    this.fanOut.emit(this.countEvent(), EVERYONE)
    this.runtime.turn.endSoon()
  }

  private countKey(): string {
    return `${this.namespace.users.size} ${this.namespace.connections.size}`
  }

  private countEvent(): RoomEvent {
    const data = { count: this.namespace.users.size, connections: this.namespace.connections.size }
    return RoomEvent.transient('users:count', [data], true)
  }
}
