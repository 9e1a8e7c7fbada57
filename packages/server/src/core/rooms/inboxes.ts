/**
 * The personal room of each user, `user:<id>`: every connection of theirs is in it as soon as it holds anything, and what
 * came while nobody was there is told at the next connect, from the mark up to which it was delivered. B23. A user
 * without private messages costs nothing.
 */
import { inboxOf } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { InboxListener } from '../log/fan-out.ts'
import type { SavedSessions } from '../log/saved-sessions.ts'
import type { Connection, NamespaceState, Room } from '../state/namespace-state.ts'
import type { Joins } from './joins.ts'

const PREFIX = inboxOf('')

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
  /** Who waits for the next event of an inbox without a connection; who adds one bounds them. */
  private readonly watchers = new Map<string, Set<() => void>>()

  constructor(runtime: Runtime, namespace: NamespaceState, { joins, catchUp, savedSessions }: InboxesParts) {
    this.runtime = runtime
    this.namespace = namespace
    this.joins = joins
    this.catchUp = catchUp
    this.savedSessions = savedSessions
  }

  /** A user connected: whatever waits is told now. Guests have a new name each time, so nothing can wait for them. */
  async onConnect(connection: Connection): Promise<void> {
    if (connection.user.guest) return
    const roomId = inboxOf(connection.user.sub)
    const { broker } = this.runtime
    const [head] = await broker.heads(this.namespace.name, [roomId])
    if (!head || head.seq === 0 || connection.stage !== 'open') return
    const mark = Math.max(await broker.mark(this.namespace.name, roomId), this.toldTo(roomId))
    await this.enter(connection, roomId, Math.min(mark, connection.session?.inboxAt ?? mark))
  }

  /** Something was stored in an inbox that is not open: its owner's connections enter it now. */
  onStored(roomId: string): void {
    const online = this.namespace.users.get(roomId.slice(PREFIX.length))
    for (const connection of online?.connections ?? []) {
      this.enterFromMark(connection, roomId).catch((error: unknown) => this.report(connection, error))
    }
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

  /** Its owner's connections are told an event. */
  onReleased(room: Room, seq: number): void {
    let isTold = false
    for (const { members } of room.groups) {
      for (const { connection } of members) {
        isTold ||= isCertain(connection)
        if (confirmsByPong(connection)) connection.link.heartbeat.ask()
      }
    }
    if (isTold) this.markDelivered(room.id, seq)
  }

  /** A connection is in its inbox, and is told what waits there. */
  onEntered(connection: Connection, { id, head }: Room): void {
    if (confirmsByPoll(connection)) return
    // First where it began: what was on its way when the process is killed is told again.
    this.savedSessions.saveNow(connection)
    if (confirmsByPong(connection)) connection.link.heartbeat.ask()
    else if (isCertain(connection)) this.markDelivered(id, head)
  }

  /** Its client knows its session: what it was told until now is its own. */
  onSessionConfirmed(connection: Connection): void {
    if (connection.isSessionConfirmed) return
    connection.isSessionConfirmed = true
    if (!confirms(connection)) this.confirmation(connection)?.()
  }

  /** It left by itself, and will not come back for anything. */
  onGoodbye(connection: Connection): void {
    if (!confirmsByPoll(connection)) this.confirmation(connection)?.()
  }

  /** @returns what marks as delivered all that the connection was told of its inbox until now; nothing outside of it */
  confirmation({ user, memberships, behind }: Connection): (() => void) | undefined {
    const membership = memberships.get(inboxOf(user.sub))
    if (!membership) return undefined
    const { room, position } = membership
    const seq = behind ? position : room.head
    return () => this.markDelivered(room.id, seq)
  }

  /** How far somebody who is here was told: a newcomer hears what comes after that, as with who was here before. */
  private toldTo(roomId: string): number {
    const room = this.namespace.rooms.get(roomId)
    const isTold = room?.groups.some(({ members }) =>
      members.some(
        ({ connection }) => connection.isSessionConfirmed && !connection.behind && confirmsByPong(connection),
      ),
    )
    return room && isTold ? room.head : 0
  }

  /** The inbox was told to somebody, up to `seq`: the next connect begins behind it. */
  private markDelivered(roomId: string, seq: number): void {
    this.runtime.broker.setMark(this.namespace.name, roomId, seq)
  }

  report(connection: Connection, error: unknown): void {
    this.runtime.observer.observe({ type: 'catch-up:failed', connectionId: connection.id, error })
  }

  private async enterFromMark(connection: Connection, roomId: string): Promise<void> {
    await this.enter(connection, roomId, await this.runtime.broker.mark(this.namespace.name, roomId))
  }

  private async enter(connection: Connection, roomId: string, mark: number): Promise<void> {
    if (connection.stage !== 'open' || connection.memberships.has(roomId)) return
    const prepared = await this.joins.prepareOwn(connection, roomId, mark)
    if (connection.memberships.has(roomId)) return this.joins.abandon(prepared)
    if (!this.joins.commit(prepared)) return // gone meanwhile: nothing was told
    this.catchUp.pump(connection)
    this.onEntered(connection, prepared.room)
    this.runtime.turn.endSoon()
  }
}

/** It gets what it is told, or comes back for it. One that never heard that it was let in will come as somebody new. */
function isCertain(connection: Connection): boolean {
  return connection.isSessionConfirmed && !confirms(connection)
}

/** It is told when what was written has reached the client. */
function confirms(connection: Connection): boolean {
  return confirmsByPoll(connection) || confirmsByPong(connection)
}

function confirmsByPoll({ link }: Connection): boolean {
  return link.dialect.confirmsDelivery === true
}

/** Who has a session and comes back without it is told again what never arrived. Others could not tell it from something new. */
function confirmsByPong({ link, session }: Connection): boolean {
  return session !== undefined && link.wire.hasPongs
}
