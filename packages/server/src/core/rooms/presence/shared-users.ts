/**
 * The users of a room over all nodes, as this node knows them: the list is read once, when the room is opened, and kept by
 * numbered changes from the broker. A number that is missing has the list read again, and members are sent the difference.
 */
import { isRecord } from '@roomful/protocol'
import type { Runtime } from '../../base/runtime.ts'
import type { PresenceDiff, SeatChange, SharedPresence } from '../../ports/broker.ts'
import type { User } from '../../ports/users.ts'
import type { NamespaceState, Room, RoomUser } from '../../state/namespace-state.ts'
import type { Seats } from '../seats.ts'
import { type PresenceFeed, toMember } from './presence-feed.ts'

/** After a list could not be read. */
const RETRY_MS = 1_000

interface SharedUsersParts {
  readonly shared: SharedPresence
  readonly seats: Seats
  readonly feed: PresenceFeed
}

interface ReadList {
  readonly pv: number
  readonly users: Map<string, RoomUser>
}

interface Reading {
  /** What came meanwhile. */
  readonly diffs: PresenceDiff[]
  readonly done: Promise<void>
}

export class SharedUsers {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly parts: SharedUsersParts
  private readonly reading = new Map<Room, Reading>()

  constructor(runtime: Runtime, namespace: NamespaceState, parts: SharedUsersParts) {
    this.runtime = runtime
    this.namespace = namespace
    this.parts = parts
  }

  onDiff(diff: PresenceDiff): void {
    const room = this.namespace.rooms.get(diff.roomId)
    if (room === undefined || room.state === 'freed') return
    const reading = this.reading.get(room)
    if (reading) reading.diffs.push(diff)
    else if (diff.pv <= room.pv) return
    else if (diff.since === room.pv) this.apply(room, diff)
    else this.readAgain(room)
  }

  /**
   * States again what is so here, which harms nothing where the broker still knows it, and takes back what is so no more; then
   * the lists are compared. Until then no change counts: after a loss its number may be that of another one.
   */
  onBreak(): void {
    this.takeBack()
    for (const room of this.namespace.rooms.values()) {
      if (room.stated.size === 0 && room.pv === 0) continue
      this.retry(room, this.begin(room, this.parts.seats.stateAll(room)))
    }
  }

  /** @throws (rejects) what the broker throws */
  read(room: Room): Promise<void> {
    return this.reading.get(room)?.done ?? this.begin(room, undefined)
  }

  /** @param first what must be over before, which never rejects */
  private begin(room: Room, first: Promise<unknown> | undefined): Promise<void> {
    const diffs: PresenceDiff[] = []
    const isLatest = (): boolean => this.reading.get(room)?.diffs === diffs
    const read = async (): Promise<void> => {
      try {
        await first
        const { pv, users } = await this.readPages(room)
        // After a break the list is read again, by another one.
        if (!isLatest()) return await this.reading.get(room)?.done
        this.reading.delete(room)
        if (room.state !== 'freed') this.take(room, { pv, users }, diffs)
      } catch (error) {
        if (isLatest()) this.reading.delete(room)
        throw error
      }
    }
    const done = read()
    this.reading.set(room, { diffs, done })
    return done
  }

  /** The list, and what came while it was read. */
  private take(room: Room, { pv, users }: ReadList, diffs: readonly PresenceDiff[]): void {
    const before = new Map(room.users)
    this.replace(room, users, pv)
    for (const diff of diffs) {
      if (diff.pv > pv) this.onDiff(diff)
      else if (diff.callsHooks) this.announce(room, diff, before)
    }
  }

  /** Changes that the list has already, to the hooks alone. @param known users as they were before, which it keeps */
  private announce(room: Room, { changes }: PresenceDiff, known: Map<string, RoomUser>): void {
    for (const { user, state, reason = 'disconnected' } of changes) {
      const was = known.get(user.sub)
      if (state !== 'gone' && !was) {
        known.set(user.sub, roomUser(user, state === 'away'))
        this.namespace.announce('enter', user, room.id)
      } else if (state === 'gone' && was) {
        known.delete(user.sub)
        this.namespace.announce('exit', was.user, room.id, reason)
      }
    }
  }

  /** Seats that the broker knows of this node, though their users have left: it has lost that they did. */
  private takeBack(): void {
    const { name, rooms } = this.namespace
    const { shared } = this.parts
    const work = async (): Promise<void> => {
      const { seats } = await shared.owned(name)
      const gone = seats.filter(({ roomId, userId }) => !rooms.get(roomId)?.stated.has(userId))
      const changes = gone.map(({ roomId, userId }): SeatChange => {
        return { roomId, user: { sub: userId, name: '', role: '' }, state: 'gone', reason: 'disconnected' }
      })
      if (changes.length > 0) await shared.seats(name, changes)
    }
    work().catch((error: unknown) => {
      this.runtime.observer.observe({ type: 'commit:failed', namespace: name, error })
      this.runtime.timers.add(RETRY_MS, () => this.takeBack())
    })
  }

  private readAgain(room: Room): void {
    this.retry(room, this.read(room))
  }

  private retry(room: Room, reading: Promise<void>): void {
    reading.catch((error: unknown) => {
      this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      this.runtime.timers.add(RETRY_MS, () => room.state === 'open' && this.readAgain(room))
    })
  }

  private async readPages(room: Room): Promise<ReadList> {
    const users = new Map<string, RoomUser>()
    let page = await this.parts.shared.roomUsers(this.namespace.name, room.id)
    const { pv } = page
    for (;;) {
      for (const { user, isAway } of page.users) users.set(user.sub, roomUser(user, isAway))
      if (page.next === undefined) return { pv, users }
      page = await this.parts.shared.roomUsers(this.namespace.name, room.id, page.next)
    }
  }

  private apply(room: Room, { changes, pv: last, callsHooks }: PresenceDiff): void {
    const { feed } = this.parts
    let pv = last - changes.length
    for (const { user, state, isNew, reason = 'disconnected' } of changes) {
      pv++
      const { sub } = user
      const known = room.users.get(sub)
      if (state === 'gone') {
        room.users.delete(sub)
        feed.left(room, sub, reason, pv)
        if (callsHooks && known) this.namespace.announce('exit', known.user, room.id, reason)
        continue
      }
      const member = roomUser(user, state === 'away')
      room.users.set(sub, member)
      if (isNew || known?.user.name !== user.name) feed.joined(room, toMember(member), undefined, pv)
      else feed.changed(room, toMember(member), pv)
      if (callsHooks && isNew) this.namespace.announce('enter', user, room.id)
    }
  }

  private replace(room: Room, users: Map<string, RoomUser>, pv: number): void {
    const before = new Map(room.users)
    room.users.clear()
    for (const [sub, user] of users) room.users.set(sub, user)
    const all = [...users.values()]
    this.parts.feed.replaced(room, pv, {
      joined: all.filter(({ user }) => before.get(user.sub)?.user.name !== user.name).map(toMember),
      left: [...before.keys()].filter((sub) => !users.has(sub)),
      changed: all.filter((each) => looksOther(before.get(each.user.sub), each)).map(toMember),
    })
  }
}

/** As a node stated the user: with what its connections say of themselves. */
function roomUser(user: User, isAway: boolean): RoomUser {
  const { presence } = user
  return { user, isAway, state: isRecord(presence) ? presence : undefined }
}

function looksOther(before: RoomUser | undefined, { isAway, state }: RoomUser): boolean {
  return before !== undefined && (before.isAway !== isAway || JSON.stringify(before.state) !== JSON.stringify(state))
}
