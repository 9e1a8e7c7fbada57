/**
 * A user's list of rooms, with those that have unread messages. A room is on the list while it has a read mark, so the list
 * is the same on all devices. The page keeps these rooms joined while it is open.
 */
import type { Client, Room } from '@roomful/client'
import type { Reads } from '../../web/reads/reads.ts'

export interface MyRoom {
  readonly roomId: string
  readonly count: number
  /** Something was said since it was last read. */
  readonly hasNews: boolean
}

interface Held {
  readonly room: Room
  /** Number of the latest message by another user, as far as it is known. */
  newest: number
  isPlaced: boolean
}

const PREFIX = 'room:'
/** Where everyone begins. */
const FIRST_ROOM = 'lobby'
/** More are not followed at once; the server allows a connection 200 rooms in all. */
const MAX_ROOMS = 50

const names = new Intl.Collator(undefined, { numeric: true })

export class MyRooms {
  private readonly client: Client
  private readonly reads: Reads
  private readonly held = new Map<string, Held>()
  private readonly listeners = new Set<() => void>()
  private snapshot: readonly MyRoom[] | undefined
  private off: (() => void) | undefined

  /** @param client of `/public` */
  constructor(client: Client, reads: Reads) {
    this.client = client
    this.reads = reads
  }

  readonly getSnapshot = (): readonly MyRoom[] => {
    this.snapshot ??= this.roomIds().map((roomId) => {
      const held = this.held.get(roomId)
      const until = this.reads.until(PREFIX + roomId)
      const count = held?.room.getSnapshot().count ?? 0
      return { roomId, count, hasNews: until > 0 && (held?.newest ?? 0) > until }
    })
    return this.snapshot
  }

  /** Keeps the rooms joined while there is a subscriber. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    this.off ??= this.reads.subscribe(() => {
      this.holdAll()
      this.changed()
    })
    this.holdAll()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size > 0) return
      this.off?.()
      this.off = undefined
      for (const { room } of this.held.values()) room.release()
      this.held.clear()
      this.snapshot = undefined
    }
  }

  /** Puts a room on the list. @returns false when there are too many already */
  keep(roomId: string): boolean {
    const { marks } = this.reads.getSnapshot()
    if (marks.has(PREFIX + roomId)) return true
    if (this.roomIds().length >= MAX_ROOMS) return false
    this.reads.mark(PREFIX + roomId, 0, 0)
    return true
  }

  drop(roomId: string): void {
    this.reads.forget(PREFIX + roomId)
  }

  /** Number of the last event that was read; `undefined` for a room in which nothing was. */
  readUntil(roomId: string): number | undefined {
    return this.reads.until(PREFIX + roomId) || undefined
  }

  /** What is there now was seen. @param seq number of the latest message */
  markRead(roomId: string, seq: number): void {
    // Edits and reactions after it count too: where the log stands is what a later join is compared with.
    const position = this.held.get(roomId)?.room.position?.seq ?? 0
    this.reads.mark(PREFIX + roomId, Math.max(seq, position), this.client.serverNow())
  }

  private roomIds(): readonly string[] {
    const { marks } = this.reads.getSnapshot()
    const ids = [...marks.keys()].flatMap((about) => (about.startsWith(PREFIX) ? [about.slice(PREFIX.length)] : []))
    if (ids.length === 0) return [FIRST_ROOM]
    const rank = (roomId: string): number => (roomId === FIRST_ROOM ? 0 : 1)
    return ids.sort((a, b) => rank(a) - rank(b) || names.compare(a, b)).slice(0, MAX_ROOMS)
  }

  private holdAll(): void {
    const wanted = new Set(this.roomIds())
    for (const [roomId, { room }] of this.held) {
      if (wanted.has(roomId)) continue
      room.release()
      this.held.delete(roomId)
    }
    for (const roomId of wanted) this.hold(roomId)
  }

  private hold(roomId: string): void {
    if (this.held.has(roomId)) return
    const room = this.client.room(roomId)
    const held: Held = { room, newest: 0, isPlaced: false }
    this.held.set(roomId, held)
    room.subscribe(() => {
      // The log's head at the join shows what was missed; later messages arrive as events.
      const seq = room.position?.seq
      if (seq !== undefined && !held.isPlaced) {
        held.isPlaced = true
        held.newest = Math.max(held.newest, seq)
      }
      this.changed()
    })
    room.on('message:new', ({ seq, userId }) => {
      if (userId !== this.ownId) held.newest = Math.max(held.newest, seq)
      this.changed()
    })
  }

  private get ownId(): string | undefined {
    const { state } = this.client
    return 'user' in state ? state.user.sub : undefined
  }

  private changed(): void {
    this.snapshot = undefined
    for (const listener of this.listeners) listener()
  }
}
