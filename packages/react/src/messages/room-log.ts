/**
 * The durable events of one room, for whoever makes something of them: what happens from now on, and the past page by page,
 * the latest page first. While it is open the room is held.
 */
import type { Client, EventMeta, ReceivedEvent, Room, RoomfulError } from '@roomful/client'

export interface RoomLogOptions {
  readonly client: Client
  readonly roomId: string
  /** Names of the events that are wanted. */
  readonly events: readonly string[]
  /** Takes one event, in whatever order pages and live events bring them, and maybe twice. A redacted one has no arguments. */
  readonly apply: (event: ReceivedEvent) => void
  /** Forgets what was applied: it comes again. */
  readonly clear: () => void
  /** Something was applied or cleared, or there is more to load, or less. */
  readonly onChange: () => void
}

/** Events per load, the most that the server gives at once. */
const PAGE = 100

export class RoomLog {
  /** There are older ones to load. */
  hasMore = true
  /** `first`: nothing is there yet; `older`: what lies before. */
  loading: 'first' | 'older' | undefined = 'first'
  /** Why the last load failed; the next one clears it. */
  error: RoomfulError | undefined
  private readonly options: RoomLogOptions
  private heldRoom: Room | undefined
  private offs: (() => void)[] = []
  /** Number of the oldest event that was loaded. */
  private oldest: number | undefined
  /** History is being asked for. */
  private isAsking = false

  constructor(options: RoomLogOptions) {
    this.options = options
  }

  /** While it is open. */
  get room(): Room | undefined {
    return this.heldRoom
  }

  open(): void {
    if (this.heldRoom) return
    const { client, roomId, events, apply, onChange } = this.options
    const room = client.room(roomId)
    this.heldRoom = room
    for (const event of events) {
      this.offs.push(
        room.on(event, (data: unknown, meta: EventMeta) => {
          apply({ event, args: [data], meta })
          onChange()
        }),
      )
    }
    this.offs.push(
      room.onReset(() => this.startAgain()),
      room.onRedacted((meta) => {
        if (!events.includes(meta.event)) return
        apply({ event: meta.event, args: [], meta })
        onChange()
      }),
      room.subscribe(() => this.loadWhenJoined()),
    )
    this.loadWhenJoined()
  }

  /** Without the room nothing tells what happens meanwhile: whoever opens it again has it loaded again. */
  close(): void {
    for (const off of this.offs.splice(0)) off()
    this.heldRoom?.release()
    this.heldRoom = undefined
    this.startAgain()
  }

  /** Loads what lies before; nothing happens while that is under way, or when there is nothing. Never rejects. */
  loadOlder(): void {
    if (this.hasMore && !this.loading && this.heldRoom) this.load(this.heldRoom, 'older')
  }

  /** Something was missed for good: what is there now is loaded as if it were the first time. */
  private startAgain(): void {
    this.options.clear()
    this.loading = 'first'
    this.hasMore = true
    this.oldest = undefined
    this.options.onChange()
    this.loadWhenJoined()
  }

  private loadWhenJoined(): void {
    const room = this.heldRoom
    if (!room || this.loading !== 'first' || this.isAsking || room.getSnapshot().status !== 'joined') return
    this.load(room, 'first') // never rejects
  }

  private async load(room: Room, what: 'first' | 'older'): Promise<void> {
    const { events, apply, onChange } = this.options
    this.loading = what
    this.error = undefined
    this.isAsking = true
    onChange()
    const before = what === 'older' ? this.oldest : undefined
    try {
      const page = await room.history({ limit: PAGE, ...(before === undefined ? {} : { before }) })
      if (this.heldRoom !== room) return
      for (const each of page.events) if (events.includes(each.event)) apply(each)
      this.oldest = page.events[0]?.meta.seq ?? this.oldest
      this.hasMore = page.more
      this.loading = undefined
    } catch (thrown) {
      if (this.heldRoom !== room) return
      this.error = thrown as RoomfulError // a request rejects with nothing else
      // The first load begins again by itself when the room is joined anew; an older page is asked for by whoever wants it.
      if (what === 'older') this.loading = undefined
    } finally {
      this.isAsking = false
      onChange()
    }
  }
}
