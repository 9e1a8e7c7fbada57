/**
 * The log of one namespace, for packages that have connections and rooms of their own: events are appended to its rooms, come
 * back in the order of commits, also what others stored, and can be read again. The rooms are those of Roomful's own clients.
 */
import { fromJson, toJson } from '@roomful/protocol'
import type { RoomfulError } from './core/base/errors.ts'
import type { HistoryPage } from './core/log/history.ts'
import type { Namespace } from './core/namespace.ts'
import type { SessionRecord, StoredRow, TakenSession } from './core/ports/broker.ts'
import type { Room } from './core/state/namespace-state.ts'

/** A durable event to be. */
export interface NewRow {
  readonly roomId: string
  readonly type: string
  readonly args: readonly unknown[]
  /** The id of the connection that does not get it. */
  readonly except: string | undefined
}

/** An event that is stored. */
export interface LoggedEvent {
  readonly n: number
  readonly seq: number
  readonly roomId: string
  readonly type: string
  readonly args: readonly unknown[]
  readonly except: string | undefined
}

export interface RoomLogListener {
  /** An event is released, in the order of the log; `own` is what was appended here. */
  onStored(event: LoggedEvent, own?: NewRow): void
  /** Events that other nodes stored in this room may have been missed. */
  onHole(roomId: string): void
  /** Another node has the session now. */
  onTaken(sessionId: string, fence: number): void
}

/** How far a client was, and what it may have missed. */
export interface MissedFrom {
  readonly n: number
  readonly roomIds: readonly string[]
  /** Most events, and most characters of their arguments. */
  readonly events: number
  readonly bytes: number
}

/** One page of what was missed. */
const PAGE = { events: 500, bytes: 1024 * 1024 }

export class RoomLog {
  /** Rejects when the storage cannot be opened. */
  readonly opened: Promise<void>
  private readonly namespace: Namespace
  private readonly watched = new Map<string, { room: Room; count: number }>()
  /** What was appended here, by the list of its arguments. */
  private readonly mine = new WeakMap<readonly unknown[], NewRow>()
  private isOpen = false
  private waiting: (() => void)[] = []

  /**
   * @param opened resolves once the namespace's log is open
   */
  constructor(namespace: Namespace, opened: Promise<void>, { onStored, onHole, onTaken }: RoomLogListener) {
    this.namespace = namespace
    namespace.hook('stored', ({ n, seq, roomId, type, args, except }) => {
      onStored({ n, seq, roomId, type, args, except }, this.mine.get(args))
    })
    namespace.state.beside = { onRow: (row) => onStored(toLogged(row)), onHole, onTaken }
    this.opened = opened.then(() => {
      this.isOpen = true
      const { waiting } = this
      this.waiting = []
      for (const submit of waiting) submit()
    })
  }

  /** Other nodes may share it. */
  get isShared(): boolean {
    return this.namespace.requests.runtime.broker.otherNodes !== undefined
  }

  /**
   * What other nodes store in this room comes from the time that this resolves, until {@link unwatch} is called as often.
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  async watch(roomId: string): Promise<void> {
    if (!this.isShared) return
    await this.opened
    const known = this.watched.get(roomId)
    const room = known?.room ?? this.namespace.rooms.open(roomId)
    if (known) known.count++
    else {
      room.pins++
      this.watched.set(roomId, { room, count: 1 })
    }
    await room.opened
  }

  unwatch(roomId: string): void {
    const known = this.watched.get(roomId)
    if (!known || --known.count > 0) return
    this.watched.delete(roomId)
    known.room.pins--
    this.namespace.rooms.freeIfEmpty(known.room)
  }

  /** Distinguishes this log from any other under its name. */
  get logId(): string {
    return this.namespace.state.logId
  }

  /** The number of the latest commit when the log was opened, or that was seen since. */
  get headN(): number {
    return this.namespace.state.headN
  }

  /**
   * Stores an event. Events are stored in the order of the calls.
   * @param settle called when its turn in the log has come, after it was released; with why it was not stored
   * @throws what `toJson` throws
   */
  append(row: NewRow, settle: (error: RoomfulError | undefined) => void): void {
    // A list of its own: it is how the event is known again.
    const args = [...row.args]
    this.mine.set(args, row)
    const effect = {
      kind: 'append',
      roomId: row.roomId,
      type: row.type,
      args,
      argsJson: toJson(args),
      userId: undefined,
      atomicGroup: undefined,
      aboutSeq: undefined,
      except: row.except,
    } as const
    const submit = (): void =>
      this.namespace.requests.commit.submit({
        effects: [effect],
        key: undefined,
        firstKey: 0,
        ack: undefined,
        origin: undefined,
        apply: () => undefined,
        settle: (_stored, error) => settle(error),
      })
    if (this.isOpen) submit()
    else this.waiting.push(submit)
  }

  /** What these rooms had after commit `n`, in the order of commits. @returns undefined when something of it is gone */
  async missed({ n, roomIds, events, bytes }: MissedFrom): Promise<LoggedEvent[] | undefined> {
    const { broker } = this.namespace.requests.runtime
    const { name } = this.namespace
    const found = await broker.positions(name, n, roomIds)
    if (n > found.n) return undefined
    const isGone = found.positions.some(({ seq }) => seq < 0 || (seq === 0 && n < found.forgottenN))
    if (isGone) return undefined
    let after = found.positions.map(({ roomId, seq }) => ({ roomId, seq }))
    const missed: LoggedEvent[] = []
    let size = 0
    while (after.length > 0) {
      const rows = await broker.read(name, after, PAGE)
      if (rows.length === 0) break
      const reached = new Map(after.map(({ roomId, seq }) => [roomId, seq]))
      for (const row of rows) {
        if (row.seq !== (reached.get(row.roomId) ?? 0) + 1) return undefined // trimmed meanwhile
        reached.set(row.roomId, row.seq)
        size += row.argsJson.length
        if (!row.redacted) missed.push(toLogged(row))
      }
      if (missed.length > events || size > bytes) return undefined
      after = [...reached].map(([roomId, seq]) => ({ roomId, seq }))
    }
    return missed
  }

  /** One page of a room, oldest first. */
  async history(
    roomId: string,
    page: HistoryPage,
  ): Promise<{ events: (LoggedEvent & { ts: number })[]; more: boolean }> {
    await this.opened
    const { events, more } = await this.namespace.requests.runtime.broker.history(this.namespace.name, roomId, page)
    const there = events.filter(({ redacted }) => !redacted)
    return { events: there.map((row) => ({ ...toLogged(row), ts: row.ts })), more }
  }

  /** Written down with the next commit, or soon. */
  saveSession(record: Omit<SessionRecord, 'namespace' | 'userId' | 'rooms'>, ttlMs: number): void {
    const session = { ...record, namespace: this.namespace.name, userId: '', rooms: [] }
    this.namespace.requests.runtime.broker.saveSession(session, ttlMs)
  }

  /** Resolves once what was saved is stored as safely as an event. */
  sessionsStored(): Promise<void> {
    return this.namespace.requests.runtime.broker.sessionsStored()
  }

  async takeSession(id: string): Promise<TakenSession | undefined> {
    await this.opened
    return this.namespace.requests.runtime.broker.takeSession(this.namespace.name, id)
  }

  dropSession(id: string, fence: number | undefined): void {
    this.namespace.requests.runtime.broker.dropSession(this.namespace.name, id, fence)
  }

  /** Everything that was appended is stored and released, or refused. */
  async settled(): Promise<void> {
    await this.opened
    await this.namespace.requests.commit.settled()
  }
}

function toLogged({ n, seq, roomId, type, argsJson, except }: StoredRow): LoggedEvent {
  return { n, seq, roomId, type, args: fromJson(argsJson) as unknown[], except }
}
