/**
 * A separately guarded endpoint: its checks, events, rooms and one log. Applications use it as the interface of api.ts; the
 * parts that do the work are put together here.
 */
import { fromJson } from '@roomful/protocol'
import type { Namespace as NamespaceApi, StreamOptions, TypedNamespace } from './api.ts'
import type { Contract, EventDefinition, NamespaceOptions, RoomOptions } from './base/contract.ts'
import { checkRoomId } from './base/contract.ts'
import type { Runtime } from './base/runtime.ts'
import type { HotBudget } from './events/hot-tail.ts'
import type { CatchUp } from './log/catch-up.ts'
import { Commit } from './log/commit.ts'
import type { Stored } from './log/effects.ts'
import type { Delivery } from './log/fan-out.ts'
import { FanOut } from './log/fan-out.ts'
import { type HistoryEvents, type HistoryPage, readHistory } from './log/history.ts'
import type { SavedSessions } from './log/saved-sessions.ts'
import type { StateChange } from './ports/broker.ts'
import type { Disconnected } from './ports/nodes.ts'
import { type ConnectionControl, Dispatch } from './requests/dispatch.ts'
import type { Emitter } from './requests/emit.ts'
import type { RequestParts } from './requests/handlers.ts'
import { type Handler, type HandlerEntry, Handlers, type Middleware } from './requests/handlers.ts'
import { Idempotency } from './requests/idempotency.ts'
import type { MessageStream } from './requests/message-stream.ts'
import { Publisher, type PublishOptions } from './requests/publisher.ts'
import { type ChangedState, checkName, checkWhole, type RoomStateHandle, stateJson } from './requests/state-writer.ts'
import { Streams } from './requests/streams.ts'
import { Access } from './rooms/access.ts'
import { RoomDirectory, type UsersOfRoom } from './rooms/directory.ts'
import { Inboxes } from './rooms/inboxes.ts'
import { Joins } from './rooms/joins.ts'
import { OpenRooms } from './rooms/open-rooms.ts'
import { Placement } from './rooms/placement.ts'
import { FormerNodes } from './rooms/presence/former-nodes.ts'
import { RoomPresence } from './rooms/presence/room-presence.ts'
import { ThrottledFanOut } from './rooms/presence/throttled-fan-out.ts'
import { UserPresence } from './rooms/presence/user-presence.ts'
import { isListed, type ListedRooms, type RoomPage } from './rooms/room-list.ts'
import { Seats } from './rooms/seats.ts'
import type { NamespaceParts } from './sessions/namespaces.ts'
import type { SharedLimits } from './state/limits.ts'
import { type Connection, type Member, type NamespaceEvents, NamespaceState } from './state/namespace-state.ts'
import type { TransientPolicy } from './state/transients.ts'

export type Listener<Name extends keyof NamespaceEvents> = (...args: NamespaceEvents[Name]) => unknown

/** Names that the official Socket.IO client keeps for itself. */
const UNSENDABLE: ReadonlySet<string> = new Set([
  ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'],
])

/** What all namespaces of a server share. */
export interface SharedParts {
  readonly runtime: Runtime
  readonly hotBudget: HotBudget
  readonly catchUp: CatchUp
  readonly delivery: Delivery
  readonly savedSessions: SavedSessions
  readonly sharedLimits: SharedLimits
  readonly transients: TransientPolicy
  readonly control: ConnectionControl
}

export class Namespace implements NamespaceApi, NamespaceParts {
  readonly state: NamespaceState
  readonly rooms: OpenRooms
  readonly directory: RoomDirectory
  readonly presence: RoomPresence
  readonly users: UserPresence
  readonly inboxes: Inboxes
  readonly requests: RequestParts
  private readonly runtime: Runtime
  private readonly control: ConnectionControl
  private readonly clientEvents = new Map<string, EventDefinition>()

  constructor(shared: SharedParts, name: string, contract: Contract | undefined, options: NamespaceOptions) {
    const { runtime, hotBudget, catchUp, delivery, savedSessions, sharedLimits, transients, control } = shared
    const state = new NamespaceState(runtime, name, contract, options, transients)
    const rooms = new OpenRooms(runtime, state, hotBudget)
    const fanOut = new FanOut(runtime, state, {
      catchUp,
      delivery,
      inboxes: {
        wake: (roomId) => inboxes.wake(roomId),
        onStored: (roomId, seq) => inboxes.onStored(roomId, seq),
        onReleased: (room, seq) => inboxes.onReleased(room, seq),
      },
    })
    const commit = new Commit(runtime, state, fanOut)
    const throttle = new ThrottledFanOut(runtime, state, fanOut)
    const seats = new Seats(runtime, state, rooms)
    const formerNodes = new FormerNodes(runtime, state)
    const presence = new RoomPresence(runtime, state, { rooms, seats, fanOut, throttle, formerNodes })
    const access = new Access(runtime, delivery, (connection, roomId, reason) =>
      joins.leave(connection, roomId, reason),
    )
    const joins = new Joins(runtime, state, {
      rooms,
      access,
      seats,
      presence,
      catchUp,
      savedSessions,
      sharedLimits,
    })
    const inboxes = new Inboxes(runtime, state, { joins, catchUp, savedSessions })
    const placement = new Placement(runtime, state, { joins, commit, catchUp, delivery, savedSessions })
    seats.onTaken = (room, userId, reason) => placement.unseat(room, userId, reason)
    const publisher = new Publisher(runtime, state, { commit, fanOut })
    const streams = new Streams(runtime, state, { publisher, fanOut, rooms })
    rooms.readFacts = async (room, { isGrowing, hasState }) => {
      if (isGrowing) await fanOut.texts.load(room)
      if (hasState) await fanOut.states.load(room)
    }
    this.runtime = runtime
    this.control = control
    this.state = state
    this.rooms = rooms
    this.directory = new RoomDirectory(runtime, state)
    this.presence = presence
    this.users = new UserPresence(runtime, state, { fanOut, delivery, throttle, formerNodes })
    this.inboxes = inboxes
    this.requests = {
      runtime,
      handlers: new Handlers(),
      commit,
      idempotency: new Idempotency(runtime.broker, name),
      publisher,
      streams,
      fanOut,
      delivery,
      catchUp,
      joins,
      placement,
      access,
      savedSessions,
      sharedLimits,
    }
    state.dispatch = new Dispatch(this.requests, control)
    state.host = {
      join: (connection, roomId) => placement.join(connection, roomId),
      leave: (connection, roomId, reason) => placement.leave(connection, roomId, reason),
      emit: (connection, type, args) =>
        publisher
          .emitter()
          .to(connection.id)
          .emit(type, ...args),
    }
    if (contract) this.extend(contract)
  }

  get name(): string {
    return this.state.name
  }

  get connections(): ReadonlyMap<string, Connection> {
    return this.state.connections
  }

  extend<const C extends Contract>(contract: C): TypedNamespace<C> {
    declare(this.clientEvents, contract.client, `${this.name} declares a client event`)
    declare(this.state.serverEvents, contract.server, `${this.name} declares a server event`)
    this.state.factSchemas.add(contract)
    return this as unknown as TypedNamespace<C>
  }

  use(middleware: Middleware): this {
    this.requests.handlers.middleware.push(middleware)
    return this
  }

  room(pattern: string, options: RoomOptions = {}): this {
    this.state.declarations.add(pattern, options)
    return this
  }

  on(event: string, handler: Handler): this {
    if (UNSENDABLE.has(event)) {
      const hint = this.state.subscribers.has(event) ? `; for what happens on the server use hook('${event}', …)` : ''
      throw new Error(`Clients cannot send an event ${JSON.stringify(event)}${hint}`)
    }
    return this.handle(event, handler)
  }

  hook<Name extends keyof NamespaceEvents>(name: Name, listener: Listener<Name>): this {
    if (!this.state.subscribers.has(name)) throw new Error(`There is no hook ${JSON.stringify(name)}`)
    this.state.subscribers.add(name, listener)
    return this
  }

  /** As `on`, for the events of Roomful itself. */
  handle(event: string, handler: Handler, more: Partial<Omit<HandlerEntry, 'handler'>> = {}): this {
    if (this.requests.handlers.byEvent.has(event))
      throw new Error(`${this.name} has a handler for ${JSON.stringify(event)} already`)
    const declared = this.clientEvents.get(event)
    if (this.state.contract && !declared && !more.definition && !more.uncounted) {
      throw new Error(`The contract of ${this.name} does not declare a client event ${JSON.stringify(event)}`)
    }
    const { definition = declared, uncounted = false, isByNumber = false, answerAs, ackFrom } = more
    this.requests.handlers.byEvent.set(event, { handler, definition, uncounted, isByNumber, answerAs, ackFrom })
    return this
  }

  /** For events that have no handler: one of a package that learns their names later. */
  handleOthers(handler: Handler): void {
    const none = { definition: undefined, uncounted: false, isByNumber: false, answerAs: undefined, ackFrom: undefined }
    this.requests.handlers.others = { handler, ...none }
  }

  emit(type: string, ...args: readonly unknown[]): void {
    this.emitter().emit(type, ...args)
  }

  to(room: string | readonly string[]): Emitter {
    return this.emitter().to(room)
  }

  in(room: string | readonly string[]): Emitter {
    return this.to(room)
  }

  except(room: string | readonly string[]): Emitter {
    return this.emitter().except(room)
  }

  get volatile(): Emitter {
    return this.emitter().volatile
  }

  publish(roomId: string, type: string, args: readonly unknown[], options?: PublishOptions): Promise<Stored> {
    return this.requests.publisher.publish(roomId, type, args, options)
  }

  stream(
    roomId: string,
    type: string,
    start: Readonly<Record<string, unknown>> = {},
    { key, userId }: StreamOptions = {},
  ): Promise<MessageStream> {
    return this.requests.streams.open(roomId, type, start, { key, userId })
  }

  roomState(roomId: string): RoomStateHandle {
    const { publisher, fanOut } = this.requests
    const room = checkRoomId(roomId)
    const change = async (made: StateChange, userId: string | undefined): Promise<ChangedState> => {
      const wanted = made.kind === 'set' || made.kind === 'delete' ? made.version : undefined
      const { version, value } = await publisher.change(room, made, userId, this.state.epochOfVersion(room, wanted))
      return { version, value: value === undefined ? undefined : fromJson(value) }
    }
    return {
      read: ({ after } = {}) => fanOut.states.page(room, after),
      set: async (name, value, { version, userId } = {}) =>
        change({ kind: 'set', name: checkName(name), value: stateJson(value), version }, userId),
      delete: async (name, { version, userId } = {}) =>
        change({ kind: 'delete', name: checkName(name), version }, userId),
      add: async (name, by = 1, { userId } = {}) =>
        change({ kind: 'add', name: checkName(name), by: checkWhole(by) }, userId),
    }
  }

  /** @param epoch of the log that the number is of */
  async redact(roomId: string, seq: number, epoch?: string): Promise<boolean> {
    const isDone = await this.runtime.broker.redact(this.name, roomId, seq, epoch)
    const room = this.state.rooms.get(roomId)
    room?.tail.clear(room.head) // what is read from now on comes from the log
    return isDone
  }

  async redactUser(userId: string): Promise<number> {
    const count = await this.runtime.broker.redactUser(this.name, userId)
    for (const room of this.state.rooms.values()) room.tail.clear(room.head)
    return count
  }

  async roomUsers(roomId: string): Promise<Member[]> {
    return [...(await this.directory.usersOf(roomId)).users]
  }

  async presenceOf(roomId: string): Promise<UsersOfRoom> {
    return this.directory.usersOf(roomId)
  }

  async onlineUsers(userIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.directory.online(userIds)
  }

  isOnline(userId: string): boolean {
    return (this.state.users.get(userId)?.connections.size ?? 0) > 0
  }

  userCount(roomId: string): number {
    return this.state.rooms.get(roomId)?.count ?? 0
  }

  hasUser(roomId: string, userId: string): boolean {
    return this.state.rooms.get(roomId)?.users.has(userId) ?? false
  }

  history(roomId: string, page: HistoryPage): Promise<HistoryEvents> {
    return readHistory(this.runtime, this.state, checkRoomId(roomId), page)
  }

  async listRooms(page?: RoomPage): Promise<ListedRooms> {
    return this.directory.list(page)
  }

  openRooms(): { roomId: string; count: number }[] {
    const list: { roomId: string; count: number }[] = []
    for (const room of this.state.rooms.values()) if (isListed(room)) list.push({ roomId: room.id, count: room.count })
    return list
  }

  async disconnect(
    userOrConnection: string,
    code = 4009,
    reason = 'Disconnected by the server',
  ): Promise<Disconnected> {
    const here = this.closeHere(userOrConnection, code, reason)
    const what = [userOrConnection, code, reason]
    const { asked, answered, answers } = await this.runtime.nodes.ask<number>('disconnect', what, this.name)
    return { connections: answers.reduce((sum, { value }) => sum + value, here), nodes: { asked, answered } }
  }

  /** @returns how many connections of this node were closed */
  closeHere(userOrConnection: string, code: number, reason: string): number {
    const targets = this.state.connectionsOf(userOrConnection)
    for (const connection of targets) this.control.close(connection, code, reason)
    return targets.length
  }

  join(userOrConnection: string | { readonly id: string }, roomId: string): Promise<number> {
    return this.requests.placement.joinUser(idOf(userOrConnection), roomId)
  }

  leave(userOrConnection: string | { readonly id: string }, roomId: string, reason?: string): Promise<number> {
    return this.requests.placement.leaveUser(idOf(userOrConnection), roomId, reason)
  }

  private emitter(): Emitter {
    return this.requests.publisher.emitter()
  }
}

function idOf(given: string | { readonly id: string }): string {
  return typeof given === 'string' ? given : given.id
}

function declare(
  known: Map<string, EventDefinition>,
  more: Readonly<Record<string, EventDefinition>>,
  sentence: string,
): void {
  for (const [name, definition] of Object.entries(more)) {
    if (known.has(name)) throw new Error(`${sentence} ${JSON.stringify(name)} already`)
    known.set(name, definition)
  }
}
