/** What sockets come back with: kept in memory while they are away, and in the storage for another process. */
import type { RoomLog } from '@roomful/server/core'
import type { Room } from '../adapter.ts'
import type { AnySocket } from '../internal.ts'
import type { Position } from './position.ts'

/** A socket that may come back. */
export interface Session {
  readonly pid: string
  readonly sid: string
  /** Rooms, each with the latest commit when it was joined. */
  readonly rooms: Map<Room, number>
  /** Where it began: its client has no position until it gets something. */
  readonly start: Position
  fence: number | undefined
  /** While it is here, whose data is its data. */
  socket: AnySocket | undefined
  data: unknown
  /** What is stored of it. */
  saved: string | undefined
}

/** In the storage. */
interface SavedSession {
  readonly sid: string
  readonly rooms: readonly (readonly [Room, number])[]
  readonly start: Position
  readonly data: unknown
}

/** Of a session that was never taken over. */
const FIRST_FENCE = 1
/** A socket that is connected is saved for this long: a process that is killed cannot save it at the end. */
const CONNECTED_MS = 24 * 3_600_000
/** Of so many that are away the data itself is kept; of the others what JSON says of it. */
const KEPT_MAX = 10_000
/** Data that is larger does not outlive the process. */
const STATE_MAX_LENGTH = 64 * 1024
/** A storage that takes longer must not silence the clients: they are answered all the same. */
const STORE_MAX_MS = 1_000

export class Sessions {
  /** Of sockets that are here, by their ids. */
  private readonly open = new Map<string, Session>()
  private readonly byPid = new Map<string, Session>()
  /** Of sockets that are away. */
  private readonly away = new Map<string, Session>()
  private readonly changed = new Set<Session>()
  private readonly log: RoomLog
  private readonly awayMs: number
  private isPlanned = false
  /** Something was saved since it was last asked whether everything is stored. */
  private isUnsure = false

  constructor(log: RoomLog, awayMs: number) {
    this.log = log
    this.awayMs = awayMs
  }

  of(socketId: string): Session | undefined {
    return this.open.get(socketId)
  }

  withPid(pid: string): Session | undefined {
    return this.byPid.get(pid)
  }

  begin(session: Session): void {
    this.open.set(session.sid, session)
    this.byPid.set(session.pid, session)
    this.change(session)
  }

  /** It is in other rooms, or began: saved with the next event, or at the end of this turn. */
  change(session: Session): void {
    this.changed.add(session)
    if (this.isPlanned) return
    this.isPlanned = true
    setImmediate(() => {
      this.isPlanned = false
      this.save()
    })
  }

  /** An event of its client was handled: what the handler changed is stored before it is answered. */
  handled({ id }: AnySocket): void {
    const session = this.open.get(id)
    if (!session) return
    if (this.changed.has(session) || stateOf(session) !== session.saved) this.changed.add(session)
    this.save()
  }

  /** Hands over what has changed, before what is appended next. */
  save(): void {
    if (this.changed.size === 0) return
    for (const session of this.changed) this.write(session, CONNECTED_MS)
    this.changed.clear()
    this.isUnsure = true
  }

  /** Resolves once everything that was saved is stored, and the others are there, or when that takes too long. @returns undefined if it is already */
  stored(onError: (error: unknown) => void, others: readonly Promise<void>[]): Promise<void> | undefined {
    if (!this.isUnsure && others.length === 0) return undefined
    this.isUnsure = false
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, STORE_MAX_MS)
      Promise.all([this.log.sessionsStored(), ...others])
        .catch(onError)
        .finally(() => {
          clearTimeout(timer)
          resolve()
        })
    })
  }

  /** Its link is cut. */
  leave(socketId: string): void {
    const session = this.end(socketId)
    if (!session) return
    this.away.delete(session.pid)
    this.away.set(session.pid, session)
    for (const oldest of this.away.keys()) {
      if (this.away.size <= KEPT_MAX) break
      this.away.delete(oldest)
    }
    this.write(session, this.awayMs)
    setTimeout(() => this.away.get(session.pid) === session && this.away.delete(session.pid), this.awayMs).unref()
  }

  /** It will not come back. */
  drop(socketId: string): void {
    const session = this.end(socketId)
    if (session) this.log.dropSession(session.pid, session.fence ?? FIRST_FENCE)
  }

  /** From now on it is this process's. @returns undefined for one that is unknown, or whose data was lost */
  async take(pid: string): Promise<{ readonly session: Session; readonly isHere: boolean } | undefined> {
    this.save()
    const taken = await this.log.takeSession(pid)
    if (!taken) return undefined
    const { data: state, fence } = taken.record
    const here = taken.wasHere ? this.away.get(pid) : undefined
    if (here) return { session: { ...here, rooms: new Map(here.rooms), fence }, isHere: true }
    if (typeof state !== 'string') return undefined
    const { sid, rooms, start, data } = JSON.parse(state) as SavedSession
    const session = { pid, sid, rooms: new Map(rooms), start, fence, socket: undefined, data, saved: state }
    return { session, isHere: false }
  }

  /** Another node has it. @returns the socket that had it here */
  taken(pid: string, fence: number): AnySocket | undefined {
    this.away.delete(pid)
    const session = this.byPid.get(pid)
    return session && (session.fence ?? FIRST_FENCE) < fence ? session.socket : undefined
  }

  /** It is back. */
  resumed(session: Session): void {
    this.away.delete(session.pid)
    this.begin(session)
  }

  private end(socketId: string): Session | undefined {
    const session = this.open.get(socketId)
    if (!session) return undefined
    this.open.delete(socketId)
    this.byPid.delete(session.pid)
    this.changed.delete(session)
    session.data = session.socket?.data
    session.socket = undefined
    return session
  }

  private write(session: Session, ttlMs: number): void {
    const { pid: id, sid: connectionId, fence } = session
    session.saved = stateOf(session)
    this.log.saveSession({ id, connectionId, fence: fence ?? FIRST_FENCE, data: session.saved ?? null }, ttlMs)
  }
}

/** @returns undefined for what JSON cannot say, or a session cannot hold */
function stateOf({ sid, rooms, start, socket, data: kept }: Session): string | undefined {
  const data = socket ? socket.data : kept
  const names = [...rooms.keys()]
  if (names.some((room) => typeof room !== 'string' && typeof room !== 'number')) return undefined
  try {
    const state = JSON.stringify({ sid, rooms: [...rooms], start, data } satisfies SavedSession)
    return state.length > STATE_MAX_LENGTH ? undefined : state
  } catch {
    return undefined // cycles, BigInt
  }
}
