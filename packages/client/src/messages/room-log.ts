/**
 * The durable events of one room, for code that builds something from them: new events as they happen, and the history page
 * by page, newest page first. While it is open the room is joined.
 */
import type { Client } from '../client.ts'
import type { RoomfulError } from '../errors.ts'
import type { EventMeta, ReceivedEvent } from '../events.ts'
import type { RoomOf as Room } from '../room.ts'

/** What a {@link RoomLog} reads, and what it calls. */
export interface RoomLogOptions {
  readonly client: Client
  readonly roomId: string
  /** Names of the events to read. */
  readonly events: readonly string[]
  /** Applies one event. Pages and new events mix, so order is not guaranteed and an event may come twice. A redacted one has no arguments. */
  readonly apply: (event: ReceivedEvent) => void
  /** Discards what was applied: it is read again. */
  readonly clear: () => void
  /** Events were applied or discarded, or `hasMore`, `loading` or `error` changed. */
  readonly onChange: () => void
}

/** Events per load: the most that the server returns at once. */
const PAGE = 100

/**
 * Reads the log of a room into something of yours.
 * @example
 * const log = new RoomLog({ client, roomId, events: ['bid'], apply: addBid, clear: removeBids, onChange: render })
 * log.open()
 */
export class RoomLog {
  /** There are older events to load. */
  hasMore = true
  /** What loads now: `first`, the newest page; `older`, the page before. */
  loading: 'first' | 'older' | undefined = 'first'
  /** Why the last load failed; the next one clears it. */
  error: RoomfulError | undefined
  private readonly options: RoomLogOptions
  private joinedRoom: Room | undefined
  private offs: (() => void)[] = []
  /** Number of the oldest event that was loaded. */
  private oldest: number | undefined
  /** A request for history is under way. */
  private isLoading = false

  /** Does nothing before {@link open}. */
  constructor(options: RoomLogOptions) {
    this.options = options
  }

  /** The room, while the log is open. */
  get room(): Room | undefined {
    return this.joinedRoom
  }

  /** Joins the room and begins to read. Does nothing when it is open. */
  open(): void {
    if (this.joinedRoom) return
    const { client, roomId, events, apply, onChange } = this.options
    const room = client.room(roomId)
    this.joinedRoom = room
    for (const event of events) {
      this.offs.push(
        room.on(event, (data: unknown, meta: EventMeta) => {
          apply({ event, args: [data], meta })
          onChange()
        }),
      )
    }
    this.offs.push(
      room.onReset(() => this.restart()),
      room.onRedacted((meta) => {
        if (!events.includes(meta.event)) return
        apply({ event: meta.event, args: [], meta })
        onChange()
      }),
      room.subscribe(() => this.loadWhenJoined()),
    )
    this.loadWhenJoined()
  }

  /** Releases the room, and discards what was read: opening it again reads it again. */
  close(): void {
    for (const off of this.offs.splice(0)) off()
    this.joinedRoom?.release()
    this.joinedRoom = undefined
    this.restart()
  }

  /** Loads the page before. Does nothing while a load is under way, or without older events. Never throws: see `error`. */
  loadOlder(): void {
    if (this.hasMore && !this.loading && this.joinedRoom) this.load(this.joinedRoom, 'older')
  }

  /** Events were missed for good: discards what was read, and begins with the newest page again. */
  private restart(): void {
    this.options.clear()
    this.loading = 'first'
    this.hasMore = true
    this.oldest = undefined
    this.options.onChange()
    this.loadWhenJoined()
  }

  private loadWhenJoined(): void {
    const room = this.joinedRoom
    if (!room || this.loading !== 'first' || this.isLoading || room.getSnapshot().status !== 'joined') return
    this.load(room, 'first') // never rejects
  }

  private async load(room: Room, what: 'first' | 'older'): Promise<void> {
    const { events, apply, onChange } = this.options
    this.loading = what
    this.error = undefined
    this.isLoading = true
    onChange()
    const before = what === 'older' ? this.oldest : undefined
    try {
      const page = await room.history({ limit: PAGE, ...(before === undefined ? {} : { before }) })
      if (this.joinedRoom !== room) return
      for (const each of page.events) if (events.includes(each.event)) apply(each)
      this.oldest = page.events[0]?.meta.seq ?? this.oldest
      this.hasMore = page.more
      this.loading = undefined
    } catch (thrown) {
      if (this.joinedRoom !== room) return
      this.error = thrown as RoomfulError // a request rejects with nothing else
      // The first load is repeated after the next join; an older page only by `loadOlder`.
      if (what === 'older') this.loading = undefined
    } finally {
      this.isLoading = false
      onChange()
    }
  }
}
