/**
 * Brings a connection back into the rooms of its session, for clients that tell one cursor instead of a position per room.
 * All or nothing: when a single event could not be had any more, the session does not count as recovered, and the client
 * starts afresh and joins again. G4, D3.
 */
import { isPersonalRoom, parseCursor } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { PreparedJoin } from '../log/effects.ts'
import type { SessionRecord } from '../ports/broker.ts'
import { resumeFrom } from '../rooms/joins.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { Namespaces } from './namespaces.ts'

export interface Restored {
  readonly joins: readonly PreparedJoin[]
  /** Rooms that the rules no longer allow. */
  readonly forbidden: readonly string[]
}

type Seat = SessionRecord['rooms'][number]

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
  async prepare(connection: Connection, seats: readonly Seat[], cursor?: string): Promise<Restored | undefined> {
    const { namespace, user } = connection
    const until = cursor === undefined ? undefined : parseCursor(cursor)
    if (cursor !== undefined && until?.logId !== namespace.logId) return undefined
    const own = seats.filter(({ roomId }) => !isPersonalRoom(roomId) || roomId === `user:${user.sub}`)
    const settled = await Promise.allSettled(own.map((seat) => this.prepareOne(connection, seat, until?.n)))
    const restored: Restored = {
      joins: settled.flatMap((each) => (each.status === 'fulfilled' && each.value ? [each.value] : [])),
      forbidden: own.flatMap(({ roomId }, at) => (isForbidden(settled[at]) ? [roomId] : [])),
    }
    const isWhole = restored.joins.length + restored.forbidden.length === own.length
    if (isWhole && restored.joins.every((join) => this.isGapFree(join))) return restored
    this.abandon(restored)
    const broken = settled.find((each) => each.status === 'rejected' && !isForbidden(each))
    if (broken?.status === 'rejected') throw broken.reason
    return undefined
  }

  /** Makes the connection a member again, of all rooms in one breath: what was missed is told in the order of `n`. */
  commit(connection: Connection, { joins, forbidden }: Restored): void {
    const { inboxes, presence, requests } = this.namespaces.of(connection)
    for (const join of joins) {
      const isIn = requests.joins.commit(join) !== undefined
      if (isIn && isPersonalRoom(join.room.id)) inboxes.onEntered(connection, join.room)
    }
    for (const roomId of forbidden) {
      const room = connection.namespace.rooms.get(roomId)
      if (room) presence.endHold(room, connection, 'forbidden')
      requests.access.tellLost(connection, roomId, undefined)
    }
    requests.catchUp.pump(connection)
  }

  abandon({ joins }: Restored): void {
    for (const join of joins) this.namespaces.of(join.connection).requests.joins.abandon(join)
  }

  private async prepareOne(connection: Connection, seat: Seat, n: number | undefined): Promise<PreparedJoin> {
    const { roomId, epoch } = seat
    const { access, joins } = this.namespaces.of(connection).requests
    await access.may(connection, 'join', roomId)
    const seq = n === undefined ? seat.seq : await this.latestUpTo(connection.namespace.name, seat, n)
    return joins.prepareOwn(connection, roomId, { epoch, seq })
  }

  /** The number in a room of the latest event with a commit number up to `n`, or where it was joined; by bisection. */
  private async latestUpTo(namespace: string, { roomId, seq }: Seat, n: number): Promise<number> {
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
    return after !== undefined && resumeFrom(room, after, this.runtime.settings.replayMax).told.recovered === true
  }
}

function isForbidden(result: PromiseSettledResult<unknown> | undefined): boolean {
  return result?.status === 'rejected' && result.reason instanceof RoomfulError && result.reason.code === 'FORBIDDEN'
}
