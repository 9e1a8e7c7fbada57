/**
 * The core's only storage port: the log of each namespace, presence, sessions, inbox marks, signals between nodes. One server
 * process is one node; nodes that share a log share everything here. Its contract suite is
 * `testkit/src/contracts/broker.ts`, which every adapter passes.
 *
 * Order is what the port is about: for each namespace the broker calls its listener synchronously and in the order of
 * commits, with the results of this node's batches and with what other nodes stored. A promise between two of them
 * would reorder them.
 */

import type { Changed, FactChange, FactStand, NotedChange, StoredState } from './facts.ts'
import type { SharedGuests } from './guests.ts'
import type { LeadLeases, LeadMark } from './leads.ts'
import type { NodeAnswers, NodeQuestion } from './nodes.ts'
import type { OnlineUsers, PresenceDiff, SharedPresence } from './presence.ts'
import type { SentSignal, Signal } from './signal.ts'
import type { User } from './users.ts'

export type {
  Changed,
  FactChange,
  FactStand,
  NotedChange,
  StateChange,
  StateEntry,
  StoredState,
} from './facts.ts'
export type {
  OnlineChange,
  OnlineUsers,
  OwnedPresence,
  PresenceChange,
  PresenceDiff,
  RoomsPage,
  SeatChange,
  SeatResult,
  SharedPresence,
  UserPage,
} from './presence.ts'
export type { Audience, SentSignal, Signal, SignalEvent } from './signal.ts'

/** An answer that is given at once where it is known at once. */
export type Awaitable<T> = T | Promise<T>

/** What one turn of the event loop wants from the log. */
export interface Batch {
  /** Comes back with {@link BrokerListener.onCommitted}; grows within a namespace. */
  readonly id: number
  readonly appends: readonly Append[]
  /** Ordered by `at`. */
  readonly signals: readonly Signal[]
}

/** One durable event to be. */
export interface Append {
  readonly roomId: string
  readonly type: string
  /** JSON text of the arguments, an array. */
  readonly argsJson: string
  readonly userId: string | undefined
  readonly key: AppendKey | undefined
  /** What the request is answered with, if that is known before it is stored: kept with its key, in the same commit. */
  readonly ack?: string | undefined
  /** Appends of one batch with the same number are stored together or not at all; they share one `key`. */
  readonly atomicGroup: number | undefined
  /** Whose bytes they are where there are too many; `userId` without it, and without that the room's own. */
  readonly writer?: string | undefined
  /** An event of the same room that this one is about: without its content, redacted or trimmed, this one is not stored. */
  readonly aboutSeq?: number | undefined
  /**
   * The log of its room that its numbers and versions are of: it is refused once the room has another one, where the same
   * number is another event.
   */
  readonly epoch?: string | undefined
  /** It is published by a lead: stored only while no later one has begun. */
  readonly lead?: LeadMark | undefined
  /**
   * Minutes that it counts towards. They are looked at after the key, so that a repeat costs nothing, and what is refused
   * counts in none of them, so that asking again does not extend the wait. Those of an atomic group are taken together.
   */
  readonly limits?: readonly RateLimit[] | undefined
  /** It is refused with the append before it, when that was refused by a limit. */
  readonly sharesLimits?: true | undefined
  /** What it does to a fact of its room. Unless that begins or ends a message, it is no event and has no number. */
  readonly change?: FactChange | undefined
  /** The connection that does not get it, neither now nor when it comes back: the one that sent it. */
  readonly except?: string | undefined
  /** Of the request, where it is followed. It goes to other nodes with the row, and is not stored. */
  readonly traceparent?: string | undefined
}

/** A sliding minute, which all nodes share. B34 */
export interface RateLimit {
  /** A `new-room` counts only where the append makes its room. */
  readonly counts: 'message' | 'new-room'
  /** Whose minute. */
  readonly scope: string
  /** At least one. */
  readonly perMinute: number
}

/** Makes a repeat recognisable. G3. */
export interface AppendKey {
  /** Whose key: a user or guest session. */
  readonly scope: string
  readonly key: string
  /** Of event and data: the same key with another one is a conflict. */
  readonly fingerprint: string
}

/** What became of an append. The order of results is the order of appends. */
export type Appended =
  | AppendedRow
  /** Nothing was added; the numbers are those of the first time, and the ack that was kept with the key, if one was. */
  | Repeated
  /** A fact is as it was asked for; it was no event. */
  | Changed
  | Refused
  /** The broker cannot tell whether it was stored; repeating with the key is safe. */
  | { readonly status: 'unknown' }

export interface AppendedRow {
  readonly status: 'stored'
  readonly n: number
  readonly seq: number
  readonly ts: number
  /** The row itself, from a log that keeps it in memory: so that there is one object of it. */
  readonly row?: StoredRow | undefined
}

export interface Refused {
  readonly status: 'refused'
  readonly code: RefusalCode
  readonly message: string
  /** When it is worth another try; the core's own answer without it. */
  readonly retryAfterMs?: number | undefined
  /** What was too many, with RATE_LIMITED. */
  readonly limit?: RateLimit['counts'] | undefined
  /** How the fact is, where that is why. */
  readonly current?: FactStand | undefined
}

/** NOT_FOUND: the event that it is about has no content any more, or was one of another log. LEAD_LOST: another lead has begun. */
export type RefusalCode = 'CONFLICT' | 'UNAVAILABLE' | 'TOO_LARGE' | 'NOT_FOUND' | 'RATE_LIMITED' | 'LEAD_LOST'

export interface Repeated {
  readonly status: 'duplicate'
  readonly n: number
  readonly seq: number
  readonly ts: number
  readonly ack?: string | undefined
}

/** What is known of a key: nothing was stored under it, or what was, or that it stands for another request. */
export type Claim = { readonly status: 'new' } | Repeated | Refused

/** A row of the log. */
export interface StoredRow {
  readonly n: number
  readonly seq: number
  readonly ts: number
  readonly roomId: string
  readonly type: string
  /** `[]` once redacted. */
  readonly argsJson: string
  readonly userId: string | undefined
  readonly key: string | undefined
  readonly redacted: boolean
  /** The id of the connection that does not get it. It stays when the row is redacted. */
  readonly except?: string | undefined
}

/** A page of a room. */
export interface HistoryRows {
  events: StoredRow[]
  more: boolean
  /** Of the room's log; nothing where there is no such room. */
  epoch?: string | undefined
}

/** A message that is being written. */
export interface GrowingRow {
  /** As it began. */
  readonly row: StoredRow
  readonly fragment: string
  readonly length: number
  /** When it was last added to. */
  readonly ts: number
}

/** A row as it is received live: it says of which log it is, since a number of another log is another event. */
export interface CommittedRow extends StoredRow {
  readonly epoch: string
  /** Of the request that caused it, where its node follows it. */
  readonly traceparent?: string | undefined
}

/** Where a room's log stands. */
export interface Head {
  readonly roomId: string
  /** The room's random id + the log's generation. */
  readonly epoch: string
  /** Latest number given, 0 for none. */
  readonly seq: number
  /** Lowest number still readable; `seq + 1` when nothing is. */
  readonly first: number
  /** The commit of the latest event, where other nodes may have stored it before the room was open here. */
  readonly n?: number | undefined
  /** Messages of it are being written: {@link Broker.growing} has them. */
  readonly isGrowing?: boolean | undefined
  /** It has state: {@link Broker.state} has it. */
  readonly hasState?: boolean | undefined
}

/** Up to where a room's events were sent. */
export interface SentHead {
  readonly epoch: string
  readonly seq: number
  /** The commit of that number, where it is known. */
  readonly n: number | undefined
  /** The version of its presence; 0 for none. */
  readonly pv: number
}

export interface RoomSubscription {
  readonly roomId: string
  /** Most events kept; the broker's default without it. */
  readonly retention: number | undefined
}

/** What survives a link in dialects that recover. */
export interface SessionRecord {
  readonly id: string
  readonly namespace: string
  readonly connectionId: string
  readonly userId: string
  /** Rooms with the position each was joined at; `since` among transient events. */
  readonly rooms: readonly {
    readonly roomId: string
    readonly epoch: string
    readonly seq: number
    readonly since?: number
  }[]
  /** The application's data as JSON; `null` when it could not be kept, nothing when there was none. */
  readonly data?: string | null
  readonly transients?: TransientMarks
  /** Which takeover its holder got it by: what is saved with an older one counts no more. Without it, it counts. */
  readonly fence?: number | undefined
}

/** A session that was just taken over. */
export interface TakenSession {
  readonly record: SessionRecord & { readonly fence: number }
  /** This node had it before, so a connection of it that is still here knows it best. */
  readonly wasHere: boolean
}

/** What a session knows of transient events, by the serials of one run of the server. */
export interface TransientMarks {
  readonly run: string
  /** When the session began, or was resumed. */
  readonly since: number
  /** The latest one that was for it. */
  readonly last: number
  /** The latest one of all when this was written down. */
  readonly at: number
  /** The server went down in good order, so there was none for it after these. */
  readonly isFinal: boolean
}

/** A member that is expected back after a restart, as the next process keeps it until then. G7. */
export interface ReturningMember {
  /** What identifies the member on its return: the session, or the user's id. */
  readonly sign: string
  readonly user: User
  readonly roomIds: readonly string[]
  /** Ms since 1970. */
  readonly untilMs: number
}

export interface ReadLimits {
  readonly events: number
  readonly bytes: number
}

export interface BatchLimits {
  /** Most appends of a batch; a single request that has more is a batch of its own. */
  readonly appends: number
  /** Most batches of a namespace without a result; what comes meanwhile is gathered for the next one. */
  readonly underWay: number
}

export interface Broker {
  /** Opens the log of a namespace. Idempotent. */
  open(namespace: string): Promise<{ logId: string; n: number }>

  /** How much may be handed over at once. */
  readonly batchLimits: BatchLimits

  /**
   * Hands a batch over. Never throws: what became of it comes through {@link BrokerListener.onCommitted}, possibly within
   * this call. Batches take effect in the order of the calls. Numbers are given in the order of appends, `ts = max(clock,
   * previous ts of the namespace)`, all in one transaction; a refused append (or atomic group) does not keep the others
   * out. Signals go to other nodes, in their place.
   */
  append(namespace: string, batch: Batch): void

  /**
   * Takes one of a minute for what is no append.
   * @param namespace whose appends count in the same minute; without one it is a minute of all namespaces
   * @param scope as of a {@link RateLimit}
   * @returns 0 when it was taken, else how many ms until one is free
   * @throws RoomfulError (also as a rejection) UNAVAILABLE
   */
  take(namespace: string | undefined, scope: string, perMinute: number): Awaitable<number>

  /**
   * A keyed request is about to run. After `new` it runs here, and a second one under the key waits, on whatever node it
   * is, until this one's append is committed or {@link endClaim} is called. What was handed to `append` by then counts as
   * stored only once its result is there.
   * @throws RoomfulError (also as a rejection) UNAVAILABLE when the log cannot tell
   */
  claim(namespace: string, key: AppendKey): Awaitable<Claim>
  /** A claim takes a round trip, so requests that do nothing but store make none: their append finds the repeat. */
  readonly isRemote?: boolean | undefined
  /** The request is over, and no append of its own has ended the claim. */
  endClaim(namespace: string, key: AppendKey): void
  /**
   * Keeps what a stored request was answered with, when that was known only afterwards; an ack that is there stays.
   * Written down with the next commit, or soon.
   */
  saveAck(namespace: string, key: AppendKey, ack: string): void

  /**
   * Events after each room's position, merged in the order of `n`: the smallest ones first, up to `limits`
   * (at least one if there is one). Never skips: of each room a gap-free run, unless it was trimmed.
   */
  read(namespace: string, after: readonly { roomId: string; seq: number }[], limits: ReadLimits): Promise<StoredRow[]>

  /**
   * Where commit `n` stands in each of these rooms: the last number stored up to it, which is 0 where nothing was. When
   * something after `n` was trimmed, -1, so that what is still in memory does not pass for all there was. Rooms that the log does not know are left out. The answer's
   * own `n` is the latest commit; `forgottenN` the latest of a room that the log has forgotten, or some commit after it:
   * before that, a room in which nothing stands at 0 may be another one under the name. All of it is of one moment.
   */
  positions(
    namespace: string,
    n: number,
    roomIds: readonly string[],
  ): Promise<{ n: number; forgottenN: number; positions: { roomId: string; epoch: string; seq: number }[] }>

  /**
   * One page of a room, oldest first: the newest `limit`, or those below `before`, or those above `after`. What is appended
   * with its `epoch` is stored only while these rows are still those of the room.
   */
  history(
    namespace: string,
    roomId: string,
    page: { before?: number | undefined; after?: number | undefined; limit: number },
  ): Promise<HistoryRows>

  /** The messages of a room that are being written, as they are now. */
  growing(namespace: string, roomId: string): Awaitable<GrowingRow[]>

  /** The state of a room, by name. */
  state(namespace: string, roomId: string): Awaitable<StoredState>

  /** How far a user has read in each of these rooms; 0 for not at all. */
  readPositions(namespace: string, userId: string, roomIds: readonly string[]): Awaitable<number[]>

  /**
   * In the order asked for; rooms that the log does not know are left out. With several nodes, once everything that stands
   * before has been handed to the listener, so that a node which was behind is not any more.
   */
  heads(namespace: string, roomIds: readonly string[]): Promise<Head[]>

  /** From the returned heads on, events of these rooms from other nodes come through `onEvents`. Creates the rooms' epochs. */
  subscribe(namespace: string, rooms: readonly RoomSubscription[]): Promise<Head[]>
  unsubscribe(namespace: string, roomIds: readonly string[]): void

  /** Who is in the rooms and online, over all nodes. Nothing with one node. */
  readonly presence?: SharedPresence | undefined

  /** Which node runs what must run once. Nothing with one node. */
  readonly leads?: LeadLeases | undefined

  /** Names of guests over all nodes. Nothing with one node. */
  readonly guests?: SharedGuests | undefined

  /**
   * Empties the body of a row and keeps its number.
   * @param epoch of the log that the number is of; in another one nothing is emptied
   * @returns whether there was such a row with a body
   */
  redact(namespace: string, roomId: string, seq: number, epoch?: string): Promise<boolean>
  /** The same for everything that a user said. @returns how many rows */
  redactUser(namespace: string, userId: string): Promise<number>

  /** How far an inbox was delivered to its owner. Never goes back. */
  mark(namespace: string, roomId: string): Promise<number>
  /** @param epoch of the log that the number is of: in another one what has that number was not delivered */
  setMark(namespace: string, roomId: string, seq: number, epoch?: string): void

  /** Soon, unless `sessionsStored` is asked for; not at all once the session was taken over from its holder. */
  saveSession(session: SessionRecord, ttlMs: number): void
  /** Stores what was saved or dropped so far, as safely as an event. Rejects with UNAVAILABLE; it is tried again then. */
  sessionsStored(): Promise<void>
  /** With the fence of the latest takeover. */
  findSession(namespace: string, id: string): Promise<SessionRecord | undefined>
  /**
   * From now on the session is this node's, and its former holder's saves and drops do nothing. Another node that holds it
   * is informed by `onTaken`. Of several nodes that take it the last one has it.
   * @param seen the fence that it had: nothing is taken when another node took it since. A call that waited for long must not
   * take the session from a client that has come back elsewhere meanwhile.
   */
  takeSession(namespace: string, id: string, seen?: number): Promise<TakenSession | undefined>
  /** @param fence of the holder; without it any holder's session is dropped */
  dropSession(namespace: string, id: string, fence?: number): void

  /** How many other nodes share the log now. Nothing where there can be none. */
  readonly otherNodes?: (() => Promise<number>) | undefined

  /**
   * Keeps members for who serves the namespace next; stored when it resolves. Adds to what is kept. G7. Nothing where there are
   * several nodes: their presence keeps the places.
   */
  saveReturning?(namespace: string, members: readonly ReturningMember[]): Promise<void>
  /** Gives what was kept, and forgets it: a second call gives nothing. */
  takeReturning?(namespace: string): Promise<ReturningMember[]>

  /** Names this node among those that share the log; empty when there can be no others. */
  readonly node: string
  /** The nodes that are there, this one included. Never rejects; while that cannot be said, as it was last. */
  nodes(): Promise<readonly string[]>
  /**
   * Asks every other node. Never rejects: one that does not answer within a second is counted in `asked` alone.
   * @param nodes these only, as far as they are there
   */
  ask<T>(question: NodeQuestion, nodes?: readonly string[]): Promise<NodeAnswers<T>>

  /** Who is called with what was committed. Set once, before `open`. */
  listen(listener: BrokerListener): void

  /** False while nothing can be stored: `/ready` answers 503. */
  healthy(): boolean
  /** Writes what is pending, gives every result that is due, and lets go. Idempotent. */
  close(): Promise<void>
}

/** The one sequence of a namespace. Each method may call the broker again. */
export interface BrokerListener {
  /**
   * What became of a batch of this node: called once for each, in the order of commits among everything else here.
   * @param cause why nothing at all was stored (a full disk); every append is refused with UNAVAILABLE then
   */
  onCommitted(namespace: string, batchId: number, results: readonly Appended[], cause?: unknown): void
  /** What other nodes stored, in rooms that are subscribed to; `n` grows from call to call. */
  onEvents(namespace: string, rows: readonly CommittedRow[]): void
  /** Signals of other nodes, at their place among the rows. */
  onSignals(namespace: string, signals: readonly SentSignal[]): void
  /** Facts that other nodes changed, in rooms that are subscribed to, at their place among the rows. */
  onChanged(namespace: string, changes: readonly NotedChange[]): void
  /** Rows were emptied by another node. */
  onRedacted(namespace: string, roomId: string, seqs: readonly number[]): void
  /** Users of a room that is open came, went, or show another way, on whatever node. */
  onPresence(namespace: string, diff: PresenceDiff): void
  /** How many are online on all nodes, and who came or went there. */
  onOnline(namespace: string, online: OnlineUsers): void
  /**
   * What was sent of a room that is open here, asked after a break: a log that is behind it has lost something, and the
   * room gets a new epoch.
   */
  headOf(namespace: string, roomId: string): SentHead | undefined
  /** A room that is open here has a new epoch: something that was sent is gone. */
  onReset(namespace: string, head: Head): void
  /** The whole log is another one: positions of before say nothing about it. */
  onOtherLog(namespace: string, logId: string): void
  /** Another node took a session over: a connection here that has it with an older fence is to be closed. */
  onTaken(namespace: string, sessionId: string, fence: number): void
  /**
   * What a lead published was not stored, or not sent, since a later one has begun. Called before `onCommitted` of that batch.
   */
  onLeadLost(lead: LeadMark): void
  /**
   * Something may have been missed, and nothing that came after it was handed over yet. Holes show as a difference between
   * what was released and the heads.
   * @param heads of all rooms that are open here; without them they are asked for
   */
  onBreak(namespace: string, heads?: readonly Head[]): void
  /** Another node asks. What it throws, or rejects with, counts as no answer. */
  onAsk(question: NodeQuestion): Awaitable<unknown>
}
