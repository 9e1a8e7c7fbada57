/**
 * Sends events to their members. The loops here are the hottest lines of the server: one encode per group, one push per
 * member, nothing else. Nothing that they call can change a room, so a client that goes away meanwhile does no harm (A3.1).
 */
import { isInbox, isPersonalRoom } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import { isGrowing } from '../events/growing-text.ts'
import { mayBeLeftOut } from '../state/flow.ts'
import type { Connection, Group, IsFor, NamespaceState, Room } from '../state/namespace-state.ts'
import type { CatchUp } from './catch-up.ts'
import { type Audience, EVERYONE } from './effects.ts'
import { ForEveryone } from './for-everyone.ts'
import { RoomStates } from './room-state.ts'
import { Texts } from './texts.ts'

/** Sends what is in no log to one connection, whether it is live or behind. */
export class Delivery {
  private readonly runtime: Runtime
  private readonly catchUp: CatchUp

  constructor(runtime: Runtime, catchUp: CatchUp) {
    this.runtime = runtime
    this.catchUp = catchUp
  }

  send(connection: Connection, event: RoomEvent, audience: Audience): void {
    if (connection.stage !== 'open') return
    const bytes = event.encoded(connection.link.dialect.encoding(connection.channel))
    if (bytes === undefined) return
    if (connection.behind !== undefined) this.sendBehind(connection, event, audience, bytes)
    else connection.link.send(bytes)
    if (event.place !== undefined) connection.lastTransient = event.place.serial
  }

  /** To a connection that reads from the log: a volatile event is dropped, or kept as the latest of its key. */
  sendBehind(connection: Connection, event: RoomEvent, audience: Audience, bytes: Uint8Array): void {
    if (audience.volatile) this.catchUp.keepLatest(connection, event, audience.latestKey)
    else if (event.place !== undefined && connection.restoresRooms) this.catchUp.keepTransient(connection, event)
    else connection.link.send(bytes) // never dropped silently; the link bounds what waits
  }

  /** An event of Roomful itself for one connection. */
  notify(connection: Connection, type: string, data: Record<string, unknown>): void {
    this.send(connection, RoomEvent.transient(type, [data], true), EVERYONE)
    this.runtime.turn.endSoon()
  }
}

/** Receives every event that is stored in the room of a single user. */
export interface InboxListener {
  wake(roomId: string): void
  /** Stored in an inbox that is not open. */
  onStored(roomId: string, seq: number): void
  onReleased(room: Room, seq: number): void
}

export class FanOut {
  readonly texts: Texts
  readonly states: RoomStates
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly catchUp: CatchUp
  private readonly delivery: Delivery
  private readonly inboxes: InboxListener
  private forEveryone: ForEveryone | undefined

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    { catchUp, delivery, inboxes }: { catchUp: CatchUp; delivery: Delivery; inboxes: InboxListener },
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.catchUp = catchUp
    this.delivery = delivery
    this.inboxes = inboxes
    this.texts = new Texts(runtime, namespace, (room, event) => this.deliver(room, event))
    this.states = new RoomStates(runtime, namespace, (room, event) => this.deliver(room, event))
  }

  /**
   * A durable event, once, whichever source is first: numbers that were released are ignored. A hole puts the members
   * behind, so that it is read from the log before they get anything later. G1, G4.
   */
  release(event: RoomEvent): void {
    const stored = event.stored
    if (!stored) return
    this.namespace.headN = Math.max(this.namespace.headN, stored.n)
    const room = this.namespace.rooms.get(stored.roomId)
    const isOfInbox = room === undefined ? isInbox(stored.roomId) : room.isInbox
    if (isOfInbox) this.inboxes.wake(stored.roomId)
    if (room === undefined) return isOfInbox ? this.inboxes.onStored(stored.roomId, stored.seq) : undefined
    if (stored.seq <= room.head) return
    if (isOfInbox) this.inboxes.onReleased(room, stored.seq)
    const isWhole = this.texts.releasing(room, event)
    const isNext = stored.seq === room.head + 1 && room.state === 'open' && isWhole
    room.headN = Math.max(room.headN, stored.n)
    if (!isNext) {
      if (isWhole) room.tail.push(event, stored.seq)
      else room.tail.clear(stored.seq)
      if (room.state === 'open') {
        if (stored.seq !== room.head + 1) this.namespace.beside?.onHole(room.id)
        this.catchUp.onHole(room)
        this.texts.readAgain(room)
      }
      room.head = stored.seq
      return
    }
    room.head = stored.seq
    const isSentToAll = this.deliver(room, event)
    event.dropArgs()
    // Those who are behind read it before long; a classic client must not be sent what is its own.
    const isRowEnough = isSentToAll && !room.hasClassicMembers() && event.about === undefined && !isGrowing(event)
    room.tail.push(isRowEnough ? stored : event, stored.seq)
  }

  /**
   * To every member that is live; those behind read it from the log, or find a volatile one kept or gone.
   * @returns whether no member is behind
   */
  deliver(room: Room, event: RoomEvent, audience?: Audience): boolean {
    let deliveries = 0
    let isSentToAll = true
    for (const group of room.groups) {
      const bytes = event.encoded(group.encoding)
      if (bytes === undefined) continue
      const members = group.members
      if (group.sampler && this.hold(group, event, audience)) {
        isSentToAll = false // its bytes are needed again
        continue
      }
      deliveries += members.length
      const skip = group.view === 'classic' ? (event.origin ?? event.stored?.except) : event.stored?.except
      for (let i = 0; i < members.length; i++) {
        const connection = (members[i] as { connection: Connection }).connection
        if (connection.behind !== undefined) {
          isSentToAll = false
          if (audience) this.delivery.sendBehind(connection, event, audience, bytes)
        } else if (skip === undefined || connection.id !== skip) connection.link.send(bytes)
        if (event.place !== undefined) connection.lastTransient = event.place.serial
      }
    }
    this.runtime.observer.observe({ type: 'fan-out', deliveries, encoded: room.groups.length })
    return isSentToAll
  }

  /**
   * Members with a sampler get the latest of each key every so often: the first at the end of this turn.
   * @returns false when the event has to be sent now
   */
  private hold(group: Group, event: RoomEvent, audience?: Audience, isFor?: IsFor): boolean {
    const { sampler } = group
    if (!sampler || !mayBeLeftOut(event)) return false
    const { clock, timers, turn } = this.runtime
    sampler.hold(event, audience?.latestKey, isFor)
    if (sampler.cancel) return true
    const waitMs = sampler.sentAtMs + sampler.everyMs - clock.monotonic()
    if (waitMs > 0) {
      const timer = timers.add(waitMs, () => this.sendHeld(group))
      sampler.cancel = () => timers.cancel(timer)
    } else {
      let isCancelled = false
      turn.beforeFlush(() => isCancelled || this.sendHeld(group))
      sampler.cancel = () => {
        isCancelled = true
      }
    }
    return true
  }

  private sendHeld(group: Group): void {
    const { sampler, encoding, members, view } = group
    if (!sampler) return
    let deliveries = 0
    for (const { key, event, isFor } of sampler.take(this.runtime.clock.monotonic())) {
      const bytes = event.encoded(encoding)
      for (const membership of members) {
        if (isFor && !isFor(membership, view)) continue
        const { connection } = membership
        deliveries++
        if (connection.behind === undefined) connection.link.send(bytes)
        else this.catchUp.keepLatest(connection, event, key)
      }
    }
    this.runtime.observer.observe({ type: 'fan-out', deliveries, encoded: 1 })
  }

  /** What `work` sends to all of the namespace is written to each of them at once. It is for events of Roomful itself. */
  together(work: () => void): void {
    const forEveryone = new ForEveryone((connection, bytes) => connection.link.send(bytes))
    this.forEveryone = forEveryone
    try {
      work()
    } finally {
      this.forEveryone = undefined
      forEveryone.end(this.namespace.connections.values())
    }
  }

  /** A transient or volatile event. Members of several of the rooms get one copy. B29, C8. */
  emit(event: RoomEvent, audience: Audience): void {
    this.namespace.transients.note(event, audience)
    if (this.forEveryone && audience.rooms === undefined) {
      return this.forEveryone.add(event, this.gather(audience.except))
    }
    const [only, ...more] = audience.rooms ?? []
    const room =
      only === undefined || more.length > 0 || isPersonalRoom(only) ? undefined : this.namespace.rooms.get(only)
    if (room && audience.except.length === 0 && !this.forEveryone) return void this.deliver(room, event, audience)
    const excluded = this.gather(audience.except)
    if (room) return this.deliverToMembers(room, event, audience, ({ connection }) => !excluded.has(connection))
    const receivers = audience.rooms === undefined ? this.namespace.connections.values() : this.gather(audience.rooms)
    for (const connection of receivers) if (!excluded.has(connection)) this.sendTo(connection, event, audience)
  }

  /** To those members of a room for whom it is. */
  deliverToMembers(room: Room, event: RoomEvent, audience: Audience, isFor: IsFor): void {
    for (const group of room.groups) {
      const { members, view } = group
      if (group.sampler && this.hold(group, event, audience, isFor)) continue
      for (const membership of members) if (isFor(membership, view)) this.sendTo(membership.connection, event, audience)
    }
  }

  private sendTo(connection: Connection, event: RoomEvent, audience: Audience): void {
    this.forEveryone?.sendEarlier(connection)
    this.delivery.send(connection, event, audience)
  }

  private gather(names: readonly string[]): Set<Connection> {
    const connections = new Set<Connection>()
    for (const name of names) {
      const room = isPersonalRoom(name) ? undefined : this.namespace.rooms.get(name)
      if (room) for (const group of room.groups) for (const member of group.members) connections.add(member.connection)
      else for (const connection of this.namespace.personal(name)) connections.add(connection)
    }
    return connections
  }
}
