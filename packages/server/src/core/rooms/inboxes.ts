/**
 * The personal room of each user, `user:<id>`, with private messages and notifications. Every connection of the user is in
 * it as soon as it holds anything. A mark says up to where it was delivered; a user who was away gets what comes after it at
 * the next connect. B23. A user without such events costs nothing.
 */
import { inboxOf } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { InboxListener } from '../log/fan-out.ts'
import type { SavedSessions } from '../log/saved-sessions.ts'
import type { Connection, NamespaceState, Room } from '../state/namespace-state.ts'
import type { Joins } from './joins.ts'

const PREFIX = inboxOf('')
/** Until an inbox is entered again that could not be read: what waits there must not be lost to a log that was away. */
const RETRY_MS = 1_000

interface InboxesParts {
  readonly joins: Joins
  readonly catchUp: CatchUp
  readonly savedSessions: SavedSessions
}

export class Inboxes implements InboxListener {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly joins: Joins
  private readonly catchUp: CatchUp
  private readonly savedSessions: SavedSessions
  /** Connections that do not know yet what waits for them. */
  private readonly looking = new WeakSet<Connection>()
  /** Called at the next event of an inbox, by room: for polls without a connection. Bounded by their caller. */
  private readonly watchers = new Map<string, Set<() => void>>()

  constructor(runtime: Runtime, namespace: NamespaceState, { joins, catchUp, savedSessions }: InboxesParts) {
    this.runtime = runtime
    this.namespace = namespace
    this.joins = joins
    this.catchUp = catchUp
    this.savedSessions = savedSessions
  }

  /** A user connected: sends what waits. Guests have a new id each time, so nothing can wait for them. */
  onConnect(connection: Connection): void {
    if (connection.user.guest) return
    this.looking.add(connection)
    this.untilDone(connection, async () => {
      await this.enterBehindMark(connection)
      this.looking.delete(connection)
    })
  }

  /** Events of other nodes may have been missed. In an inbox that was empty, and is not open here, only the log shows them. */
  onBreak(): void {
    const { name, rooms, users } = this.namespace
    const roomIds = Array.from(users.keys(), inboxOf).filter((roomId) => !rooms.has(roomId))
    if (roomIds.length === 0) return
    this.runtime.broker.heads(name, roomIds).then(
      (heads) => {
        for (const { roomId, seq } of heads) if (seq > 0) this.enterAll(roomId, (connection) => this.enterAtStart(connection, roomId)) // biome-ignore format: one call
      },
      (error: unknown) => {
        this.runtime.observer.observe({ type: 'commit:failed', namespace: name, error })
        this.runtime.timers.add(RETRY_MS, () => this.onBreak())
      },
    )
  }

  private async enterBehindMark(connection: Connection): Promise<void> {
    const roomId = inboxOf(connection.user.sub)
    const { broker } = this.runtime
    // What is stored before that is in the log, and what is stored after it is sent here.
    const untilKnown = this.namespace.users.get(connection.user.sub)?.untilKnown
    if (untilKnown) await untilKnown
    const [head] = await broker.heads(this.namespace.name, [roomId])
    if (!head || head.seq === 0 || connection.stage !== 'open') return
    const mark = Math.max(await broker.mark(this.namespace.name, roomId), this.deliveredTo(roomId))
    await this.enter(connection, roomId, Math.min(mark, connection.session?.inboxAt ?? mark))
  }

  /** Something was stored in an inbox that is not open: its owner's connections enter it now. */
  onStored(roomId: string, seq: number): void {
    this.enterAll(roomId, (connection) => this.enterFor(connection, roomId, seq))
  }

  /** Calls `wake` whenever something is stored in this inbox, and when the server ends. @returns what ends it */
  watch(roomId: string, wake: () => void): () => void {
    const watching = this.watchers.get(roomId) ?? new Set()
    this.watchers.set(roomId, watching.add(wake))
    return () => {
      if (watching.delete(wake) && watching.size === 0) this.watchers.delete(roomId)
    }
  }

  wake(roomId: string): void {
    if (this.watchers.size === 0) return
    for (const wake of [...(this.watchers.get(roomId) ?? [])]) wake()
  }

  wakeAll(): void {
    for (const roomId of [...this.watchers.keys()]) this.wake(roomId)
  }

  /** An event was sent to the owner's connections. */
  onReleased(room: Room, seq: number): void {
    let isDelivered = false
    for (const { members } of room.groups) {
      for (const { connection } of members) {
        isDelivered ||= isCertain(connection)
        if (confirmsByPong(connection)) connection.link.heartbeat.confirmSoon()
      }
    }
    if (isDelivered) this.markDelivered(room, seq)
  }

  /** A connection joined its inbox, and what waits there was queued for it. */
  onEntered(connection: Connection, room: Room): void {
    if (confirmsByPoll(connection)) return
    // First save where it began: if the process is killed, what was on its way is sent again.
    this.savedSessions.saveNow(connection)
    if (confirmsByPong(connection)) connection.link.heartbeat.confirmSoon()
    else if (isCertain(connection)) this.markDelivered(room, room.head)
  }

  /** Its client knows its session, so it can resume: what was sent until now counts as delivered. */
  onSessionConfirmed(connection: Connection): void {
    if (connection.isSessionConfirmed) return
    connection.isSessionConfirmed = true
    if (!confirms(connection)) this.confirmation(connection)?.()
  }

  /** It was closed for good and will not resume. */
  onGoodbye(connection: Connection): void {
    if (!confirmsByPoll(connection)) this.confirmation(connection)?.()
  }

  /** @returns marks as delivered what the connection was sent of its inbox until now; nothing when it is not in it */
  confirmation({ user, memberships, behind }: Connection): (() => void) | undefined {
    const membership = memberships.get(inboxOf(user.sub))
    if (!membership) return undefined
    const { room, position } = membership
    const seq = behind ? position : room.head
    const { epoch } = room
    return () => this.markDelivered({ id: room.id, epoch }, seq)
  }

  /** Up to where a connection of the user has the inbox; a new connection gets what comes after that. */
  private deliveredTo(roomId: string): number {
    const room = this.namespace.rooms.get(roomId)
    const isDelivered = room?.groups.some(({ members }) =>
      members.some(
        ({ connection }) => connection.isSessionConfirmed && !connection.behind && confirmsByPong(connection),
      ),
    )
    return room && isDelivered ? room.head : 0
  }

  /** The inbox was delivered up to `seq`: the next connection starts after it. */
  private markDelivered({ id, epoch }: Pick<Room, 'id' | 'epoch'>, seq: number): void {
    this.runtime.broker.setMark(this.namespace.name, id, seq, epoch)
  }

  private enterAll(roomId: string, enter: (connection: Connection) => Promise<void>): void {
    const online = this.namespace.users.get(roomId.slice(PREFIX.length))
    for (const connection of online?.connections ?? []) this.untilDone(connection, () => enter(connection))
  }

  /** Nothing was there when it connected, so all of it is new. */
  private async enterAtStart(connection: Connection, roomId: string): Promise<void> {
    if (!this.looking.has(connection)) await this.enter(connection, roomId, 0)
  }

  /** Tries again while the connection is open. */
  private untilDone(connection: Connection, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      this.runtime.observer.observe({ type: 'catch-up:failed', connectionId: connection.id, error })
      this.runtime.timers.add(RETRY_MS, () => connection.stage === 'open' && this.untilDone(connection, work))
    })
  }

  /** On another node a connection of the same user may have confirmed the event already: it is still new to this one. */
  private async enterFor(connection: Connection, roomId: string, seq: number): Promise<void> {
    const mark = await this.runtime.broker.mark(this.namespace.name, roomId)
    await this.enter(connection, roomId, Math.min(mark, seq - 1))
  }

  private async enter(connection: Connection, roomId: string, mark: number): Promise<void> {
    if (connection.stage !== 'open' || connection.memberships.has(roomId)) return
    const prepared = await this.joins.prepareOwn(connection, roomId, mark)
    if (connection.memberships.has(roomId)) return this.joins.abandon(prepared)
    if (!this.joins.commit(prepared)) return // gone meanwhile: nothing was sent
    this.catchUp.pump(connection)
    this.onEntered(connection, prepared.room)
    this.runtime.turn.endSoon()
  }
}

/** It receives what is sent, or resumes. A client that does not know its session yet would come back as a new one. */
function isCertain(connection: Connection): boolean {
  return connection.isSessionConfirmed && !confirms(connection)
}

/** It says when what was written has reached the client. */
function confirms(connection: Connection): boolean {
  return confirmsByPoll(connection) || confirmsByPong(connection)
}

function confirmsByPoll({ link }: Connection): boolean {
  return link.dialect.confirmsDelivery === true
}

/** What never arrived is sent again to a client with a session; others could not tell a repeat from a new event. */
function confirmsByPong({ link, session }: Connection): boolean {
  return session !== undefined && link.wire.hasPongs
}
