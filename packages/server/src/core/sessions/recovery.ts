/**
 * Brings a connection back into the rooms of its session, for clients that give one cursor instead of a position per room.
 * All or nothing: when a single event could not be had any more, the session does not count as recovered, and the client
 * starts over and joins again. G4, D3.
 */
import { inboxOf, isPersonalRoom } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { RoomEvent } from '../events/event.ts'
import type { PreparedJoin } from '../log/effects.ts'
import type { SessionRecord } from '../ports/broker.ts'
import { resumeFrom } from '../rooms/joins.ts'
import type { Connection } from '../state/namespace-state.ts'
import { parseOffset } from '../state/transients.ts'
import type { Namespaces } from './namespaces.ts'

export interface Restored {
  readonly joins: readonly PreparedJoin[]
  /** Rooms that the rules no longer allow. */
  readonly forbidden: readonly string[]
  /** Transient events behind this one are to be sent. */
  readonly transientsFrom: number
  readonly positions: readonly SavedPosition[]
}

type SavedPosition = SessionRecord['rooms'][number]

export class Recovery {
  private readonly runtime: Runtime
  private readonly namespaces: Namespaces

  constructor(runtime: Runtime, namespaces: Namespaces) {
    this.runtime = runtime
    this.namespaces = namespaces
  }

  /**
   * @param cursor of the latest event that the client got; without one it got nothing since it joined
   * @returns nothing when the cursor is not one of this log, or something is missing
   */
  async prepare(connection: Connection, record: SessionRecord, cursor?: string): Promise<Restored | undefined> {
    const { namespace, user } = connection
    const until = cursor === undefined ? undefined : parseOffset(cursor)
    if (until && until.logId !== namespace.logId) await this.runtime.broker.heads(namespace.name, []) // it may be a newer one
    if (cursor !== undefined && until?.logId !== namespace.logId) return undefined
    await namespace.transients.lookAgain(record)
    const transientsFrom = namespace.transients.resumeFrom(record, until)
    if (transientsFrom === undefined) return undefined
    const positions = record.rooms
    const own = positions.filter(({ roomId }) => !isPersonalRoom(roomId) || roomId === `user:${user.sub}`)
    const settled = await Promise.allSettled(own.map((saved) => this.prepareOne(connection, saved, until?.n)))
    const restored: Restored = {
      joins: settled.flatMap((each) => (each.status === 'fulfilled' && each.value ? [each.value] : [])),
      forbidden: own.flatMap(({ roomId }, at) => (isRefused(settled[at], 'FORBIDDEN') ? [roomId] : [])),
      ...{ transientsFrom, positions },
    }
    // Its commits may be others by now.
    const isOther = until !== undefined && until.logId !== namespace.logId
    const isWhole = !isOther && restored.joins.length + restored.forbidden.length === own.length
    if (isWhole && restored.joins.every((join) => this.isGapFree(join))) return restored
    this.abandon(restored)
    // A seat that was given away is no fault: the client starts over, and is refused in that room alone.
    const broken = settled.find((each) => each.status === 'rejected' && !isRefused(each, 'FORBIDDEN', 'ROOM_FULL'))
    if (broken?.status === 'rejected') throw broken.reason
    return undefined
  }

  /** Whether what was prepared is still complete: transient events are kept for a while only. */
  isWhole({ namespace }: Connection, { transientsFrom }: Restored): boolean {
    return namespace.transients.has(transientsFrom)
  }

  /** Makes the connection a member again, of all rooms at once: what was missed is sent in the order of `n`. */
  commit(connection: Connection, restored: Restored): void {
    const { joins, forbidden } = restored
    const missed = this.missedTransients(connection, restored)
    const { inboxes, presence, requests } = this.namespaces.of(connection)
    for (const join of joins) {
      const isIn = requests.joins.commit(join) !== undefined
      if (isIn && isPersonalRoom(join.room.id)) inboxes.onEntered(connection, join.room)
    }
    for (const roomId of forbidden) {
      const room = connection.namespace.rooms.get(roomId)
      if (room) presence.endGrace(room, connection, 'forbidden')
      requests.access.notifyLost(connection, roomId, undefined)
    }
    requests.catchUp.sendMissed(connection, missed)
    connection.lastTransient = missed.at(-1)?.place?.serial ?? connection.lastTransient
    requests.catchUp.pump(connection)
  }

  private missedTransients(connection: Connection, { joins, transientsFrom, positions }: Restored): RoomEvent[] {
    const { id, namespace, user } = connection
    const since = new Map(positions.map((saved) => [saved.roomId, saved.since ?? 0]))
    const rooms = new Set(joins.map(({ room }) => room.id))
    const own = [id, inboxOf(user.sub)]
    return namespace.transients.after(transientsFrom, ({ rooms: targets, except }, serial) => {
      if (except.some((name) => own.includes(name) || rooms.has(name))) return false
      return targets?.some((name) => own.includes(name) || (rooms.has(name) && serial > (since.get(name) ?? 0))) ?? true
    })
  }

  abandon({ joins }: Restored): void {
    for (const join of joins) this.namespaces.of(join.connection).requests.joins.abandon(join)
  }

  private async prepareOne(connection: Connection, saved: SavedPosition, n: number | undefined): Promise<PreparedJoin> {
    const { roomId, epoch } = saved
    const { access, joins } = this.namespaces.of(connection).requests
    await access.may(connection, 'join', roomId)
    const seq = n === undefined ? saved.seq : await this.latestUpTo(connection.namespace.name, saved, n)
    return joins.prepareOwn(connection, roomId, { epoch, seq })
  }

  /** The number in a room of the latest event with a commit number up to `n`, or where it was joined; by bisection. */
  private async latestUpTo(namespace: string, { roomId, seq }: SavedPosition, n: number): Promise<number> {
    const [head] = await this.runtime.broker.heads(namespace, [roomId])
    if (!head) return seq
    let known = seq
    let end = Math.max(head.seq, seq)
    let probe = end // most often nothing was missed
    while (known < end) {
      const { events } = await this.runtime.broker.history(namespace, roomId, { after: probe - 1, limit: 1 })
      const [row] = events
      if (row && row.n <= n) known = row.seq
      else end = probe - 1
      probe = known + Math.ceil((end - known) / 2)
    }
    return known
  }

  private isGapFree({ room, after }: PreparedJoin): boolean {
    return after !== undefined && resumeFrom(room, after, this.runtime.settings.replayMax).ack.recovered === true
  }
}

function isRefused(result: PromiseSettledResult<unknown> | undefined, ...codes: readonly string[]): boolean {
  return result?.status === 'rejected' && result.reason instanceof RoomfulError && codes.includes(result.reason.code)
}
