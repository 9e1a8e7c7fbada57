/**
 * Decides where a read runs. A short one near the newest events runs on this thread: its pages are in memory, so it costs
 * less than a request to the worker. One that reaches far back may wait for the disk, so it runs in the worker.
 */
import type { HistoryRows, ReadLimits, StoredRow } from '../../../../core/ports/broker.ts'
import { type HistoryPage, spanOf } from '../../common/reading.ts'
import type { SqliteBackground } from './background.ts'
import type { SqliteNamespaces } from './namespaces.ts'
import type { RoomPosition } from './queries.ts'

/** Events from the newest that count as near. */
const NEAR = 1000
const SHORT = { rooms: 64, events: 256, bytes: 1024 ** 2 }

export class SqliteReader {
  private readonly background: SqliteBackground
  private readonly namespaces: SqliteNamespaces

  constructor(background: SqliteBackground, namespaces: SqliteNamespaces) {
    this.background = background
    this.namespaces = namespaces
  }

  async read(
    name: string,
    after: readonly { roomId: string; seq: number }[],
    limits: ReadLimits,
  ): Promise<StoredRow[]> {
    const { rooms } = this.namespaces.get(name)
    const positions: RoomPosition[] = []
    let isHere = after.length <= SHORT.rooms && limits.events <= SHORT.events && limits.bytes <= SHORT.bytes
    for (const { roomId, seq } of after) {
      const room = rooms.find(roomId)
      if (room === undefined || seq >= room.seq) continue
      positions.push({ room: room.id, roomId, seq: Math.max(seq, room.first - 1) })
      if (seq < room.seq - NEAR) isHere = false
    }
    if (positions.length === 0) return []
    const request = { kind: 'read', after: positions, limits } as const
    return isHere ? this.background.runHere(request) : this.background.request(request)
  }

  async history(name: string, roomId: string, page: HistoryPage): Promise<HistoryRows> {
    const { rooms } = this.namespaces.get(name)
    const room = rooms.find(roomId)
    if (room === undefined) return { events: [], more: false }
    const { epoch } = rooms.toHead(room)
    const { from, to, more } = spanOf(page, room.first, room.seq)
    if (to < from) return { events: [], more, epoch }
    const request = { kind: 'span', room: room.id, roomId, from, to } as const
    const isHere = from >= room.seq - NEAR && to - from < SHORT.events
    return { events: isHere ? this.background.runHere(request) : await this.background.request(request), more, epoch }
  }
}
