/**
 * What applications may do with a namespace, a request and a connection. The classes behind these interfaces are
 * internal and may change. The `Typed…` interfaces are the same with a contract's names and arguments.
 */
import type {
  Contract,
  EventDefinition,
  GivenAck,
  Position,
  ReceivedAck,
  ReceivedArgs,
  SentArgs,
  SentData,
} from '@roomful/protocol'
import type { RoomAction, RoomOptions } from './base/contract.ts'
import type { Stored, StoredEvent } from './events/event.ts'
import type { HistoryEvents, HistoryPage } from './log/history.ts'
import type { Disconnected } from './ports/nodes.ts'
import type { User } from './ports/users.ts'
import type { MessageStream } from './requests/message-stream.ts'
import type { PublishOptions } from './requests/publisher.ts'
import type { RoomStateHandle, StateWriter } from './requests/state-writer.ts'
import type { UsersOfRoom } from './rooms/directory.ts'
import type { ListedRooms, RoomPage } from './rooms/room-list.ts'
import type { AskOptions } from './state/client-requests.ts'
import type { Member } from './state/namespace-state.ts'

/**
 * Runs when a client connects (`context.event` is `undefined`) and before each of its events, in the order of `use`.
 * Throw a `RoomfulError` to refuse the connection or the event.
 */
export type Middleware = (context: Context) => void | Promise<void>

/**
 * Handles an event of clients. What it returns is the acknowledgement; return a function to build it from the numbers of
 * what was stored.
 */
// biome-ignore lint/suspicious/noExplicitAny: a contract declares what a handler takes; without one every argument is allowed
export type Handler = (context: Context, ...args: any[]) => unknown

/** What a namespace announces to the listeners of `namespace.hook`, with their arguments. */
export interface NamespaceEvents {
  /** A client connected and passed every check. */
  connect: [connection: Connection]
  /** A connection is closed; the reason is a sentence for logs. */
  disconnect: [connection: Connection, reason: string]
  /** A connection joined a room. */
  join: [connection: Connection, roomId: string]
  /** A connection left a room. */
  leave: [connection: Connection, roomId: string, reason: string]
  /** A user entered a room with the first of their connections. With several nodes this runs on one of them. */
  enter: [user: User, roomId: string]
  /** The last connection of a user left a room, and the time to come back after a lost connection is over. */
  exit: [user: User, roomId: string, reason: string]
  /**
   * A durable event is in the log and was sent to its room: once per event, in the order of the log, not for a repeat under
   * the same key. A listener runs after the acknowledgement and cannot refuse. An event that was stored just before a crash
   * is not announced again.
   */
  stored: [event: StoredEvent]
}

/** A listener of one of {@link NamespaceEvents}. */
export type Listener<Name extends keyof NamespaceEvents> = (...args: NamespaceEvents[Name]) => unknown

/** Who writes a message in pieces, and how it is recognised. */
export interface StreamOptions {
  /** Under the same key it goes on with the message of before, if that was interrupted: after a crash, for example. */
  readonly key?: string
  /** Who may write and end it from a client as well; without it only the server. */
  readonly userId?: string
}

/** Chooses who receives an event. Each step returns a new emitter, so a part of the chain can be kept and used again. */
export interface Emitter {
  /**
   * Adds a room, a connection id or `user:<id>`; members of several receive one copy.
   * @param room one or several; an empty list sends to no one
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example namespace.to('general').except(connection.id).emit('notice', { text: 'Hello' })
   */
  to(room: string | readonly string[]): Emitter
  /** The same as {@link to}. */
  in(room: string | readonly string[]): Emitter
  /** Leaves out a room, a connection id or `user:<id>`. */
  except(room: string | readonly string[]): Emitter
  /** What is sent may be dropped for a client that reads too slowly. */
  readonly volatile: Emitter
  /**
   * Volatile, but a slow client receives the latest event of each key once it reads again.
   * @param key such as the id of a player whose position is sent
   */
  latest(key: string): Emitter
  /**
   * Sends an event to the clients that are connected now. An event that the contract declares durable is stored in its room
   * instead and reaches the others when they come back. A room without members is no error.
   * @param args what JSON can hold, or bytes
   * @throws RoomfulError DURABLE_NEEDS_ONE_ROOM for a durable event to several rooms, to everyone or with an exception
   * @example namespace.to(['general', 'news']).emit('notice', { text: 'The server restarts at noon' })
   */
  emit(type: string, ...args: readonly unknown[]): void
}

/** What connections have in common, whether or not a contract types their events. */
export interface ConnectionBase {
  /** Begins with `c_`; stays the same when the client resumes its session. */
  readonly id: string
  /** Who is connected, as of the latest token and role. */
  readonly user: User
  /** When the connection was opened, in ms since 1970. */
  readonly openedAt: number
  /** Address of the client: the one that a trusted proxy names, else that of the socket. */
  readonly ip: string
  /** The `User-Agent` header; empty without one. */
  readonly userAgent: string
  /** What a Socket.IO client gave as `auth`; `undefined` from other clients. */
  readonly handshake: Readonly<Record<string, unknown>> | undefined
  /** The application's own data: empty at first, and kept with the session when the client resumes it. */
  data: Record<string, unknown>
  /**
   * Puts this connection into a room; the client receives `room:joined`. Rules and capacity of the room apply. In a check
   * at connect, when the connection is not open yet, use `context.join`.
   * @throws RoomfulError (rejects) DISCONNECTED, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  join(roomId: string): Promise<void>
  /**
   * Takes this connection out of a room; the client receives `room:left`.
   * @param reason sent to the client
   * @returns false when it was not in the room
   */
  leave(roomId: string, reason?: string): Promise<boolean>
}

/** One client in a namespace. */
export interface Connection extends ConnectionBase {
  /**
   * Sends an event to this client alone; does nothing once the connection is closed. In a check at connect use
   * `context.emit`.
   */
  emit(type: string, ...args: readonly unknown[]): void
  /**
   * Asks this client and waits for its answer: a Socket.IO client answers in its callback, the SDK in `client.onRequest`, a
   * plain client with `{ack, data}`. Sent at once, before what a handler recorded.
   * @throws RoomfulError (rejects) TIMEOUT after `timeoutMs` (5,000 ms by default), DISCONNECTED, CANNOT_ANSWER, UNAVAILABLE
   *   when too many requests wait for this client, INVALID_MESSAGE for an answer that the contract does not allow, or what
   *   the client refused with; rejects with the reason of `signal` when that is aborted
   * @example const { isSure } = await context.connection.request('confirm', { item }, { timeoutMs: 10_000 })
   */
  request(event: string, data?: unknown, options?: AskOptions): Promise<unknown>
  /** As {@link request}, for events that take several arguments. */
  call(event: string, ...args: readonly unknown[]): Promise<unknown>
}

/** What contexts have in common, whether or not a contract types their events. */
export interface ContextBase {
  /** The event that is handled; `undefined` in a check at connect. */
  readonly event: string | undefined
  /** The idempotency key of the request, when it has one: use it to run side effects of your own once. */
  readonly key: string | undefined
  /** Id of the connection. */
  readonly id: string
  /** Who sent the request. */
  readonly user: User
  /** Aborted when the request timed out or was refused, or its connection closed. */
  readonly signal: AbortSignal
  /** Whose quota pays for what is stored: the user's id, or one id for all guests of an address. */
  readonly account: string
  /** Rooms that the connection is in. */
  readonly rooms: ReadonlySet<string>
  /** Whether the connection is in a room, counting joins and leaves that it asked for before. */
  isIn(roomId: string): boolean
  /**
   * Puts the connection into a room together with the other effects of the request. Rules and capacity are checked now.
   * @param after the position after which missed events are sent
   * @returns a promise only when a rule or the log has to be waited for
   * @throws RoomfulError ROOM_NAME_INVALID, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, RATE_LIMITED
   */
  join(roomId: string, after?: Position | number): void | Promise<void>
  /** Takes the connection out of a room. @throws RoomfulError ROOM_NAME_INVALID */
  leave(roomId: string): void
  /** Takes the connection out of every room but its personal one. */
  leaveAll(): void
  /**
   * Begins a message whose text comes in pieces, and waits until that is stored. Members get the pieces as they are appended;
   * who joins or comes back in the middle gets the text so far, whole, and then the rest. Go on writing in the background, and
   * return: a handler has only some seconds.
   * @param start fields of the event beside its text; a `content` is the text that it begins with
   * @param options `key`: under the same key it goes on with the message of before, if that was interrupted
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, RATE_LIMITED, CONFLICT, UNAVAILABLE
   * @example
   * const answer = await context.stream(roomId, 'message:new', { userId: 'assistant', name: 'Assistant' })
   * void answer.write(model.generate(question, { signal: answer.signal }))
   * return { seq: answer.seq }
   */
  stream(
    roomId: string,
    type: string,
    start?: Readonly<Record<string, unknown>>,
    options?: { readonly key?: string },
  ): Promise<MessageStream>
  /**
   * The state of a room, to be changed together with the other effects: all of them are stored, or none. A change that was
   * made for another version than there is refuses the request with CONFLICT.
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example context.state('board').set('turn', 'black', { version })
   */
  state(roomId: string): StateWriter
  /** Asks the rule of a room for an action. @throws RoomfulError FORBIDDEN, ROOM_NAME_INVALID */
  check(action: RoomAction, roomId: string): true | Promise<true>
}

/**
 * A request as its handler sees it. Effects are recorded and happen together when the handler succeeds: when it throws,
 * nothing is stored, sent or joined.
 */
export interface Context extends ContextBase {
  /** The connection that sent the request. */
  readonly connection: Connection
  /** Sends an event to this connection alone. */
  emit(type: string, ...args: readonly unknown[]): void
  /** To rooms, without this connection. A durable event leaves no one out: use {@link append}. */
  to(room: string | readonly string[]): Emitter
  /** To rooms, this connection included. */
  toAll(room: string | readonly string[]): Emitter
  /** To everyone in the namespace but this connection. */
  readonly broadcast: Emitter
  /** To all rooms of this connection, without the connection itself; personal rooms are left out. */
  toRooms(): Emitter
  /**
   * Stores a durable event in a room together with the other effects of the request, and sends it to the members once it is
   * stored. The acknowledgement follows the storing.
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example
   * namespace.on('say', (context, { roomId, text }) => {
   *   context.append(roomId, 'message:new', { text, from: context.user.name })
   *   return ([stored]) => ({ seq: stored?.seq })
   * })
   */
  append(roomId: string, type: string, ...args: readonly unknown[]): void
  /**
   * Stores a durable event now, apart from the other effects, and waits for it. Costs a commit of its own: prefer
   * {@link append} unless the numbers are needed within the handler.
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, RATE_LIMITED, CONFLICT, UNAVAILABLE
   */
  publish(roomId: string, type: string, ...args: readonly unknown[]): Promise<Stored>
}

/** What namespaces have in common, whether or not a contract types their events. */
export interface NamespaceBase {
  /** Such as `/tasks`. */
  readonly name: string
  /**
   * Adds the events of a contract to those declared so far, so that each part of an application brings its own.
   * @returns this namespace, typed by that contract
   * @throws Error when one of its events is declared already
   * @example const tasks = roomful.get('/').extend(tasksContract)
   */
  extend<const C extends Contract>(contract: C): TypedNamespace<C>
  /**
   * Adds a check that runs at connect and before every event, in the order of adding.
   * @example
   * namespace.use(({ user }) => {
   *   if (user.guest) throw new RoomfulError('FORBIDDEN', 'Please sign in')
   * })
   */
  use(middleware: Middleware): this
  /**
   * Declares rooms and their rules; the first pattern that matches a room applies. Once a namespace declares rooms, others
   * are refused unless its option `open` is set.
   * @param pattern a room id in which each `*` stands for any characters
   * @example
   * namespace.room('team-*', {
   *   capacity: 50,
   *   allow: { join: (user, roomId) => isMember(user.sub, roomId) },
   * })
   */
  room(pattern: string, options?: RoomOptions): this
  /**
   * Begins a message whose text comes in pieces, as `context.stream` does: for what the server itself has to say.
   * @param start fields of the event beside its text; a `content` is the text that it begins with
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, RATE_LIMITED, CONFLICT, EXPIRED, UNAVAILABLE
   * @example
   * const news = await namespace.stream('news', 'message:new', { userId: 'news', name: 'News' })
   * news.append('Breaking: ')
   * await news.complete()
   */
  stream(
    roomId: string,
    type: string,
    start?: Readonly<Record<string, unknown>>,
    options?: StreamOptions,
  ): Promise<MessageStream>
  /**
   * The state of a room, to be read and changed outside of a request; within one use `context.state`.
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example await namespace.roomState('board').set('turn', 'white')
   */
  roomState(roomId: string): RoomStateHandle
  /**
   * Empties the body of a stored event; its number stays in the log.
   * @returns false when there was no such event
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  redact(roomId: string, seq: number): Promise<boolean>
  /**
   * Empties the bodies of all stored events of a user.
   * @returns how many events were emptied
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  redactUser(userId: string): Promise<number>
  /** Whether a user has an open connection to the namespace, on this node. Of all nodes: {@link onlineUsers}. */
  isOnline(userId: string): boolean
  /**
   * Those of these users who are online on any node: with an open connection, or expected back after a cut.
   * @throws RoomfulError (rejects) UNAVAILABLE, with several nodes
   */
  onlineUsers(userIds: readonly string[]): Promise<ReadonlySet<string>>
  /** Users in a room, on all nodes. @throws RoomfulError (rejects) UNAVAILABLE, with several nodes */
  roomUsers(roomId: string): Promise<Member[]>
  /** The same, with their number and the version of the list. */
  presenceOf(roomId: string): Promise<UsersOfRoom>
  /**
   * How many users are in a room, on all nodes, as this node knows it: 0 for a room in which no connection of this node is.
   * Then ask {@link presenceOf}.
   */
  userCount(roomId: string): number
  /**
   * Whether a user is in a room with any connection, or lost the connection and is expected back: as this node knows it, as
   * with {@link userCount}.
   */
  hasUser(roomId: string, userId: string): boolean
  /**
   * Reads a page of a room's log as clients see it, oldest event first.
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, UNAVAILABLE
   * @example const { events, more } = await namespace.history('general', { limit: 50 })
   */
  history(roomId: string, page: HistoryPage): Promise<HistoryEvents>
  /**
   * Rooms that have members on any node, by name, with their numbers of users; personal rooms are left out.
   * @param page those behind `after`, at most `limit` (100 by default)
   * @throws RoomfulError (rejects) UNAVAILABLE, with several nodes
   * @example const { rooms, more } = await namespace.listRooms({ after: 'general', limit: 20 })
   */
  listRooms(page?: RoomPage): Promise<ListedRooms>
  /** Those in which connections of this node are, all of them, in no order. */
  openRooms(): { roomId: string; count: number }[]
  /**
   * Closes every connection of a user, or one connection, on whatever node; those of this node before it returns.
   * @param userOrConnection id of a user or of a connection
   * @param code the WebSocket close code; 4009 by default, after which the SDK does not reconnect
   * @param reason sent to the client
   * @returns how many were closed, and how many other nodes answered; it never rejects for one that is gone
   */
  disconnect(userOrConnection: string, code?: number, reason?: string): Promise<Disconnected>
  /**
   * Puts every connection of a user, or one connection, into a room: all or none. Rules and capacity apply; the clients
   * receive `room:joined`. Connections opened later are not included.
   * @param userOrConnection id of a user or of a connection
   * @returns how many connections are in the room now
   * @throws RoomfulError (rejects) FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  join(userOrConnection: string | { readonly id: string }, roomId: string): Promise<number>
  /**
   * Takes every connection of a user, or one connection, out of a room; the clients receive `room:left`.
   * @param reason sent to the clients
   * @returns how many were in it
   */
  leave(userOrConnection: string | { readonly id: string }, roomId: string, reason?: string): Promise<number>
}

/**
 * A separately guarded endpoint with its own checks, handlers, rooms and log. Made by `roomful.namespace`; with a contract
 * it is a `TypedNamespace`.
 */
export interface Namespace extends NamespaceBase {
  /** Open connections of this node by id. */
  readonly connections: ReadonlyMap<string, Connection>
  /**
   * Handles an event that clients send, whatever its name: `join` and `leave` are events like others here. What the handler
   * returns is the acknowledgement.
   * @throws Error when the event has a handler already, the contract does not declare it, or no Socket.IO client can send it
   * @example
   * namespace.on('task:add', (context, { title }) => {
   *   context.append('tasks', 'task:added', { title })
   * })
   */
  on(event: string, handler: Handler): this
  /**
   * Runs a listener when something happens on the server: a connection opens or closes, a user enters a room, an event is
   * stored. What it throws is reported and affects nothing else.
   * @throws Error when there is no hook of this name
   * @example namespace.hook('stored', ({ type, roomId, data }) => { if (type === 'message:new') index(roomId, data) })
   */
  hook<Name extends keyof NamespaceEvents>(name: Name, listener: Listener<Name>): this
  /**
   * Sends an event to everyone in the namespace who is connected now.
   * @example namespace.emit('notice', { text: 'Lunch is ready' })
   */
  emit(type: string, ...args: readonly unknown[]): void
  /**
   * Chooses rooms, connection ids or `user:<id>` to send to.
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example namespace.to('general').emit('notice', { text: 'Lunch is ready' })
   */
  to(room: string | readonly string[]): Emitter
  /** The same as {@link to}. */
  in(room: string | readonly string[]): Emitter
  /** Everyone, without the members of a room or one connection. */
  except(room: string | readonly string[]): Emitter
  /** What is sent may be dropped for a client that reads too slowly. */
  readonly volatile: Emitter
  /**
   * Stores a durable event in a room and sends it to the members: for what the server itself has to say.
   * @returns its numbers, once it is stored
   * @throws RoomfulError (rejects) UNAVAILABLE, CONFLICT, EXPIRED, ROOM_NAME_INVALID
   * @example await namespace.publish('orders', 'order:paid', [{ id }], { key: `paid-${id}` })
   */
  publish(roomId: string, type: string, args: readonly unknown[], options?: PublishOptions): Promise<Stored>
}

/** What a handler returns: a value, or a function of what was stored. */
export type Answer<Definition extends EventDefinition> =
  | (unknown extends GivenAck<Definition> ? Anything : GivenAck<Definition>)
  | ((stored: readonly Stored[]) => GivenAck<Definition>)

/** As `unknown`, which would swallow the function beside it and with it the type of its argument. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing
type Anything = object | string | number | boolean | null | undefined | void

type ServerName<C extends Contract> = keyof C['server'] & string
type ClientName<C extends Contract> = keyof C['client'] & string
/** Names of durable events; the others reach the clients that are connected now. */
export type DurableName<C extends Contract> = {
  [Name in ServerName<C>]: C['server'][Name] extends { durable: true } ? Name : never
}[ServerName<C>]
/** Names of events that one client is asked and answers. */
export type AskedName<C extends Contract> = {
  [Name in ServerName<C>]: C['server'][Name] extends { ack: object } ? Name : never
}[ServerName<C>]
type PassingName<C extends Contract> = Exclude<ServerName<C>, DurableName<C> | AskedName<C>>

/** A {@link Connection} whose events a contract declares. */
export interface TypedConnection<C extends Contract> extends ConnectionBase {
  /** Sends an event to this client alone; does nothing once the connection is closed. */
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
  /**
   * Asks this client and waits for its answer, which the contract's schema has checked.
   * @throws RoomfulError (rejects) TIMEOUT after `timeoutMs` (5,000 ms by default), DISCONNECTED, CANNOT_ANSWER, UNAVAILABLE,
   *   INVALID_MESSAGE, or what the client refused with
   * @example const { isSure } = await context.connection.request('confirm', { item }, { timeoutMs: 10_000 })
   */
  request<Name extends AskedName<C>>(
    event: Name,
    ...[data, options]: SentData<C['server'][Name]> extends undefined
      ? [data?: undefined, options?: AskOptions]
      : [data: SentData<C['server'][Name]>, options?: AskOptions]
  ): Promise<ReceivedAck<C['server'][Name]>>
  /** As {@link request}, for events that take several arguments. */
  call<Name extends AskedName<C>>(
    event: Name,
    ...args: SentArgs<C['server'][Name]>
  ): Promise<ReceivedAck<C['server'][Name]>>
}

/** Sends to several rooms, to everyone or with an exception: a durable event is a type error, as it needs one room. */
export interface CombinedEmitter<C extends Contract> {
  /** Adds a room, a connection id or `user:<id>`; members of several receive one copy. @throws RoomfulError ROOM_NAME_INVALID */
  to(room: string | readonly string[]): CombinedEmitter<C>
  /** The same as {@link to}. */
  in(room: string | readonly string[]): CombinedEmitter<C>
  /** Leaves out a room, a connection id or `user:<id>`. */
  except(room: string | readonly string[]): CombinedEmitter<C>
  /** What is sent may be dropped for a client that reads too slowly. */
  readonly volatile: CombinedEmitter<C>
  /** Volatile, but a slow client receives the latest event of each key once it reads again. */
  latest(key: string): CombinedEmitter<C>
  /** Sends an event to the clients that are connected now. */
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
}

/** Sends to exactly one room: any event of the contract, durable ones included. */
export interface RoomEmitter<C extends Contract> extends Omit<CombinedEmitter<C>, 'emit'> {
  /**
   * Sends an event to the members who are connected now; an event that the contract declares durable is stored in the room.
   * @example namespace.to('general').emit('message:new', { text: 'Hello' })
   */
  emit<Name extends ServerName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
}

/** A `Context` whose events a contract declares: a request as its handler sees it. */
export interface TypedContext<C extends Contract> extends ContextBase {
  /** The connection that sent the request. */
  readonly connection: TypedConnection<C>
  /** Sends an event to this connection alone. */
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
  /** To rooms, without this connection. A durable event leaves no one out: use {@link append}. */
  to(room: string | readonly string[]): CombinedEmitter<C>
  /** To rooms, this connection included. */
  toAll(room: string | readonly string[]): RoomEmitter<C>
  /** To everyone in the namespace but this connection. */
  readonly broadcast: CombinedEmitter<C>
  /** To all rooms of this connection, without the connection itself; personal rooms are left out. */
  toRooms(): CombinedEmitter<C>
  /**
   * Stores a durable event in a room together with the other effects of the request, and sends it to the members once it is
   * stored. The acknowledgement follows the storing.
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example context.append('tasks', 'task:added', { title })
   */
  append<Name extends DurableName<C>>(roomId: string, type: Name, ...args: SentArgs<C['server'][Name]>): void
  /**
   * Stores a durable event now, apart from the other effects, and waits for it.
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, RATE_LIMITED, CONFLICT, UNAVAILABLE
   */
  publish<Name extends DurableName<C>>(
    roomId: string,
    type: Name,
    ...args: SentArgs<C['server'][Name]>
  ): Promise<Stored>
}

/** The connection that comes first, with the contract's names. */
type Typed<C extends Contract, Args extends readonly unknown[]> = Args extends [connection: Connection, ...infer Rest]
  ? [connection: TypedConnection<C>, ...Rest]
  : Args

/** A conditional type, so that literals in what a handler returns keep their types: they are checked against its event. */
type HandlerOf<C extends Contract, Name> =
  Name extends ClientName<C>
    ? (
        context: TypedContext<C>,
        ...args: ReceivedArgs<C['client'][Name]>
      ) => Answer<C['client'][Name]> | Promise<Answer<C['client'][Name]>>
    : never

/** A `Namespace` whose events a contract declares. */
export interface TypedNamespace<C extends Contract> extends NamespaceBase {
  /** Open connections of this node by id. */
  readonly connections: ReadonlyMap<string, TypedConnection<C>>
  /**
   * Handles an event that clients send. What the handler returns is the acknowledgement.
   * @throws Error when the event has a handler already, or no Socket.IO client can send it
   * @example
   * tasks.on('task:add', (context, { title }) => {
   *   context.append('tasks', 'task:added', { title })
   * })
   */
  on<Name extends ClientName<C>>(event: Name, handler: HandlerOf<C, Name>): TypedNamespace<C>
  /**
   * Runs a listener when something happens on the server (`connect`, `disconnect`, `join`, `leave`, `enter`, `exit`,
   * `stored`). What it throws is reported and affects nothing else.
   * @throws Error when there is no hook of this name
   * @example tasks.hook('enter', (user, roomId) => tasks.to(roomId).emit('greeting', { name: user.name }))
   */
  hook<Name extends keyof NamespaceEvents>(
    name: Name,
    listener: (...args: Typed<C, NamespaceEvents[Name]>) => unknown,
  ): TypedNamespace<C>
  /** Sends an event to everyone in the namespace who is connected now. */
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
  /**
   * Chooses a room, a connection id or `user:<id>` to send to.
   * @throws RoomfulError ROOM_NAME_INVALID
   * @example tasks.to('tasks').emit('task:added', { title: 'Buy milk' })
   */
  to(room: string): RoomEmitter<C>
  /** Chooses several of them. */
  to(rooms: readonly string[]): CombinedEmitter<C>
  /** The same as {@link to}. */
  in(room: string): RoomEmitter<C>
  /** The same as {@link to}. */
  in(rooms: readonly string[]): CombinedEmitter<C>
  /** Everyone, without the members of a room or one connection. */
  except(room: string | readonly string[]): CombinedEmitter<C>
  /** What is sent may be dropped for a client that reads too slowly. */
  readonly volatile: CombinedEmitter<C>
  /**
   * Stores a durable event in a room and sends it to the members: for what the server itself has to say.
   * @returns its numbers, once it is stored
   * @throws RoomfulError (rejects) UNAVAILABLE, CONFLICT, EXPIRED, ROOM_NAME_INVALID
   * @example await orders.publish('orders', 'order:paid', [{ id }], { key: `paid-${id}` })
   */
  publish<Name extends DurableName<C>>(
    roomId: string,
    type: Name,
    args: SentArgs<C['server'][Name]>,
    options?: PublishOptions,
  ): Promise<Stored>
}

/** Methods of a namespace by which a lead speaks. */
type Speaking = 'publish' | 'emit' | 'to' | 'in' | 'except' | 'volatile'

/** A namespace in which only the node that leads is heard. */
export type FencedNamespace = Pick<Namespace, Speaking>

/** What runs once, as `roomful.lead` starts it: throw, and it runs again after a while. */
export type LeadRun = (lead: Lead) => void | Promise<void>

/** This node's turn to run what runs once. */
export interface Lead {
  readonly name: string
  /** Grows with each node that leads. */
  readonly fence: number
  /**
   * Aborted when this node leads no more: it closes, it lost Redis, or it was suspended. End timers and loops then. The run
   * after a failure has a signal of its own.
   */
  readonly lost: AbortSignal
  /**
   * The namespace, to publish and emit in. What is sent through it is refused with LEAD_LOST, and stored nowhere, once
   * another node leads, even if this one was suspended and does not know it yet.
   * @example lead.fenced(market).to('market').emit('price:update', { symbol, price })
   */
  fenced<Given extends NamespaceBase & Record<Speaking, unknown>>(namespace: Given): Pick<Given, Speaking>
  /**
   * Answers what `ask` asks, on whatever node: within a second, with what JSON can hold. Throw a `RoomfulError` to refuse.
   * @example lead.answer(({ roomId, user }: Seat) => tables.sit(roomId, user))
   */
  answer<Question = unknown>(handler: (question: Question) => unknown): void
}

/** What runs once, as any node sees it. */
export interface Leading {
  /** Whether this node leads. */
  readonly isHere: boolean
  /**
   * Asks the node that leads, which may be this one. While none does, it waits for up to three seconds.
   * @returns what its `answer` returns
   * @throws RoomfulError (rejects) what the answer refuses with, or UNAVAILABLE: with no answer it may have been done or not
   */
  ask<Answer = unknown>(question: unknown): Promise<Answer>
}
