/**
 * The one place where stored and live events meet. A connection is live, and events are pushed to it; or it is behind, and
 * they are read from the log, page by page while its wire takes them, merged in the order of `n`. When everything missing
 * lies in the rooms' hot tails it is copied from there, and in the same call the connection is live again, so that nothing
 * can come between. Joins, resumes, slow links and holes all use it; there is no buffer of live events anywhere.
 */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import { ENDED, type Ending, isGrowing, repeatOf } from '../events/growing-text.ts'
import { type Link, UNLOGGED_MAX_BYTES } from '../link/link.ts'
import type { Head } from '../ports/broker.ts'
import { mayBeLeftOut } from '../state/flow.ts'
import type { CatchUpState, Connection, Membership, Room } from '../state/namespace-state.ts'
import { PAGE_BYTES, PAGE_EVENTS, type Page, type ReadFrom, SharedReads } from './shared-reads.ts'

/** Volatile events kept for a slow connection, one per key; more forget the oldest. */
const LATEST_MAX = 256

/** A gap, as the client gets it: events before `from` will not come. `epoch`: those that come are of this log. */
interface Reset {
  readonly roomId: string
  readonly reason: string
  readonly from: number
  readonly to: number
  readonly epoch?: string
}

export class CatchUp {
  private readonly runtime: Runtime
  private readonly reads: SharedReads
  /** Links over their soft limit. */
  private readonly slow = new Set<Link>()

  constructor(runtime: Runtime) {
    this.runtime = runtime
    this.reads = new SharedReads(runtime.broker)
  }

  /** From now on the connection's positions count; all rooms turn behind together, so that `n` stays in order. */
  begin(connection: Connection, exceptRoom?: Room): CatchUpState {
    if (connection.behind) return connection.behind
    const texts = new Map<number, number>()
    const states = new Map<Room, number>()
    for (const membership of connection.memberships.values()) {
      const { room } = membership
      if (room === exceptRoom) continue
      membership.startAt(room.head)
      if (room.facts.fv > 0) states.set(room, room.facts.fv)
      for (const { stored, sent } of room.texts.values()) texts.set(stored.n, sent)
    }
    connection.behind = {
      reading: false,
      latest: undefined,
      transients: [],
      transientBytes: 0,
      events: 0,
      texts,
      states,
      lags: new Set(),
    }
    return connection.behind
  }

  /** A member begins at this position, whatever it had before. */
  enter(membership: Membership, position: number): void {
    const { connection, room } = membership
    const behind = this.begin(connection, room)
    membership.startAt(position)
    behind.states.set(room, room.facts.fv) // the answer has it
    lacksTexts(behind, room)
  }

  /** A member asks to join once more: its client may have taken the answer for lost, and dropped what came after it. D17. */
  repeatTexts({ connection, room }: Membership): void {
    lacksTexts(this.begin(connection), room)
  }

  /** Its client says how much it has of messages that are being written, by the commits of their beginnings. */
  hasTexts({ behind }: Connection, texts: readonly (readonly [n: number, length: number])[]): void {
    for (const [n, length] of texts) behind?.texts.set(n, length)
  }

  /** From the link: more is queued than its soft limit. */
  onSlow(link: Link<Connection>): void {
    link.slow = true
    link.wire.pauseReading()
    link.watchStall()
    this.boundAll(link)
    for (const connection of link.connections) {
      if (connection.stage !== 'open') continue
      this.begin(connection)
      this.runtime.observer.observe({ type: 'behind', connectionId: connection.id })
    }
  }

  /** From the link: everything queued is gone. */
  onDrained(link: Link<Connection>): void {
    link.slow = false
    link.unwatchStall()
    link.wire.resumeReading()
    this.forget(link)
    for (const connection of link.connections) {
      if (connection.behind) this.pump(connection)
    }
  }

  /** From the link: it is gone. */
  forget(link: Link): void {
    this.slow.delete(link)
  }

  /** All queues together have a bound; the link that breaks it goes, and resumes. */
  private boundAll(link: Link): void {
    this.slow.add(link)
    let queued = 0
    for (const each of this.slow) queued += each.queuedBytes
    if (queued > this.runtime.settings.outboxMaxBytes) link.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
  }

  /** The room's members missed something; the caller has not yet moved the room's head. */
  onHole(room: Room): void {
    for (const group of room.groups) {
      for (const { connection } of group.members) {
        this.begin(connection)
        this.runtime.turn.after(() => this.pump(connection))
      }
    }
  }

  /** The room has another log: what its members were sent is gone. They get a reset, and what the new log has. G4. */
  onOtherLog(room: Room, { epoch, seq, first }: Head): void {
    room.epoch = epoch
    room.first = first
    room.head = seq
    room.tail.clear(seq)
    const from = Math.min(Math.max(first, seq - this.runtime.settings.replayMax + 1), seq + 1)
    for (const { members } of room.groups) {
      for (const membership of members) {
        const { connection } = membership
        // A state of its own, so that a page of the old log that is on its way is not written.
        connection.behind = { ...this.begin(connection, room), reading: false }
        membership.startAt(from - 1)
        membership.joinedAt = from - 1
        this.sendReset(connection, { roomId: room.id, reason: 'epoch', from, to: seq, epoch })
        this.runtime.turn.after(() => this.pump(connection))
      }
    }
  }

  /** What the client missed in a room and can no longer be had. G4. */
  sendReset({ link, channel }: Connection, reset: Reset): void {
    link.send(RoomEvent.transient('reset', [reset], true).encoded(link.dialect.encoding(channel)))
  }

  /** Writes what is missing for as long as the wire takes it. */
  pump(connection: Connection): void {
    const state = connection.behind
    if (!state || state.reading || connection.stage !== 'open') return
    this.skip(connection, state)
    while (!connection.link.slow) {
      const page = this.pageFromTails(connection)
      if (page === undefined) return this.read(connection, state)
      this.write(connection, state, page)
      if (this.isCaughtUp(connection)) return this.goLive(connection, state)
      // A full page went out: let the wire say whether it takes more.
      this.runtime.turn.flushLink(connection.link)
    }
  }

  /** Members that do not get all are sent how far behind they are, and only the latest page is looked through for them. D14. */
  private skip(connection: Connection, state: CatchUpState): void {
    for (const membership of connection.memberships.values()) {
      const { room, flow, position } = membership
      if (flow === 'all' || position >= room.head) continue
      const behind = room.head - position
      if (!state.lags.has(room)) {
        state.lags.add(room)
        this.runtime.observer.observe({ type: 'lag', connectionId: connection.id, roomId: room.id, behind })
        connection.link.send(
          RoomEvent.transient('room:lag', [{ roomId: room.id, behind }], true).encoded(
            connection.link.dialect.encoding(connection.channel),
          ),
        )
      }
      membership.position = Math.max(position, room.head - PAGE_EVENTS)
    }
  }

  /** Of each type that may be left out, the number of the latest event, in a page or in memory. */
  private latestOf({ id, tail, head }: Room, page: Page): Map<string, number> {
    const latest = new Map<string, number>()
    const note = (event: RoomEvent | undefined): void => {
      if (event?.stored?.roomId !== id || !mayBeLeftOut(event)) return
      latest.set(event.type, Math.max(event.stored.seq, latest.get(event.type) ?? 0))
    }
    for (const event of page) note(event)
    for (let seq = tail.from; seq <= head; seq++) note(tail.get(seq))
    return latest
  }

  keepLatest(connection: Connection, event: RoomEvent, key: string | undefined): void {
    const state = connection.behind
    if (!state || key === undefined)
      return this.runtime.observer.observe({ type: 'dropped', what: 'volatile', count: 1 })
    state.latest ??= new Map()
    const name = `${event.type}\n${key}`
    if (state.latest.delete(name)) this.runtime.observer.observe({ type: 'dropped', what: 'latest', count: 1 })
    state.latest.set(name, event)
    if (state.latest.size > LATEST_MAX) state.latest.delete(state.latest.keys().next().value as string)
  }

  /** Its client's position is the last event that it received, so a transient event must not overtake a durable one. */
  keepTransient(connection: Connection, event: RoomEvent): void {
    const state = connection.behind
    if (!state) return
    state.transients.push(event)
    state.transientBytes += event.argsJson.length
    if (state.transientBytes > UNLOGGED_MAX_BYTES) connection.link.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
  }

  /** The transient events that it missed, sent in their place among the durable ones. */
  sendMissed(connection: Connection, events: readonly RoomEvent[]): void {
    if (events.length > 0) this.begin(connection).transients.push(...events)
  }

  private writeTransients({ link, channel }: Connection, state: CatchUpState, beforeN: number): void {
    let count = 0
    for (const event of state.transients) {
      if (event.place !== undefined && event.place.n >= beforeN) break
      link.send(event.encoded(link.dialect.encoding(channel)))
      state.transientBytes = Math.max(0, state.transientBytes - event.argsJson.length)
      count++
    }
    if (count > 0) state.transients.splice(0, count)
  }

  /** The next page if all of it is in memory; `undefined` when the log must be asked. */
  private pageFromTails(connection: Connection): Page | undefined {
    const sources: { room: Room; next: number }[] = []
    for (const { room, position } of connection.memberships.values()) {
      if (position >= room.head) continue
      if (room.tail.get(position + 1) === undefined) return undefined
      sources.push({ room, next: position + 1 })
    }
    const page: RoomEvent[] = []
    let bytes = 0
    while (page.length < PAGE_EVENTS && bytes < PAGE_BYTES) {
      let first: RoomEvent | undefined
      let from: { room: Room; next: number } | undefined
      for (const source of sources) {
        const event = source.room.tail.get(source.next)
        if (event && (!first || commitNumber(event) < commitNumber(first))) {
          first = event
          from = source
        }
      }
      if (!first || !from) break
      page.push(first)
      bytes += first.argsJson.length
      from.next++
    }
    return page
  }

  /** @param after the positions that were asked for; a member that went back behind its own reads again */
  private write(connection: Connection, state: CatchUpState, page: Page, after: readonly ReadFrom[] = []): void {
    const { link, channel } = connection
    const isBehind = ({ roomId, seq }: ReadFrom): boolean => (connection.memberships.get(roomId)?.position ?? 0) < seq
    const wentBack = after.filter(isBehind).map(({ roomId }) => roomId)
    const encoding = link.dialect.encoding(channel)
    const latest = new Map<Room, Map<string, number>>()
    for (const event of page) {
      const stored = event.stored
      const membership = stored && connection.memberships.get(stored.roomId)
      // Left meanwhile, read twice, or stored but not yet released: that one comes with its own turn.
      if (!membership || stored.seq <= membership.position || stored.seq > membership.room.head) continue
      if (wentBack.includes(stored.roomId)) continue
      const { flow, room } = membership
      if (flow !== 'all' && !latest.has(room)) latest.set(room, this.latestOf(room, page))
      else if (flow === 'all' && stored.seq > membership.position + 1)
        this.sendTrimmed(connection, membership, stored.seq)
      membership.position = stored.seq
      if (flow !== 'all' && mayBeLeftOut(event)) {
        // One with an interval is sent the rest at its time, unless it resumes.
        const isHeld = flow !== 'latest' && !membership.isResuming
        if (isHeld || (latest.get(room)?.get(event.type) ?? 0) > stored.seq) continue
      }
      if (state.transients.length > 0) this.writeTransients(connection, state, stored.n)
      if (stored.except === connection.id) continue
      if (link.dialect.view === 'classic' && event.origin === connection.id) continue
      link.send(this.completed(connection, state, membership, event).encoded(encoding))
      state.events++
    }
  }

  /**
   * A message that is being written goes out with the text so far; before its end goes the whole of it, where the
   * connection has less. D17.
   */
  private completed(
    { link, channel }: Connection,
    { texts }: CatchUpState,
    { room, startedAt }: Membership,
    event: RoomEvent,
  ): RoomEvent {
    if (isGrowing(event)) {
      const { seq, n } = event.stored as { seq: number; n: number }
      const text = room.texts.get(seq)
      // Without it the message has ended since this was read: its end brings the text.
      texts.set(n, text?.sent ?? 0)
      return text?.replay() ?? event
    }
    if (event.type === ENDED && event.about !== undefined) {
      const { target, length } = event.args[0] as Ending
      const { n } = event.about.stored as { n: number }
      const known = texts.get(n)
      texts.delete(n)
      const hasAll = known === undefined ? target > startedAt : known === length
      if (!hasAll) link.send(repeatOf(event.about).encoded(link.dialect.encoding(channel)))
    }
    return event
  }

  /** The latest of each name that changed meanwhile. */
  private writeStates({ link, channel, memberships }: Connection, { states }: CatchUpState): void {
    const encoding = link.dialect.encoding(channel)
    for (const { room } of memberships.values()) {
      for (const event of room.facts.changesSince(room.id, states.get(room) ?? 0)) link.send(event.encoded(encoding))
    }
  }

  /** What is missing of messages that are being written: all so far, or what came since. */
  private writeTexts({ link, channel, memberships }: Connection, { texts }: CatchUpState): void {
    const encoding = link.dialect.encoding(channel)
    for (const { room } of memberships.values()) {
      for (const text of room.texts.values()) {
        const known = texts.get(text.stored.n)
        if (known === text.sent) continue
        const isPiece = known !== undefined && known < text.sent && text.hasPlace(known)
        link.send((isPiece ? text.pieceFrom(known) : text.tell()).encoded(encoding))
      }
    }
  }

  private isCaughtUp(connection: Connection): boolean {
    for (const { room, position } of connection.memberships.values()) if (position < room.head) return false
    return true
  }

  private goLive(connection: Connection, state: CatchUpState): void {
    connection.behind = undefined
    for (const membership of connection.memberships.values()) membership.isResuming = false
    this.writeTransients(connection, state, Number.POSITIVE_INFINITY)
    this.writeTexts(connection, state)
    this.writeStates(connection, state)
    for (const event of state.latest?.values() ?? []) {
      connection.link.send(event.encoded(connection.link.dialect.encoding(connection.channel)))
    }
    if (state.events > 0) {
      this.runtime.observer.observe({ type: 'caught-up', connectionId: connection.id, events: state.events })
    }
    this.runtime.turn.endSoon()
  }

  private read(connection: Connection, state: CatchUpState): void {
    const after: ReadFrom[] = []
    const heads = new Map<string, number>()
    for (const { room, position } of connection.memberships.values()) {
      if (position >= room.head) continue
      after.push({ roomId: room.id, seq: position })
      heads.set(room.id, room.head)
    }
    state.reading = true
    this.reads.page(connection.namespace, after).then(
      (rows) => {
        state.reading = false
        if (connection.behind !== state) return
        // What was released since then is merged into a later page with what other rooms got since then. G1.
        const page = rows.filter(({ stored }) => stored && stored.seq <= (heads.get(stored.roomId) ?? 0))
        if (page.length === 0) this.skipTrimmed(connection, after, heads, rows)
        this.write(connection, state, page, after)
        if (this.isCaughtUp(connection)) this.goLive(connection, state)
        else {
          this.runtime.turn.flushLink(connection.link)
          this.pump(connection)
        }
        this.runtime.turn.endSoon()
      },
      (error: unknown) => {
        state.reading = false
        this.runtime.observer.observe({ type: 'catch-up:failed', connectionId: connection.id, error })
        // It keeps its position and resumes from it; staying open would mean a hole.
        connection.link.close(CLOSE_CODES.TRY_LATER.code, 'Cannot read the log; try again later')
      },
    )
  }

  /** What lies between was trimmed after its client was promised it. Never silently. G4. */
  private sendTrimmed(connection: Connection, { room }: Membership, from: number): void {
    room.first = Math.max(room.first, from)
    this.sendReset(connection, { roomId: room.id, reason: 'trimmed', from, to: room.head })
  }

  /**
   * What the rooms had after these positions, up to their heads of then, is not in the log any more. Say so, and go on
   * with what there is. G4.
   * @param rows everything that was read, also what was released since
   */
  private skipTrimmed(
    connection: Connection,
    after: readonly ReadFrom[],
    heads: ReadonlyMap<string, number>,
    rows: Page,
  ): void {
    for (const { roomId, seq } of after) {
      const membership = connection.memberships.get(roomId)
      if (membership?.position !== seq) continue
      const { head } = membership.room
      const next = rows.find(({ stored }) => stored?.roomId === roomId)?.stored
      membership.position = next ? Math.min(next.seq - 1, head) : (heads.get(roomId) ?? head)
      if (membership.flow !== 'all') continue
      this.sendReset(connection, { roomId, reason: 'trimmed', from: membership.position + 1, to: head })
    }
  }
}

function commitNumber(event: RoomEvent): number {
  return event.stored?.n ?? 0
}

/** Nothing of what is being written in a room was sent: it is sent from its beginning. */
function lacksTexts({ texts }: CatchUpState, room: Room): void {
  for (const { stored } of room.texts.values()) texts.delete(stored.n)
}
