/**
 * The rooms that somebody keeps, and how far they have read in each: kept in this browser, by person. Rooms that are kept are
 * held while the page is open, so that what is new in them shows.
 */
import type { Client, Room } from '@roomful/client'

export interface MyRoom {
  readonly roomId: string
  readonly count: number
  /** Something was said since it was last read. */
  readonly hasNews: boolean
}

interface Held {
  readonly room: Room
  hasNews: boolean
}

/** Where everyone begins. */
const FIRST_ROOM = 'lobby'
/** More are not followed at once; the server allows a connection 200 rooms in all. */
const MAX_ROOMS = 50

export class MyRooms {
  private readonly client: Client
  private readonly storageKey: string
  private readonly read: Record<string, number>
  private readonly held = new Map<string, Held>()
  private readonly listeners = new Set<() => void>()
  private roomIds: readonly string[]
  private snapshot: readonly MyRoom[] | undefined

  /** @param person whose they are */
  constructor(client: Client, person: string) {
    this.client = client
    this.storageKey = `commons.rooms.${person}`
    const { roomIds, read } = load(this.storageKey)
    this.roomIds = roomIds
    this.read = read
  }

  readonly getSnapshot = (): readonly MyRoom[] => {
    this.snapshot ??= this.roomIds.map((roomId) => {
      const held = this.held.get(roomId)
      return { roomId, count: held?.room.getSnapshot().count ?? 0, hasNews: held?.hasNews ?? false }
    })
    return this.snapshot
  }

  /** Holds the rooms as long as somebody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    for (const roomId of this.roomIds) this.hold(roomId)
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size > 0) return
      for (const { room } of this.held.values()) room.release()
      this.held.clear()
      this.snapshot = undefined
    }
  }

  /** @returns false when there are too many already */
  keep(roomId: string): boolean {
    if (this.roomIds.includes(roomId)) return true
    if (this.roomIds.length >= MAX_ROOMS) return false
    this.roomIds = [...this.roomIds, roomId]
    if (this.listeners.size > 0) this.hold(roomId)
    this.changed()
    return true
  }

  drop(roomId: string): void {
    this.roomIds = this.roomIds.filter((each) => each !== roomId)
    this.held.get(roomId)?.room.release()
    this.held.delete(roomId)
    delete this.read[roomId]
    this.changed()
  }

  /** Number of the last event that was read; `undefined` for a room that was never open. */
  readUntil(roomId: string): number | undefined {
    return this.read[roomId]
  }

  markRead(roomId: string, seq: number): void {
    const held = this.held.get(roomId)
    if (seq <= (this.read[roomId] ?? 0) && !held?.hasNews) return
    this.read[roomId] = Math.max(seq, this.read[roomId] ?? 0)
    if (held) held.hasNews = false
    this.changed()
  }

  private hold(roomId: string): void {
    if (this.held.has(roomId)) return
    const room = this.client.room(roomId)
    const held: Held = { room, hasNews: false }
    this.held.set(roomId, held)
    room.subscribe(() => {
      // Where the log stands at the join tells of what was said while nobody looked.
      const seq = room.position?.seq
      if (seq !== undefined && this.read[roomId] !== undefined && seq > this.read[roomId]) held.hasNews ||= true
      this.changed()
    })
    room.on('message:new', ({ seq }) => {
      if (seq > (this.read[roomId] ?? 0)) held.hasNews = true
      this.changed()
    })
  }

  private changed(): void {
    this.snapshot = undefined
    try {
      localStorage.setItem(this.storageKey, JSON.stringify({ roomIds: this.roomIds, read: this.read }))
    } catch {
      // A browser that keeps nothing: it holds as long as this page does.
    }
    for (const listener of this.listeners) listener()
  }
}

function load(storageKey: string): { roomIds: readonly string[]; read: Record<string, number> } {
  const first = { roomIds: [FIRST_ROOM], read: {} }
  try {
    const kept = JSON.parse(localStorage.getItem(storageKey) ?? 'null') as Partial<ReturnType<typeof load>> | null
    if (!Array.isArray(kept?.roomIds)) return first
    return { roomIds: kept.roomIds.filter((id) => typeof id === 'string'), read: kept.read ?? {} }
  } catch {
    return first
  }
}
