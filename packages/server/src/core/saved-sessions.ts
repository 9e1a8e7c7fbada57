/**
 * Sessions whose rooms the server brings back, saved as they change: once per turn each, all of a turn together. A client
 * hears the answer to its join, and what follows it, once its session is stored; so whoever was answered is brought back
 * although the process was killed in the same moment. D3.
 */
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'
import { toRecord } from './session.ts'

/** A connection that is open has its session saved for this long: a process that is killed cannot save it at the end. */
const OPEN_SESSION_MS = 24 * 3_600_000
/** A storage that takes longer must not silence its clients: they are answered all the same. */
const HOLD_MAX_MS = 1_000

export class SavedSessions {
  private readonly hub: Hub
  private changed = new Set<Connection>()
  private held: Connection[] = []

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** Saves with this turn where a connection is, if the server is to bring it back there. */
  saveSoon(connection: Connection): void {
    if (!connection.session || !connection.link.dialect.restoresRooms) return
    this.changed.add(connection)
    this.hub.turn.endSoon()
  }

  /** Also of those who tell their positions themselves: what is noted later is stored later. */
  saveNow(connection: Connection): void {
    const { session, stage } = connection
    if (session && stage === 'open') this.hub.broker.saveSession(toRecord(session, connection), OPEN_SESSION_MS)
  }

  /** What is queued for this client from now on waits until its changed session is stored. */
  holdUntilStored(connection: Connection): void {
    if (!this.changed.has(connection)) return
    connection.link.hold()
    this.held.push(connection)
  }

  /** From the turn, before its flush. */
  save(): void {
    if (this.changed.size === 0) return
    const { changed, held } = this
    this.changed = new Set()
    this.held = []
    for (const connection of changed) {
      this.saveNow(connection)
    }
    const [first] = held
    if (first) this.letGoWhenStored(held, first.namespace.name)
  }

  private letGoWhenStored(held: readonly Connection[], namespace: string): void {
    const { broker, observer, timers, turn } = this.hub
    let isOver = false
    const letGo = (): void => {
      if (isOver) return
      isOver = true
      timers.cancel(timer)
      for (const { link } of held) link.letGo()
      turn.flush()
    }
    const timer = timers.add(HOLD_MAX_MS, letGo)
    broker.sessionsStored().then(letGo, (error: unknown) => {
      observer.observe({ type: 'commit:failed', namespace, error })
      letGo()
    })
  }
}
