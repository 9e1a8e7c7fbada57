/**
 * Pages of the log for connections that are behind. Equal reads in flight are shared, since thousands of clients that
 * reconnect at once ask the same, and what one has read is kept in the room's hot tail for the next. P8.
 */
import { RoomEvent } from '../events/event.ts'
import { ENDED, type Ending } from '../events/growing-text.ts'
import type { Broker } from '../ports/broker.ts'
import type { Room } from '../state/namespace-state.ts'

/** One page. V5. */
export const PAGE_EVENTS = 100
export const PAGE_BYTES = 64 * 1024

export type Page = readonly RoomEvent[]

/** A room and the position after which it is read. */
export interface ReadFrom {
  readonly roomId: string
  readonly seq: number
}

/** Whose log it is, and its rooms that are in memory. */
export interface ReadNamespace {
  readonly name: string
  readonly rooms: ReadonlyMap<string, Room>
}

export class SharedReads {
  private readonly broker: Pick<Broker, 'read' | 'history'>
  private readonly reads = new Map<string, Promise<Page>>()

  constructor(broker: Pick<Broker, 'read' | 'history'>) {
    this.broker = broker
  }

  /** The next page after these positions, in the order of `n`. @throws what the broker throws, as a rejection */
  page({ name, rooms }: ReadNamespace, after: readonly ReadFrom[]): Promise<Page> {
    const key = `${name}\n${after.map(({ roomId, seq }) => `${roomId}\n${seq} ${rooms.get(roomId)?.epoch}`).join('\n')}`
    const known = this.reads.get(key)
    if (known) return known
    const tails = after.map(({ roomId }) => {
      const tail = rooms.get(roomId)?.tail
      return { roomId, tail, generation: tail?.generation ?? 0 }
    })
    const read = this.broker
      .read(name, after, { events: PAGE_EVENTS, bytes: PAGE_BYTES })
      .then(async (rows) => {
        const page = rows.map((row) => rooms.get(row.roomId)?.tail.get(row.seq) ?? RoomEvent.fromRow(row))
        const ends = page.filter(({ type, about }) => type === ENDED && about === undefined)
        if (ends.length > 0) await Promise.all(ends.map((event) => this.findMessage(name, event)))
        for (const { roomId, tail, generation } of tails) {
          tail?.warm(
            page.filter(({ stored }) => stored?.roomId === roomId),
            generation,
          )
        }
        return page
      })
      .finally(() => this.reads.delete(key))
    this.reads.set(key, read)
    return read
  }

  /** The message that this event ended, as its row has it now. */
  private async findMessage(namespace: string, event: RoomEvent): Promise<void> {
    const { target } = event.args[0] as Ending
    const { roomId } = event.stored as { roomId: string }
    const { events } = await this.broker.history(namespace, roomId, { after: target - 1, limit: 1 })
    const [row] = events
    if (row?.seq === target && !row.redacted) event.about = RoomEvent.fromRow(row)
  }
}
