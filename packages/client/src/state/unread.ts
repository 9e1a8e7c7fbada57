/**
 * How many messages of others a user has not read, in a list of rooms: counted by the server in one answer, then kept up to date
 * by the messages of rooms that this client is in, and by what the user reads here and on other devices.
 */
import type { Client } from '../client.ts'
import { isPassing, type RoomfulError } from '../errors.ts'
import type { AnyContract } from '../types.ts'

/** Of one room. */
export interface Unread {
  /** Number of the newest event. */
  readonly seq: number
  /** Up to which number the user has read; 0 for never. */
  readonly read: number
  /** Messages of others after that; at most 100 are counted, so show 100 as "99+". */
  readonly unread: number
}

/** Rooms of one request: the most that the server takes. */
const BATCH = 100
/** Between two tries to count, where the server says nothing. */
const RETRY_MS = 1_000
/** What the server counts at most. */
const MAX_COUNTED = 100

const NOTHING: ReadonlyMap<string, Unread> = new Map()

/** Made by {@link unreadOf}. */
export class UnreadStore {
  private readonly client: Client
  private readonly roomIds: readonly string[]
  private readonly listeners = new Set<() => void>()
  private counts: ReadonlyMap<string, Unread> = NOTHING
  private offs: (() => void)[] = []
  private connectionId: string | undefined
  private userId: string | undefined
  private counting: object | undefined

  /** Use {@link unreadOf}. */
  constructor(client: Client, roomIds: readonly string[]) {
    this.client = client
    this.roomIds = [...new Set(roomIds)]
  }

  /** By room; a room is missing until it was counted. A hundred are counted at once, or none of them if this user may not read one. */
  readonly getSnapshot = (): ReadonlyMap<string, Unread> => this.counts

  /** Counts while there is a subscriber. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    if (this.listeners.size === 1) this.open()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.close()
    }
  }

  /** This user has read a room: up to `seq`, or all of it. Waits in the outbox. @throws RoomfulError (rejects) FORBIDDEN, … */
  readonly markRead = async (roomId: string, seq = this.counts.get(roomId)?.seq): Promise<void> => {
    if (seq === undefined) return
    const stored = await this.client.request('room:read', { roomId, seq }, { durable: true })
    this.handleRead(roomId, stored.seq)
  }

  /** Counts again: messages of rooms that this client is not in are not noticed otherwise. */
  readonly refresh = (): void => {
    if (this.listeners.size > 0 && this.client.state.status === 'open') this.count(this.roomIds) // never rejects
  }

  private open(): void {
    const { client } = this
    const rooms = new Set(this.roomIds)
    this.offs = [
      client.subscribe(() => this.handleConnection()),
      client.on('message:new', ({ roomId, userId, seq }) => {
        const known = this.counts.get(roomId)
        if (!known || seq <= known.seq) return
        const unread = known.unread + (userId === this.userId || known.unread >= MAX_COUNTED ? 0 : 1)
        this.put(roomId, { ...known, seq, unread })
      }),
      client.on('room:read', ({ roomId, userId, seq }) => {
        if (userId === this.userId && rooms.has(roomId)) this.handleRead(roomId, seq)
      }),
    ]
    this.handleConnection()
  }

  private close(): void {
    for (const off of this.offs.splice(0)) off()
    this.connectionId = undefined
    this.counting = undefined
  }

  private handleConnection(): void {
    const { state } = this.client
    // A recovered session has the id of the connection before it, so a cut is seen by the state in between.
    const id = state.status === 'open' ? state.connectionId : undefined
    if (id === this.connectionId) return
    this.connectionId = id
    if (state.status === 'open') this.userId = state.user.sub
    this.refresh()
  }

  private handleRead(roomId: string, read: number): void {
    const known = this.counts.get(roomId)
    if (!known || read <= known.read) return
    if (read >= known.seq) this.put(roomId, { ...known, read, unread: 0 })
    else this.count([roomId]) // never rejects
  }

  private async count(roomIds: readonly string[]): Promise<void> {
    const counting = {}
    if (roomIds === this.roomIds) this.counting = counting
    try {
      for (let from = 0; from < roomIds.length; from += BATCH) {
        const batch = roomIds.slice(from, from + BATCH)
        const { rooms } = await this.client.request('room:unread', { roomIds: batch })
        if (this.listeners.size === 0) return
        for (const { roomId, ...counted } of rooms) this.counts = new Map(this.counts).set(roomId, counted)
        this.changed()
      }
    } catch (thrown) {
      const error = thrown as RoomfulError // a request rejects with nothing else
      if (!isPassing(error) || this.client.state.status !== 'open') return
      setTimeout(() => {
        if (roomIds !== this.roomIds || this.counting === counting) this.count(roomIds)
      }, error.retryAfterMs ?? RETRY_MS)
    }
  }

  private put(roomId: string, counted: Unread): void {
    this.counts = new Map(this.counts).set(roomId, counted)
    this.changed()
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener()
  }
}

/**
 * What this user has not read in these rooms, for a page.
 * @example
 * const store = unreadOf(client, ['lobby', 'plans'])
 * const stop = store.subscribe(() => render(store.getSnapshot().get('lobby')?.unread))
 */
export function unreadOf<C extends AnyContract>(client: Client<C>, roomIds: readonly string[]): UnreadStore {
  return new UnreadStore(client as unknown as Client, roomIds)
}
