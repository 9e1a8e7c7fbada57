/**
 * Rooms and users of a namespace over all nodes. A node knows the users of its open rooms on every node, and answers at once
 * where that is enough; the rest it asks.
 */
import type { Runtime } from '../base/runtime.ts'
import type { Awaitable } from '../ports/broker.ts'
import type { Member, NamespaceState } from '../state/namespace-state.ts'
import { membersOf, PRESENCE_BY_NAME_MAX, toMember } from './presence/presence-feed.ts'
import {
  type LargestRooms,
  type ListedRoom,
  type ListedRooms,
  listLargest,
  listPage,
  mergeLargest,
  ROOM_PAGE_MAX,
  type RoomPage,
} from './room-list.ts'

/** Who is in a room. */
export interface UsersOfRoom {
  readonly users: readonly Member[]
  readonly count: number
  /** Version of the membership: each change counts one up. */
  readonly pv: number
}

const everyRoom = (_roomId: string): boolean => true

/** Rooms that one question for a list reads from the broker; a user who may see few of them gets a short page, with `more`. */
const LOOKED_AT_MAX = 10_000

/** What a node is asked for. */
const LARGEST = 'rooms:largest'

export class RoomDirectory {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState

  constructor(runtime: Runtime, namespace: NamespaceState) {
    this.runtime = runtime
    this.namespace = namespace
  }

  /**
   * @param isWanted says of a room whether it may be in the page
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  list({ after = '', limit = ROOM_PAGE_MAX }: RoomPage = {}, isWanted = everyRoom): Awaitable<ListedRooms> {
    if (this.runtime.broker.presence) return this.readList(after, limit, isWanted)
    return listPage(this.namespace.rooms.values(), { after, limit }, isWanted)
  }

  /** The rooms with the most users, and how many there are in all. @throws RoomfulError (rejects) UNAVAILABLE */
  largest(limit: number): Awaitable<LargestRooms> {
    const here = this.largestHere(limit)
    return this.runtime.broker.presence ? this.largestOfAll(here, limit) : here
  }

  /** The answer to another node. */
  largestHere(limit: number): LargestRooms {
    return listLargest(this.namespace.rooms.values(), limit)
  }

  /**
   * @param most users that are named
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  usersOf(roomId: string, most = Number.POSITIVE_INFINITY): Awaitable<UsersOfRoom> {
    const room = this.namespace.rooms.get(roomId)
    const { presence } = this.runtime.broker
    if (room?.state === 'open' || !presence) {
      const { count = 0, pv = 0 } = room ?? {}
      return { users: room ? membersOf(room).slice(0, most) : [], count, pv }
    }
    return this.readUsers(roomId, most)
  }

  /** What a client that asks for it is sent: the users of a large room are only counted. */
  snapshotOf(roomId: string): Awaitable<UsersOfRoom> {
    return this.usersOf(roomId, PRESENCE_BY_NAME_MAX)
  }

  /** Those who have a connection on any node, or lost it and are expected back. @throws RoomfulError (rejects) UNAVAILABLE */
  online(userIds: readonly string[]): Awaitable<ReadonlySet<string>> {
    const { users } = this.namespace
    const here = userIds.filter((userId) => users.has(userId))
    const { presence } = this.runtime.broker
    if (!presence || here.length === userIds.length) return new Set(here)
    return presence.whoIsOnline(this.namespace.name, userIds).then((online) => new Set([...here, ...online]))
  }

  private async largestOfAll(here: LargestRooms, limit: number): Promise<LargestRooms> {
    const { broker, nodes } = this.runtime
    const { name } = this.namespace
    const counted = broker.presence?.rooms(name, { after: '', limit: 0 })
    const { answers } = await nodes.ask<LargestRooms>(LARGEST, limit, name)
    const merged = mergeLargest([here, ...answers.map(({ value }) => value)], limit)
    // What a node knows of others' users may be of a moment ago.
    const counts = (await broker.presence?.counts(name, merged.map(({ roomId }) => roomId))) ?? [] // biome-ignore format: one call
    const rooms = merged.map(({ roomId }, i) => ({ roomId, count: counts[i] ?? 0 })).filter(({ count }) => count > 0)
    return { rooms, total: Math.max(rooms.length, (await counted)?.total ?? 0) }
  }

  /** A page as {@link list} describes it, from the broker: rooms that are not wanted leave it short, and then more are read. */
  private async readList(after: string, limit: number, isWanted: (roomId: string) => boolean): Promise<ListedRooms> {
    const { presence } = this.runtime.broker
    const wanted: ListedRoom[] = []
    let last = after
    for (let read = 0; ; ) {
      const page = await presence?.rooms(this.namespace.name, { after: last, limit })
      const { rooms = [], more = false } = page ?? {}
      wanted.push(...rooms.filter(({ roomId }) => isWanted(roomId)))
      read += rooms.length
      last = rooms.at(-1)?.roomId ?? last
      if (!more || wanted.length >= limit || read >= LOOKED_AT_MAX)
        return { rooms: wanted.slice(0, limit), more: more || wanted.length > limit }
    }
  }

  private async readUsers(roomId: string, most: number): Promise<UsersOfRoom> {
    const { presence } = this.runtime.broker
    const users = new Map<string, Member>()
    let page = await presence?.roomUsers(this.namespace.name, roomId)
    const { pv = 0, count = 0 } = page ?? {}
    for (;;) {
      for (const user of page?.users ?? []) users.set(user.user.sub, toMember(user))
      if (page?.next === undefined || users.size >= most) break
      page = await presence?.roomUsers(this.namespace.name, roomId, page.next)
    }
    const isWhole = page?.next === undefined
    return { users: [...users.values()].slice(0, most), count: isWhole ? users.size : count, pv }
  }
}

/** Answers what {@link RoomDirectory.largest} of another node asks. */
export function answerLargest(runtime: Runtime, directoryOf: (namespace: string) => RoomDirectory | undefined): void {
  runtime.nodes.on<number>(LARGEST, (limit, name) => directoryOf(name)?.largestHere(limit))
}
