/**
 * The state of a namespace in memory: rooms, connections, and the membership of each connection in each room. They refer to
 * one another, so they are in one file. They hold data and derive from it; other folders decide what happens.
 */
import { type Inbound, isInbox, isRecord, type SharedJson } from '@roomful/protocol'
import type { Contract, EventDefinition, NamespaceOptions } from '../base/contract.ts'
import { FactSchemas, RoomDeclarations, type RoomOptions } from '../base/contract.ts'
import type { RoomfulError } from '../base/errors.ts'
import type { RateWindow } from '../base/limits.ts'
import type { Runtime } from '../base/runtime.ts'
import { SmallMap, type SmallSet } from '../base/small-collections.ts'
import type { Timer } from '../base/timer-wheel.ts'
import type { StoredEvent } from '../events/event.ts'
import { RoomEvent } from '../events/event.ts'
import type { GrowingText } from '../events/growing-text.ts'
import { type HotBudget, HotTail } from '../events/hot-tail.ts'
import { RoomFacts } from '../events/room-facts.ts'
import type { ChannelInbound, Link } from '../link/link.ts'
import type { SeatResult, StoredRow } from '../ports/broker.ts'
import type { Encoding } from '../ports/dialect.ts'
import type { Observer } from '../ports/observer.ts'
import type { ClientRequest, User } from '../ports/users.ts'
import { type AskOptions, ClientRequests } from './client-requests.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { type Flow, intervalOf, Sampler } from './flow.ts'
import { IntendedRooms } from './intended-rooms.ts'
import type { Session } from './session.ts'
import { Subscribers } from './subscribers.ts'
import { type TransientPolicy, Transients } from './transients.ts'

/** What happens in a namespace, for those who subscribe with `on`. */
export type NamespaceEvents = {
  connect: [connection: Connection]
  disconnect: [connection: Connection, reason: string]
  join: [connection: Connection, roomId: string]
  leave: [connection: Connection, roomId: string, reason: string]
  /** A user is in the room who was not, with however many connections. With several nodes this runs on one of them. */
  enter: [user: User, roomId: string]
  /** The last connection of a user left the room, and so did the grace of those that were cut off. G6. */
  exit: [user: User, roomId: string, reason: string]
  /**
   * A durable event is in the log and was sent to its room: once per event, in the order of the log, and not for a repeat
   * under the same key. It runs after the acknowledgement is decided, so it cannot refuse; an event that was stored just
   * before a crash is not announced again.
   * @example namespace.hook('stored', ({ type, roomId, data }) => { if (type === 'message:new') index(roomId, data) })
   */
  stored: [event: StoredEvent]
}

/** What a guest is called, and what for. */
export interface GuestName {
  /** As the guest asked for it. */
  readonly requested: string | undefined
  /** In use: one, or two while it changes. */
  readonly keys: SmallSet<string>
  /** That are open. */
  readonly connections: SmallSet<Connection>
  /** Until then a connection has to open. */
  unused: Timer | undefined
}

/** A user with a connection, or cut off and expected to reconnect. */
export interface OnlineUser {
  user: User
  readonly connections: SmallSet<Connection>
  /** Connections that were cut off and may still come back. */
  expected: number
  /** With several nodes, while the others do not know yet that what is for the user is to be sent here. */
  untilKnown?: Promise<void> | undefined
}

/** Events about who is there and what they are doing: a newer one, or a snapshot, replaces them. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  ...['user:joined', 'user:left', 'user:typing', 'user:stop-typing', 'users:count'],
  ...['presence:update', 'presence:diff', 'server:draining', 'notice'],
])

export class NamespaceState {
  readonly name: string
  readonly contract: Contract | undefined
  readonly options: NamespaceOptions
  readonly declarations = new RoomDeclarations()
  readonly rooms = new Map<string, Room>()
  readonly connections = new Map<string, Connection>()
  readonly sessions = new Map<string, Connection>()
  readonly users = new Map<string, OnlineUser>()
  /** Names in use by guests, so that two are never alike: key of the name → user id. */
  readonly guestNames = new Map<string, string>()
  /** The same by guest. */
  readonly namesOfGuests = new Map<string, GuestName>()
  /** What contracts say of presence data and of the state of rooms. */
  readonly factSchemas = new FactSchemas()
  /** Server events of Roomful itself, beside the contract's. */
  readonly vocabulary = new Set<string>()
  /** Server events of every contract. */
  readonly serverEvents = new Map<string, EventDefinition>()
  readonly subscribers = new Subscribers<NamespaceEvents>([
    ...(['connect', 'disconnect', 'join', 'leave', 'enter', 'exit', 'stored'] as const),
  ])
  /** Names one log from another; part of cursors. Known once the hub has started. */
  logId = ''
  /** Set by the namespace once its parts are put together, as is `host`. */
  dispatch!: RequestDispatch
  host!: ConnectionHost
  /** Latest commit number released: a live connection that was sent everything until now has everything up to it. */
  headN = 0
  readonly transients: Transients
  /** Of a package with connections of its own, beside those here. */
  beside: BesideNamespace | undefined = undefined
  private readonly observer: Observer

  constructor(
    runtime: Runtime,
    name: string,
    contract: Contract | undefined,
    options: NamespaceOptions,
    transients: TransientPolicy,
  ) {
    this.name = name
    this.contract = contract
    this.options = options
    this.observer = runtime.observer
    this.transients = new Transients(runtime, this, transients)
  }

  /** Rooms that no pattern matches are allowed. */
  get isOpen(): boolean {
    return this.options.open ?? this.declarations.isEmpty
  }

  /** An event for those connected now. Declared events cannot contain reserved fields; undeclared ones are checked. */
  transient(type: string, args: readonly unknown[], roomId?: string): RoomEvent {
    const isDeclared = this.serverEvents.has(type) || this.vocabulary.has(type)
    const spread = isDeclared && args.length === 1 && isRecord(args[0]) ? true : undefined
    const isApplications = !(this.vocabulary.has(type) && BOOKKEEPING.has(type))
    return RoomEvent.transient(type, args, spread, { roomId, isApplications })
  }

  /** Which log of a room that is open here its members know: the numbers that they bring are of that one. */
  epochOf(roomId: string): string | undefined {
    const room = this.rooms.get(roomId)
    return room?.state === 'open' ? room.epoch : undefined
  }

  /** As {@link epochOf}, of the version that a change of the state asks for; that there is no entry is true of any log. */
  epochOfVersion(roomId: string, version: number | undefined): string | undefined {
    return version === undefined || version === 0 ? undefined : this.epochOf(roomId)
  }

  /** Connections of a user, or the one with this id. */
  connectionsOf(userOrConnection: string): Connection[] {
    const ofUser = this.users.get(userOrConnection)?.connections ?? []
    return [...new Set([...this.personal(userOrConnection), ...ofUser])]
  }

  /** Connections behind a connection id or `user:<id>`. */
  *personal(name: string): Iterable<Connection> {
    const connection = this.connections.get(name)
    if (connection) yield connection
    if (name.startsWith('user:')) yield* this.users.get(name.slice(5))?.connections ?? []
  }

  /** Notifies the subscribers; one that throws harms neither the others nor the server. */
  announce<Name extends keyof NamespaceEvents>(event: Name, ...args: NamespaceEvents[Name]): void {
    this.subscribers.notify(event, args, (error) => {
      const [userId, connectionId] = whoOf(args[0])
      const fact = { namespace: this.name, event, userId, connectionId, payload: [], error }
      this.observer.observe({ type: 'handler:failed', ...fact })
    })
  }

  /** A durable event was stored and released. Nothing is made when nothing listens: this runs once per event. */
  announceStored({ roomId, seq, n, ts, type, userId, key, except }: StoredRow, args: readonly unknown[]): void {
    if (this.subscribers.listeners.stored.length === 0) return
    const id = `${roomId}-${seq}`
    this.announce('stored', { id, roomId, seq, n, ts, type, args, data: args[0], userId, key, except })
  }
}

/** What the log tells those who have connections of their own, as the listeners of the hook `stored` know only this node's events. */
export interface BesideNamespace {
  /** Another node stored it, in a room that is open here. */
  onRow(row: StoredRow): void
  /** Events of this room may have been missed here. */
  onHole(roomId: string): void
  /** Another node has the session now. */
  onTaken(sessionId: string, fence: number): void
}

/** @returns the ids of the user and the connection that an announcement is about, as far as there are any */
function whoOf(about: Connection | User | StoredEvent): [userId: string, connectionId: string] {
  if (about instanceof Connection) return [about.user.sub, about.id]
  return ['sub' in about ? about.sub : (about.userId ?? ''), '']
}

/** A user in a room as its members see them. PROTOCOL.md 9. */
export interface Member {
  userId: string
  name: string
  /** `left` only in the message that a member left; lists have none of them. */
  status: 'online' | 'reconnecting' | 'left'
  /** What the user's connections say of themselves in this room. */
  state?: PresenceState
}

/** What a connection says of itself in a room: a cursor, a mood, whether it is in a call. */
export type PresenceState = Readonly<Record<string, unknown>>

/** A user in a room, whatever the number of connections, and whatever node they are on. */
export interface RoomUser {
  user: User
  /** Shown as reconnecting. */
  isAway: boolean
  /** What its connections say of themselves, the latest last. */
  state?: PresenceState | undefined
}

/** A user's place in a room on this node. */
export interface Seat extends RoomUser {
  connections: number
  /** Connections that were cut off and may still come back. G6. */
  expected: number
  /** Ms since 1970 until which the last of them is expected. */
  expectedUntil: number
  /** Until the user shows as reconnecting. */
  awayTimer: Timer | undefined
  /** By connection, in the order in which they said so. */
  states?: Map<string, PresenceState> | undefined
}

/** What a node said of a user in a room. */
export interface StatedSeat {
  user: User
  /** `unknown`: it may not have taken effect. */
  state: 'here' | 'joining' | 'away' | 'gone' | 'unknown'
  /** The user had a place by another node when this one said so. */
  isElsewhere: boolean
  /** Statements without an answer. */
  calls: number
  /** The state of its presence in it. */
  shown?: PresenceState | undefined
  /** The answer to the latest of them. */
  latest: Promise<SeatResult> | undefined
}

/** A join under way that wants its user to have a seat. */
export interface SeatClaim {
  readonly user: User
  /** Joins that count on it. */
  count: number
}

/** Whether a member is to be sent an event. */
export type IsFor = (membership: Membership, view: Group['view']) => boolean

export interface Group {
  readonly encoding: Encoding
  readonly view: 'all' | 'classic'
  readonly members: Membership[]
  /** Its members are sent the latest events every so often. */
  readonly sampler: Sampler<IsFor> | undefined
}

/**
 * A room while it has members or is written to: the position of its log, its users, and its connections, grouped by
 * encoding so that an event is encoded once per group.
 */
export class Room {
  readonly id: string
  /** The personal room of a user, whose delivered events are not sent again at the next connect. */
  readonly isInbox: boolean
  readonly options: RoomOptions
  readonly tail: HotTail
  readonly users: Map<string, RoomUser>
  /** Those with a connection on this node, or expected back here. With one node the same map. */
  readonly seats = new Map<string, Seat>()
  /** Joins under way that claim a seat, by user; with one node only where there is a capacity. Bound: the requests that run. */
  readonly claims = new SmallMap<string, SeatClaim>()
  /** With several nodes: what this one said of its users, until all know that they are gone. */
  readonly stated = new SmallMap<string, StatedSeat>()
  readonly groups: Group[] = []
  /** `open` once the position of the log is known. */
  state: 'opening' | 'open' | 'freed' = 'opening'
  epoch = ''
  /** Latest number released to members. */
  head = 0
  /** Lowest number that the log still has. */
  first = 1
  /** Latest commit number released, for the order of `n`. */
  headN = 0
  /** Messages that are being written, by number. */
  readonly texts = new Map<number, GrowingText>()
  /** Its state. */
  readonly facts = new RoomFacts()
  /** How often one of them ended. */
  endedTexts = 0
  /** They are being read again. */
  isReadingTexts = false
  /** Version of the membership. */
  pv = 0
  /** The users of a snapshot, as long as they are the same. */
  memberList: SharedJson<Member[]> | undefined
  /** Uses that keep the room in memory without members, such as joins under way. */
  pins = 0
  /** Resolves when `state` is open; rejects when the broker failed. */
  opened: Promise<void> | undefined

  /** @param hasOtherNodes users of other nodes may be in it */
  constructor(id: string, options: RoomOptions, historySize: number, budget: HotBudget, hasOtherNodes: boolean) {
    this.id = id
    this.users = hasOtherNodes ? new Map() : this.seats
    this.isInbox = isInbox(id)
    this.options = options
    this.tail = new HotTail(historySize, budget)
  }

  get isEmpty(): boolean {
    return this.seats.size === 0 && this.pins === 0 && this.groups.length === 0 && this.stated.size === 0
  }

  /** How many users are in it. */
  get count(): number {
    return this.users.size
  }

  get connectionCount(): number {
    let count = 0
    for (const group of this.groups) count += group.members.length
    return count
  }

  addMember(membership: Membership, encoding: Encoding, view: 'all' | 'classic'): void {
    const everyMs = intervalOf(membership.flow)
    let group = this.groups.find(
      (candidate) => candidate.encoding.key === encoding.key && candidate.sampler?.everyMs === everyMs,
    )
    if (!group) {
      group = { encoding, view, members: [], sampler: everyMs === undefined ? undefined : new Sampler(everyMs) }
      this.groups.push(group)
    }
    membership.group = group
    membership.index = group.members.length
    group.members.push(membership)
  }

  /** Constant cost, however many members there are: the last one moves into the gap. P9. */
  removeMember(membership: Membership): void {
    const { group, index } = membership
    if (!group) return
    const last = group.members.pop() as Membership
    if (last !== membership) {
      group.members[index] = last
      last.index = index
    }
    membership.group = undefined
    if (group.members.length > 0) return
    group.sampler?.cancel?.()
    this.groups.splice(this.groups.indexOf(group), 1)
  }

  hasClassicMembers(): boolean {
    return this.groups.some((group) => group.view === 'classic')
  }
}

/** A connection in a room: the one object that both sides share. */
export class Membership {
  readonly connection: Connection
  readonly room: Room
  /** Where in which group of the room; kept by the room. */
  group: Group | undefined
  index = 0
  /** Latest number written to the connection; meaningful while the connection is behind. */
  position: number
  /** Where it stood when it began to be behind: what came before was sent live, or in an earlier life. */
  startedAt: number
  /** The version of the membership in its acknowledgement. */
  pv = 0
  /** The version of the latest list of names that it was sent, in the classic form. */
  listPv = -1
  /** After which number it was sent events: where the session resumes when its client does not know its position. */
  joinedAt: number
  /** The same among transient events. */
  readonly since: number
  /** Which events it is sent. */
  flow: Flow = 'all'
  /** It resumes: the latest of what it missed is to be sent. */
  isResuming = false

  constructor(connection: Connection, room: Room, position: number) {
    this.connection = connection
    this.room = room
    this.position = position
    this.startedAt = position
    this.joinedAt = position
    this.since = connection.namespace.transients.serial
  }

  /** The connection is behind from here on. */
  startAt(position: number): void {
    this.position = position
    this.startedAt = position
  }
}

/** Requests that wait behind one that still runs. More pauses reading; ten times more closes with 1008. */
export const QUEUE_SOFT_LIMIT = 64
export const QUEUE_HARD_LIMIT = 4_096

/** Runs the requests of each connection, one after another. */
export interface RequestDispatch {
  /** Takes one message at a time; what follows waits. */
  handle(connection: Connection, inbound: Inbound): void
  /** What kept the connection busy is over. */
  resume(connection: Connection): void
}

/** Does what an application asks of a single connection. */
export interface ConnectionHost {
  join(connection: Connection, roomId: string): Promise<void>
  leave(connection: Connection, roomId: string, reason: string | undefined): Promise<boolean>
  emit(connection: Connection, type: string, args: readonly unknown[]): void
}

/** What a connection needs while it is behind. */
export interface CatchUpState {
  reading: boolean
  latest: Map<string, RoomEvent> | undefined
  /** Transient events that wait for the durable ones before them, and what they weigh. */
  transients: RoomEvent[]
  transientBytes: number
  events: number
  /** How much it has of messages that are being written, by the commits of their beginnings. */
  texts: Map<number, number>
  /** Which version of the state of its rooms it has. */
  states: Map<Room, number>
  /** Rooms in which it does not get all: how far behind it is was said. */
  lags: Set<Room>
}

const NO_USER: User = Object.freeze({ sub: '', name: '', role: 'guest' })

/** What is known when a connection begins, and does not change. */
export type Attached = Pick<Connection, 'id' | 'openedAt'> &
  Partial<Pick<Connection, 'channel' | 'number' | 'handshake' | 'httpMode'>>

/**
 * A link's attachment to one namespace: its user, its rooms, and the queue that lets its requests run one after another
 * (G1). Its life is `authenticating` → `open` → `closed`; sessions/transitions.ts moves it on, dispatch.ts works its queue.
 */
export class Connection {
  // Fields that are declared only take no memory in the many connections that never set them. P5.
  /** Stays the same when its client comes back to its session. */
  readonly id: string
  readonly link: Link<Connection>
  readonly channel: number
  readonly namespace: NamespaceState
  readonly openedAt: number
  /** Which one it is since the start of the server: of two the newer has the higher. */
  readonly number: number
  readonly stage: 'authenticating' | 'open' | 'closed' = 'authenticating'
  /** What the client said on attaching, in dialects that have such a payload. */
  declare readonly handshake: Readonly<Record<string, unknown>> | undefined
  /** Meaningful once `open`. */
  readonly user: User = NO_USER
  /** When the token stops being good, ms since 1970. */
  readonly expiresAt: number | undefined
  /** `authenticated`, `guest`, or `none` before either. */
  readonly auth: 'none' | 'guest' | 'authenticated' = 'none'
  readonly session: Session | undefined
  /** Its client has shown that it knows the session, so it can resume. */
  isSessionConfirmed = false
  readonly memberships = new SmallMap<string, Membership>()
  /** Joins and leaves that wait for their turn. */
  readonly intended = new IntendedRooms()
  /** Present while events are read from the log instead of being pushed. */
  behind: CatchUpState | undefined
  /** The classic dialect's current room. */
  declare currentRoom: string | undefined
  /** How it joins rooms: what it says of itself there, and which events it wants. */
  declare joining: Map<string, { readonly state: PresenceState | undefined; readonly flow: Flow }> | undefined
  /** Of changes of what it says of itself. */
  declare presenceRate: RateWindow | undefined
  /** What waits for the request that runs. */
  queue: Inbound[] | undefined
  busy = false
  /** The request that is waited for. */
  running: { cancel(): void } | undefined
  /** What it was asked and has not answered. */
  declare clientRequests: ClientRequests | undefined
  rate: RateWindow | undefined
  joinRate: RateWindow | undefined
  /** Of pieces of messages, and their characters within a second. */
  declare pieceRate: RateWindow | undefined
  declare pieceChars: { readonly since: number; used: number } | undefined
  /** Events beyond its rate, after a cut; see bursts.ts. */
  declare burst: { left: number; readonly until: number } | undefined
  /** A guest's, among those of its address; see limits.ts. */
  declare guestNumber: number | undefined
  /** Under which its stored bytes count while it is a guest's; see limits.ts. */
  declare guestWriter: string | undefined
  /** What its requests count towards in a minute; see limits.ts. */
  limits: ConnectionLimits | undefined
  /** Authentication deadline, or token expiry. */
  timer: Timer | undefined
  /** The time to come back that it was sent before a restart, ms since 1970. G7. */
  declare expectedBackAt: number | undefined
  /** How HTTP carries it: a stream or polls in rooms, or a single request. See http-connection.ts. */
  declare readonly httpMode: 'stream' | 'one-shot' | undefined
  /** Over HTTP: what checks at connect recorded, until it says which rooms it wants. */
  declare checked: { discard(): void } | undefined
  /** Called once, when it is open (without an error) or was refused. */
  declare onSettled: ((error: RoomfulError | undefined) => void) | undefined
  /** Its link serves several pages; see lifecycle.ts. */
  declare isShared: boolean | undefined
  /** A check of the namespace would not let it in, or failed. */
  declare isCheckRefused: boolean | undefined
  /** Why it was refused. */
  declare refusal: RoomfulError | undefined
  /** The latest transient event for it. See transients.ts. */
  lastTransient = 0
  /** Its data as it was stored with the session. */
  declare savedData: string | undefined
  declare private ownData: Record<string, unknown> | undefined

  constructor(link: Link<Connection>, namespace: NamespaceState, attached: Attached) {
    this.link = link
    this.namespace = namespace
    this.id = attached.id
    this.channel = attached.channel ?? 0
    this.number = attached.number ?? 0
    this.openedAt = attached.openedAt
    if (attached.handshake !== undefined) this.handshake = attached.handshake
    if (attached.httpMode !== undefined) this.httpMode = attached.httpMode
  }

  /**
   * Asks this client, and waits for what it answers: a Socket.IO client by its callback, the SDK by `client.onRequest`, a
   * plain one by `{ack, data}`. Goes out at once, before what a handler recorded. C9.
   * @throws RoomfulError (rejects) TIMEOUT, DISCONNECTED, CANNOT_ANSWER, UNAVAILABLE, INVALID_MESSAGE for an answer that the
   *   contract does not allow, or what the client refused with; or with the signal's reason
   */
  request(event: string, data?: unknown, options?: AskOptions): Promise<unknown> {
    return this.ask(event, data === undefined ? [] : [data], options)
  }

  /** As `request`, for events that take several arguments. */
  call(event: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.ask(event, args, undefined)
  }

  /**
   * Puts this connection into a room. Rules and capacity of the room apply, and the client is sent `room:joined`.
   * In a check at connect use `context.join`: it is not open yet.
   * @throws RoomfulError (rejects) DISCONNECTED, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  join(roomId: string): Promise<void> {
    return this.namespace.host.join(this, roomId)
  }

  /** Takes this connection out of a room; the client is sent `room:left`. @returns false when it was not in it */
  leave(roomId: string, reason?: string): Promise<boolean> {
    return this.namespace.host.leave(this, roomId, reason)
  }

  /** To this connection only; nothing when it is gone. In a check at connect use `context.emit`: it is not open yet. */
  emit(type: string, ...args: readonly unknown[]): void {
    this.namespace.host.emit(this, type, args)
  }

  /** From the link: the next message for this connection. */
  receive(inbound: ChannelInbound): void {
    // The request that runs may be what waits for this answer, so it does not wait behind that one.
    if (inbound.kind === 'ack') this.clientRequests?.handleAck(inbound)
    else this.namespace.dispatch.handle(this, inbound)
  }

  private ask(event: string, args: readonly unknown[], options: AskOptions | undefined): Promise<unknown> {
    this.clientRequests ??= new ClientRequests(this)
    return this.clientRequests.send(event, args, options)
  }

  /**
   * In the room once everything that was asked for so far is done: the next request need not wait for the turn.
   */
  willBeIn(roomId: string): boolean {
    // A request over HTTP is in no room itself: its user is, with another connection.
    if (this.httpMode === 'one-shot') return this.namespace.rooms.get(roomId)?.users.has(this.user.sub) ?? false
    return this.intended.willBeIn(roomId) ?? this.memberships.has(roomId)
  }

  /** An application's own data, which stays with the session when its client comes back. Empty at first. */
  get data(): Record<string, unknown> {
    this.ownData ??= {}
    return this.ownData
  }

  set data(data: Record<string, unknown> | undefined) {
    this.ownData = data
  }

  get hasData(): boolean {
    return this.ownData !== undefined && Object.keys(this.ownData).length > 0
  }

  /** Its client can come back to the session that it is given. */
  get resumes(): boolean {
    const { dialect } = this.link
    return dialect.resumes && dialect.takesSession?.(this.channel) !== false
  }

  /** The server remembers its rooms, and brings it back into them. */
  get restoresRooms(): boolean {
    return this.session !== undefined && this.link.dialect.restoresRooms === true
  }

  get ip(): string {
    return this.link.ip
  }

  get userAgent(): string {
    return this.link.userAgent
  }

  get openingRequest(): ClientRequest | undefined {
    return this.link.openingRequest
  }

  /** Where keys and personal rates are counted: per user, and per guest session. G3, B34. */
  get scope(): string {
    // A guest's single request has a new id each time; where it came from has not.
    if (this.httpMode === 'one-shot' && this.user.guest) return `guest at ${this.ip}`
    return this.user.sub
  }
}
