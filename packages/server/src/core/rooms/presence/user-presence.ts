/**
 * The users of a namespace: a user is online from the first connection to the last, however many there are (C13), and every
 * client is sent the number of users (B17). Above 1,000 connections only members of the same rooms are notified. G6.
 */

import type { Runtime } from '../../base/runtime.ts'
import { SmallSet } from '../../base/small-collections.ts'
import type { Timer } from '../../base/timer-wheel.ts'
import { RoomEvent } from '../../events/event.ts'
import { EVERYONE } from '../../log/effects.ts'
import type { Delivery, FanOut } from '../../log/fan-out.ts'
import type { OnlineChange, OnlineUsers, ReturningMember } from '../../ports/broker.ts'
import type { User } from '../../ports/users.ts'
import type { Connection, NamespaceState, OnlineUser } from '../../state/namespace-state.ts'
import type { FormerNodes } from './former-nodes.ts'
import { type CutOff, cutOff, GraceTimers, signOf } from './grace-timers.ts'
import type { ThrottledFanOut } from './throttled-fan-out.ts'

/** Connections up to which every client is notified of every user. U7. */
export const EVERYONE_MAX = 1_000
/** `users:count` goes at most this often; with more than a thousand connections less often, so that it costs at most a thousand writes a second. */
const COUNT_INTERVAL_MS = 1_000
const CONNECTIONS_PER_INTERVAL = 1_000

/** With several nodes: after the broker did not take a statement. */
const RETRY_MS = 1_000

interface UserPresenceParts {
  readonly fanOut: FanOut
  readonly delivery: Delivery
  readonly throttle: ThrottledFanOut
  readonly formerNodes: FormerNodes
}

export class UserPresence {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly fanOut: FanOut
  private readonly delivery: Delivery
  private readonly graceTimers: GraceTimers
  private countTimer: Timer | undefined
  private sentCount = ''
  /** It goes to everyone when the turn ends. */
  private isCountDue = false
  private readonly throttle: ThrottledFanOut
  private readonly formerNodes: FormerNodes
  /** With several nodes: how many are online there, without the connections of this one. */
  private readonly elsewhere = { users: 0, connections: 0 }
  /** Users of whom the broker may not know what is so. */
  private readonly untold = new Set<string>()
  /** With several nodes: how many connections this one has said it has. */
  private stated = 0

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    { fanOut, delivery, throttle, formerNodes }: UserPresenceParts,
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.fanOut = fanOut
    this.delivery = delivery
    this.throttle = throttle
    this.formerNodes = formerNodes
    this.graceTimers = new GraceTimers(runtime.timers)
  }

  add(connection: Connection): void {
    const { user } = connection
    const known = this.namespace.users.get(user.sub)
    if (known) {
      known.connections.add(connection)
      known.user = user
      if (this.graceTimers.release(signOf(connection))) known.expected--
      this.tell([])
    } else {
      const entry: OnlineUser = { user, connections: new SmallSet(), expected: 0 }
      entry.connections.add(connection)
      this.namespace.users.set(user.sub, entry)
      const taken = this.changed(user.sub, 'online', [...connection.memberships.keys()], connection.id)
      if (taken) {
        entry.untilKnown = taken.then(() => {
          entry.untilKnown = undefined
          this.sendCount(connection)
        }) // never rejects
        return
      }
    }
    this.sendCount(connection)
  }

  /** @param graceMs it was cut off and may come back: its user stays online for so long */
  remove(connection: Connection, graceMs: number): void {
    const { user } = connection
    const known = this.namespace.users.get(user.sub)
    if (!known?.connections.delete(connection)) return
    const roomIds = [...connection.memberships.keys()] // it leaves them now, and may show as offline only later
    if (graceMs > 0) this.keepForGrace(known, cutOff(connection), roomIds, graceMs)
    else this.formerNodes.letGo(connection)
    this.removeIfGone(known, roomIds, connection.id)
    this.tell([])
    this.sendCount()
  }

  /** A user expected to reconnect after a restart: online until then. G7. */
  expect({ user, sign, roomIds }: ReturningMember, graceMs: number): void {
    const known = this.namespace.users.get(user.sub) ?? { user, connections: new SmallSet<Connection>(), expected: 0 }
    this.namespace.users.set(user.sub, known)
    this.keepForGrace(known, { sign, fence: 0 }, roomIds, graceMs)
  }

  /** A session that was cut off here said goodbye on another node. */
  endGraceOf(userId: string, { sign, fence }: CutOff): void {
    const known = this.namespace.users.get(userId)
    if (!known || !this.graceTimers.release(sign, fence)) return
    known.expected--
    this.removeIfGone(known, [])
  }

  /** The user behind a connection is another one now, or has another name. */
  rename(connection: Connection, before: User): void {
    const old = this.namespace.users.get(before.sub)
    if (before.sub === connection.user.sub) {
      if (old) old.user = connection.user
      return
    }
    if (old?.connections.delete(connection)) this.removeIfGone(old, [...connection.memberships.keys()], connection.id)
    this.add(connection)
  }

  /** From the broker of several nodes. */
  onOnline({ users, connections, changes }: OnlineUsers): void {
    this.elsewhere.users = users
    this.elsewhere.connections = Math.max(0, connections - this.stated)
    for (const { userId, state, by, rooms = [] } of changes) {
      this.notify(userId, state, this.connectionCount <= EVERYONE_MAX ? undefined : rooms, by)
    }
    this.sendCount()
  }

  /** From the broker of several nodes: it may have forgotten this one. */
  onBreak(): void {
    for (const userId of this.namespace.users.keys()) this.untold.add(userId)
    this.tellAgain()
    this.takeBack()
  }

  /** Users whom the broker knows as online by this node, though they are not: it has lost that they left. */
  private takeBack(): void {
    const { name, users, options } = this.namespace
    const { presence } = this.runtime.broker
    if (!presence || options.quiet) return
    presence.owned(name).then(
      (owned) => {
        for (const userId of owned.users) if (!users.has(userId)) this.untold.add(userId)
        this.tellAgain()
      },
      () => void this.runtime.timers.add(RETRY_MS, () => this.takeBack()),
    )
  }

  private keepForGrace(known: OnlineUser, { sign, fence }: CutOff, roomIds: readonly string[], ms: number): void {
    const onEnd = (): void => {
      known.expected--
      this.removeIfGone(known, roomIds)
    }
    const isNew = this.graceTimers.keep(sign, { ms, fence, onEnd })
    if (isNew) known.expected++
  }

  private removeIfGone(known: OnlineUser, roomIds: readonly string[], by?: string): void {
    if (known.connections.size > 0 || known.expected > 0) return
    const { sub } = known.user
    this.namespace.users.delete(sub)
    this.changed(sub, 'offline', roomIds, by)
    this.sendCount()
  }

  /** @param by the connection that it is about */
  private changed(
    userId: string,
    status: 'online' | 'offline',
    itsRooms: readonly string[],
    by?: string,
  ): Promise<void> | undefined {
    const isForAll = this.connectionCount <= EVERYONE_MAX
    if (this.runtime.broker.presence)
      return this.tell([{ userId, state: status, by, rooms: isForAll ? undefined : itsRooms }])
    this.notify(userId, status, isForAll ? undefined : itsRooms, by)
    return undefined
  }

  /** With several nodes: what is notified comes back from the broker. */
  private tell(changes: readonly OnlineChange[]): Promise<void> | undefined {
    const { presence } = this.runtime.broker
    if (!presence || this.namespace.options.quiet) return undefined
    this.stated = this.namespace.connections.size
    return presence.online(this.namespace.name, this.stated, changes).catch(() => {
      for (const { userId } of changes) this.untold.add(userId)
      this.runtime.timers.add(RETRY_MS, () => this.tellAgain())
    })
  }

  private tellAgain(): void {
    const changes = Array.from(this.untold, (userId): OnlineChange => {
      return { userId, state: this.namespace.users.has(userId) ? 'online' : 'offline' }
    })
    this.untold.clear()
    if (changes.length > 0) this.tell(changes)
  }

  private notify(
    userId: string,
    status: 'online' | 'offline',
    roomIds: readonly string[] | undefined,
    by?: string,
  ): void {
    if (this.namespace.options.quiet) return
    const { connections, rooms } = this.namespace
    const audience = roomIds ? roomIds.reduce((sum, id) => sum + (rooms.get(id)?.count ?? 0), 0) : connections.size
    if (audience === 0) return
    const event = RoomEvent.transient('presence:update', [{ userId, status }], true)
    const target = { ...EVERYONE, rooms: roomIds, except: by === undefined ? [] : [by] }
    // When the turn ends, since the new connection is not among the receivers yet.
    this.runtime.turn.after(() => this.throttle.deliver(audience, () => this.fanOut.emit(event, target)))
  }

  /** A new connection gets the count at once, everyone else at most once a second. */
  private sendCount(newcomer?: Connection): void {
    if (this.namespace.options.quiet) return
    if (this.countTimer) {
      if (newcomer && !this.isCountDue) this.delivery.send(newcomer, this.countEvent(), EVERYONE)
      return this.runtime.turn.endSoon()
    }
    this.isCountDue = true
    this.runtime.turn.after(() => this.sendCountToAll())
    this.countTimer = this.planCount()
  }

  private planCount(): Timer {
    const growth = Math.max(1, this.namespace.connections.size / CONNECTIONS_PER_INTERVAL)
    return this.runtime.timers.add(COUNT_INTERVAL_MS * growth, this.onCountInterval)
  }

  private readonly onCountInterval = (): void => {
    this.countTimer = undefined
    if (this.sentCount === this.countKey()) return
    this.countTimer = this.planCount()
    // In a storm of arrivals it shares a write with them.
    this.throttle.deliver(this.namespace.connections.size, () => this.sendCountToAll())
  }

  private sendCountToAll(): void {
    this.isCountDue = false
    const key = this.countKey()
    if (key === this.sentCount) return
    this.sentCount = key
    this.fanOut.emit(this.countEvent(), EVERYONE)
    this.runtime.turn.endSoon()
  }

  private get userCount(): number {
    return this.runtime.broker.presence ? this.elsewhere.users : this.namespace.users.size
  }

  private get connectionCount(): number {
    return this.elsewhere.connections + this.namespace.connections.size
  }

  private countKey(): string {
    return `${this.userCount} ${this.connectionCount}`
  }

  private countEvent(): RoomEvent {
    const data = { count: this.userCount, connections: this.connectionCount }
    return RoomEvent.transient('users:count', [data], true)
  }
}
