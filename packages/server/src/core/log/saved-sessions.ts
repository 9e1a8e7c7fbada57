/**
 * Sessions whose rooms the server brings back, saved as they change: once per turn each, all of a turn together. A client
 * gets the acknowledgement of its join, and what follows it, once its session is stored. So a client that was acknowledged is
 * brought back even if the process is killed in the same moment. D3.
 */

import { toJson } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { Timer } from '../base/timer-wheel.ts'
import type { SessionRecord } from '../ports/broker.ts'
import type { Connection } from '../state/namespace-state.ts'
import { FIRST_FENCE, type Session } from '../state/session.ts'

/** A connection that is open has its session saved for this long: a process that is killed cannot save it at the end. */
const OPEN_SESSION_MS = 24 * 3_600_000
/** A storage that takes longer must not silence its clients: they are answered all the same. */
const CORK_MAX_MS = 1_000
/** Of so many clients that are away the data itself is kept; of the others what JSON says of it. */
const KEPT_MAX = 10_000
/** An application's data that is larger does not outlive the process. */
const DATA_MAX_LENGTH = 64 * 1024

interface Kept {
  readonly data: Record<string, unknown>
  /** Of the session when its client went away. */
  readonly fence: number
  readonly timer: Timer
}

export class SavedSessions {
  private readonly runtime: Runtime
  private changed = new Set<Connection>()
  private corked: Connection[] = []
  private readonly kept = new Map<string, Kept>()

  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  /** Its session began. Another node may take it over before this one notices that the link is cut. */
  begun(connection: Connection): void {
    if (this.outlivesNode(connection)) this.saveWithTurn(connection)
  }

  /** Saves with this turn where a connection is, if the server is to bring it back there. */
  saveSoon(connection: Connection): void {
    if (connection.restoresRooms) this.saveWithTurn(connection)
  }

  private saveWithTurn(connection: Connection): void {
    if (this.changed.size === 0) this.runtime.turn.beforeFlush(() => this.save())
    this.changed.add(connection)
  }

  /** A request was handled: what its handler changed in the connection's data is stored before it is acknowledged. */
  saveData(connection: Connection): void {
    if (!this.outlivesNode(connection) || connection.stage !== 'open') return
    if (!connection.hasData && connection.savedData === undefined) return
    if ((dataJson(connection) ?? undefined) === connection.savedData) return
    this.saveWithTurn(connection)
    this.corkUntilStored(connection)
  }

  /** Whether its session is stored while it is open. */
  private outlivesNode({ session, restoresRooms }: Connection): boolean {
    return restoresRooms || (session !== undefined && this.runtime.broker.otherNodes !== undefined)
  }

  /**
   * Keeps the data itself while its client is away, so that it is the same object when it comes back to this process: JSON
   * cannot say all that an application holds.
   */
  keepData({ session, hasData, data }: Connection): void {
    if (!session || !hasData) return
    this.forgetData(session.id)
    const timer = this.runtime.timers.add(this.runtime.settings.sessionMs, () => this.kept.delete(session.id))
    this.kept.set(session.id, { data, fence: session.fence, timer })
    if (this.kept.size <= KEPT_MAX) return
    for (const oldest of this.kept.keys()) return this.forgetData(oldest)
  }

  /** @param fence of the session now: another node that had it meanwhile may have changed its data */
  keptData(sessionId: string, fence: number | undefined): Record<string, unknown> | undefined {
    const kept = this.kept.get(sessionId)
    return kept?.fence === (fence ?? FIRST_FENCE) ? kept.data : undefined
  }

  forgetData(sessionId: string): void {
    this.runtime.timers.cancel(this.kept.get(sessionId)?.timer)
    this.kept.delete(sessionId)
  }

  /** Also for clients that send their own positions: what changes later is stored later. */
  saveNow(connection: Connection): void {
    const { session, stage } = connection
    if (!session || stage !== 'open') return
    const record = toRecord(session, connection)
    connection.savedData = record.data ?? undefined
    this.runtime.broker.saveSession(record, OPEN_SESSION_MS)
  }

  /** What is queued for this client from now on waits until its changed session is stored. */
  corkUntilStored(connection: Connection): void {
    if (!this.changed.has(connection)) return
    connection.link.cork()
    this.corked.push(connection)
  }

  /** From the turn, before its flush. */
  private save(): void {
    const { changed, corked } = this
    this.changed = new Set()
    this.corked = []
    for (const connection of changed) {
      this.saveNow(connection)
    }
    const [first] = corked
    if (first) this.uncorkWhenStored(corked, first.namespace.name)
  }

  private uncorkWhenStored(corked: readonly Connection[], namespace: string): void {
    const { broker, observer, timers, turn } = this.runtime
    let isOver = false
    const uncork = (): void => {
      if (isOver) return
      isOver = true
      timers.cancel(timer)
      for (const { link } of corked) link.uncork()
      turn.flush()
    }
    const timer = timers.add(CORK_MAX_MS, uncork)
    broker.sessionsStored().then(uncork, (error: unknown) => {
      observer.observe({ type: 'commit:failed', namespace, error })
      uncork()
    })
  }
}

/** @param isFinal the server goes down: nothing more will be sent to the connection, nor to one that would come back for it */
export function toRecord(session: Session, connection: Connection, isFinal = false): SessionRecord {
  const { namespace, restoresRooms, lastTransient } = connection
  const data = dataJson(connection)
  return {
    id: session.id,
    namespace: namespace.name,
    connectionId: connection.id,
    userId: connection.user.sub,
    fence: session.fence,
    rooms: Array.from(connection.memberships.values(), ({ room, joinedAt, since }) => ({
      roomId: room.id,
      epoch: room.epoch,
      seq: joinedAt,
      ...(restoresRooms ? { since } : {}),
    })),
    ...(data === undefined ? {} : { data }),
    ...(restoresRooms
      ? { transients: namespace.transients.marks(connection.session?.since ?? 0, lastTransient, isFinal) }
      : {}),
  }
}

/** @returns nothing where there is none, `null` for what JSON cannot say or a session cannot hold */
function dataJson(connection: Connection): string | null | undefined {
  if (!connection.hasData) return undefined
  try {
    const json = toJson(connection.data)
    return json.length > DATA_MAX_LENGTH ? null : json
  } catch {
    return null // cycles, BigInt
  }
}
