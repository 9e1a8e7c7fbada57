/**
 * Sessions whose rooms the server brings back, saved as they change: once per turn each, all of a turn together. A client
 * hears the answer to its join, and what follows it, once its session is stored; so whoever was answered is brought back
 * although the process was killed in the same moment. D3.
 */

import type { Runtime } from '../base/runtime.ts'
import type { SessionRecord } from '../ports/broker.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { Session } from '../state/session.ts'

/** A connection that is open has its session saved for this long: a process that is killed cannot save it at the end. */
const OPEN_SESSION_MS = 24 * 3_600_000
/** A storage that takes longer must not silence its clients: they are answered all the same. */
const CORK_MAX_MS = 1_000

export class SavedSessions {
  private readonly runtime: Runtime
  private changed = new Set<Connection>()
  private corked: Connection[] = []

  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  /** Saves with this turn where a connection is, if the server is to bring it back there. */
  saveSoon(connection: Connection): void {
    if (!connection.session || !connection.link.dialect.restoresRooms) return
    this.changed.add(connection)
    this.runtime.turn.endSoon()
  }

  /** Also of those who tell their positions themselves: what is noted later is stored later. */
  saveNow(connection: Connection): void {
    const { session, stage } = connection
    if (session && stage === 'open') this.runtime.broker.saveSession(toRecord(session, connection), OPEN_SESSION_MS)
  }

  /** What is queued for this client from now on waits until its changed session is stored. */
  corkUntilStored(connection: Connection): void {
    if (!this.changed.has(connection)) return
    connection.link.cork()
    this.corked.push(connection)
  }

  /** From the turn, before its flush. */
  save(): void {
    if (this.changed.size === 0) return
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

export function toRecord(session: Session, connection: Connection): SessionRecord {
  return {
    id: session.id,
    namespace: connection.namespace.name,
    connectionId: connection.id,
    userId: connection.user.sub,
    rooms: Array.from(connection.memberships.values(), ({ room, joinedAt }) => ({
      roomId: room.id,
      epoch: room.epoch,
      seq: joinedAt,
    })),
  }
}
