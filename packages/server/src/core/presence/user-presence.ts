/**
 * Who is in a namespace: a user is online from the first connection to the last, however many there are (C13), and
 * everyone can see how many there are (B17). Above 1,000 connections only those who share a room hear of it. G6.
 */
import type { Connection } from '../connection.ts'
import type { Target } from '../effects.ts'
import { RoomEvent } from '../event.ts'
import type { Hub } from '../hub.ts'
import type { Namespace } from '../namespace.ts'
import type { Timer } from '../timer-wheel.ts'
import type { User } from '../user.ts'

/** Connections up to which everyone hears of every user. WIRE 8. */
export const EVERYONE_MAX = 1_000
/** Arrivals and departures of users are told together, at most this often. */
const UPDATE_INTERVAL_MS = 100
/** `users:count` goes at most this often. */
const COUNT_INTERVAL_MS = 1_000

export interface OnlineUser {
  user: User
  readonly connections: Set<Connection>
  /** Cut-off sessions whose grace still runs. */
  held: number
}

const EVERYONE: Target = { rooms: undefined, except: [], volatile: false, latestKey: undefined }

export class UserPresence {
  private readonly hub: Hub
  private readonly namespace: Namespace
  readonly users = new Map<string, OnlineUser>()
  private readonly holds = new Map<string, Timer>()
  private countTimer: Timer | undefined
  private told = ''
  /** What changed since it was last told. Bound: one per user who came or went within the interval. */
  private updates: { event: RoomEvent; target: Target }[] = []
  private updateTimer: Timer | undefined

  constructor(hub: Hub, namespace: Namespace) {
    this.hub = hub
    this.namespace = namespace
  }

  get(sub: string): OnlineUser | undefined {
    return this.users.get(sub)
  }

  add(connection: Connection): void {
    const { user } = connection
    const known = this.users.get(user.sub)
    if (known) {
      known.connections.add(connection)
      known.user = user
      this.releaseHold(connection, known)
    } else {
      this.users.set(user.sub, { user, connections: new Set([connection]), held: 0 })
      this.changed(connection, 'online')
    }
    this.tellCount(connection)
  }

  /** @param held it was cut off and may resume */
  remove(connection: Connection, held: boolean): void {
    const known = this.users.get(connection.user.sub)
    if (!known?.connections.delete(connection)) return
    if (held && connection.session) {
      const { id } = connection.session
      const rooms = [...connection.memberships.keys()] // it leaves them now, and is told offline only later
      known.held++
      this.holds.set(
        id,
        this.hub.timers.add(this.hub.settings.presenceGraceMs, () => {
          this.holds.delete(id)
          known.held--
          this.giveUp(connection, known, rooms)
        }),
      )
    } else this.giveUp(connection, known)
    this.tellCount()
  }

  /** The user behind a connection is another one now, or has another name. */
  rename(connection: Connection, before: User): void {
    const old = this.users.get(before.sub)
    if (before.sub === connection.user.sub) {
      if (old) old.user = connection.user
      return
    }
    if (old?.connections.delete(connection)) this.giveUp(connection, old)
    this.add(connection)
  }

  private releaseHold(connection: Connection, known: OnlineUser): void {
    const id = connection.session?.id
    const hold = id === undefined ? undefined : this.holds.get(id)
    if (id === undefined || hold === undefined) return
    this.hub.timers.cancel(hold)
    this.holds.delete(id)
    known.held--
  }

  private giveUp(connection: Connection, known: OnlineUser, rooms?: readonly string[]): void {
    if (known.connections.size > 0 || known.held > 0) return
    this.users.delete(known.user.sub)
    this.changed(connection, 'offline', known.user.sub, rooms)
    this.tellCount()
  }

  private changed(
    connection: Connection,
    status: 'online' | 'offline',
    userId = connection.user.sub,
    itsRooms: readonly string[] = [...connection.memberships.keys()],
  ): void {
    if (this.namespace.options.quiet) return
    const everyone = this.namespace.connections.size <= EVERYONE_MAX
    const rooms = everyone ? undefined : itsRooms
    if (rooms?.length === 0) return
    const target: Target = { ...EVERYONE, rooms, except: [connection.id] }
    this.updates.push({ event: RoomEvent.transient('presence:update', [{ userId, status }], true), target })
    // The first one goes when the turn ends; what follows within the interval goes together.
    if (this.updateTimer) return
    this.hub.turn.after(this.tellUpdates)
    this.updateTimer = this.hub.timers.add(UPDATE_INTERVAL_MS, this.onUpdateInterval)
  }

  private readonly onUpdateInterval = (): void => {
    this.updateTimer = undefined
    if (this.updates.length === 0) return
    this.updateTimer = this.hub.timers.add(UPDATE_INTERVAL_MS, this.onUpdateInterval)
    this.tellUpdates()
  }

  private readonly tellUpdates = (): void => {
    const updates = this.updates
    this.updates = []
    for (const { event, target } of updates) this.namespace.fanOut.emit(event, target)
    this.hub.turn.endSoon()
  }

  /** The one who came is told at once; everyone else at most once a second. */
  private tellCount(newcomer?: Connection): void {
    if (this.namespace.options.quiet) return
    if (this.countTimer) {
      if (newcomer) this.namespace.fanOut.tell(newcomer, this.countEvent(), EVERYONE)
      return
    }
    this.hub.turn.after(() => this.tellEveryone())
    this.countTimer = this.hub.timers.add(COUNT_INTERVAL_MS, this.onCountInterval)
  }

  private readonly onCountInterval = (): void => {
    this.countTimer = undefined
    if (this.told === this.countKey()) return
    this.countTimer = this.hub.timers.add(COUNT_INTERVAL_MS, this.onCountInterval)
    this.tellEveryone()
  }

  private tellEveryone(): void {
    const key = this.countKey()
    if (key === this.told) return
    this.told = key
    this.namespace.fanOut.emit(this.countEvent(), EVERYONE)
    this.hub.turn.endSoon()
  }

  private countKey(): string {
    return `${this.users.size} ${this.namespace.connections.size}`
  }

  private countEvent(): RoomEvent {
    const data = { count: this.users.size, connections: this.namespace.connections.size }
    return RoomEvent.transient('users:count', [data], true)
  }
}
