/**
 * A separately guarded endpoint: its middleware, events, rooms and one log. This is what applications hold; the parts
 * that do the work are its members.
 */

import { isRecord, toJson } from '@roomful/protocol'
import { Commit, type Unit } from './commit.ts'
import { Connection } from './connection.ts'
import type { Contract, EventDefinition } from './contract.ts'
import { type AppendEffect, type EmitEffect, EVERYONE, type Stored, type StoredEvent } from './effects.ts'
import { Emitter } from './emit.ts'
import { RoomfulError } from './errors.ts'
import { RoomEvent } from './event.ts'
import { FanOut } from './fan-out.ts'
import { fingerprint } from './fingerprint.ts'
import { type HistoryEvents, type HistoryPage, readHistory } from './history.ts'
import type { Hub } from './hub.ts'
import { Inboxes } from './inboxes.ts'
import { checkRoomId } from './members.ts'
import type { Handler, HandlerEntry, Middleware, NamespaceOptions } from './namespace-declaration.ts'
import type { AppendKey, StoredRow } from './ports/broker.ts'
import { type Member, membersOf } from './presence/member.ts'
import { Pace } from './presence/pace.ts'
import { RoomPresence } from './presence/room-presence.ts'
import { UserPresence } from './presence/user-presence.ts'
import { checkKeyAge, Repeats } from './repeats.ts'
import { Room } from './room.ts'
import { RoomDeclarations, type RoomOptions } from './room-declaration.ts'
import { isListed, type ListedRooms, listPage, type RoomPage } from './room-list.ts'
import { type Listener, type NamespaceEvents, Subscribers } from './subscribers.ts'
import type { TypedNamespace } from './typed.ts'
import type { User } from './user.ts'

export interface PublishOptions {
  /** Makes a repeat recognisable. */
  readonly key?: string
  /** Whose key; the server's own without it, and then each room has keys of its own. */
  readonly scope?: string
  readonly userId?: string
}

export class Namespace {
  readonly name: string
  readonly contract: Contract | undefined
  readonly options: NamespaceOptions
  readonly handlers = new Map<string, HandlerEntry>()
  readonly middleware: Middleware[] = []
  readonly declarations = new RoomDeclarations()
  readonly rooms = new Map<string, Room>()
  readonly connections = new Map<string, Connection>()
  readonly sessions = new Map<string, Connection>()
  /** Names in use by guests, so that two are never alike: key of the name → user id. */
  readonly guestNames = new Map<string, string>()
  readonly commit: Commit
  readonly repeats: Repeats
  readonly fanOut: FanOut
  readonly presence: RoomPresence
  readonly users: UserPresence
  readonly inboxes: Inboxes
  /** Server events that the house declares, beside the contract's. */
  readonly vocabulary = new Set<string>()
  /** Server events of every contract. */
  readonly serverEvents = new Map<string, EventDefinition>()
  /** Names one log from another; part of cursors. Known once the hub has started. */
  logId = ''
  /** Latest commit number released: whoever is live and was told everything until now has everything up to it. */
  headN = 0
  private readonly hub: Hub
  private readonly clientEvents = new Map<string, EventDefinition>()
  private readonly subscribers = new Subscribers()

  constructor(hub: Hub, name: string, contract: Contract | undefined, options: NamespaceOptions) {
    this.hub = hub
    this.name = name
    this.contract = contract
    this.options = options
    this.commit = new Commit(hub, this)
    this.repeats = new Repeats(hub.broker, name)
    this.fanOut = new FanOut(hub, this)
    const pace = new Pace(hub, this)
    this.presence = new RoomPresence(hub, this, pace)
    this.users = new UserPresence(hub, this, pace)
    this.inboxes = new Inboxes(hub, this)
    if (contract) this.extend(contract)
  }

  /**
   * Adds the events of a contract to those that are there, so that each part of an application brings its own.
   * @returns this namespace, typed by that contract
   * @throws Error when an event of its names is declared already
   */
  extend<const C extends Contract>(contract: C): TypedNamespace<C> {
    declare(this.clientEvents, contract.client, `${this.name} declares a client event`)
    declare(this.serverEvents, contract.server, `${this.name} declares a server event`)
    return this as unknown as TypedNamespace<C>
  }

  /** Adds a check that runs at connect and before every event, in the order of adding. */
  use(middleware: Middleware): this {
    this.middleware.push(middleware)
    return this
  }

  /** Declares rooms; the first pattern that matches wins. */
  room(pattern: string, options: RoomOptions = {}): this {
    this.declarations.add(pattern, options)
    return this
  }

  /** @throws Error when the event has a handler already, or the contract does not know it */
  on<Name extends keyof NamespaceEvents>(event: Name, listener: Listener<Name>): this
  on(event: string, handler: Handler): this
  on(event: string, handler: unknown): this {
    if (!this.subscribers.has(event)) return this.handle(event, handler as Handler)
    this.subscribers.add(event, handler)
    return this
  }

  /** As `on`, for the house's own events. */
  handle(event: string, handler: Handler, more: Partial<Omit<HandlerEntry, 'handler'>> = {}): this {
    if (this.handlers.has(event)) throw new Error(`${this.name} has a handler for ${JSON.stringify(event)} already`)
    const declared = this.clientEvents.get(event)
    if (this.contract && !declared && !more.definition && !more.uncounted) {
      throw new Error(`The contract of ${this.name} does not declare a client event ${JSON.stringify(event)}`)
    }
    const { definition = declared, uncounted = false, answerAs, answerOf } = more
    this.handlers.set(event, { handler, definition, uncounted, answerAs, answerOf })
    return this
  }

  /** Rooms that no pattern matches are allowed. */
  get isOpen(): boolean {
    return this.options.open ?? this.declarations.isEmpty
  }

  /** To everyone in the namespace. */
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

  /** An event for those connected now. What is declared has no field that the wire needs; what is not is looked at. */
  transient(type: string, args: readonly unknown[], roomId?: string): RoomEvent {
    const isDeclared = this.serverEvents.has(type) || this.vocabulary.has(type)
    const spread = isDeclared && args.length === 1 && isRecord(args[0]) ? true : undefined
    return RoomEvent.transient(type, args, spread, roomId)
  }

  /** Stores a durable event in one room. @throws RoomfulError (rejects) UNAVAILABLE, CONFLICT, EXPIRED, ROOM_NAME_INVALID */
  async publish(roomId: string, type: string, args: readonly unknown[], options: PublishOptions = {}): Promise<Stored> {
    // No user id begins with a control character.
    const { key, scope = `\u0000room ${roomId}`, userId } = options
    if (key !== undefined) checkKeyAge(this.hub, key)
    const content = key === undefined ? '' : fingerprint(`${type}\n${toJson(args)}`)
    return this.store(roomId, type, args, userId, key === undefined ? undefined : { scope, key, fingerprint: content })
  }

  /** As {@link publish}, for who has the key ready. */
  async store(
    roomId: string,
    type: string,
    args: readonly unknown[],
    userId: string | undefined,
    key: AppendKey | undefined,
    more: Pick<Unit, 'writer' | 'newRooms' | 'made'> = {},
  ): Promise<Stored> {
    const argsJson = toJson(args)
    const effect = {
      kind: 'append',
      roomId: checkRoomId(roomId),
      type,
      args,
      argsJson,
      userId,
      unit: undefined,
      target: undefined,
    } as const
    const [stored] = await this.submit([effect], key, more)
    return stored as Stored
  }

  /** Empties the body of a stored event; its number stays. @returns false when there was none */
  async redact(roomId: string, seq: number): Promise<boolean> {
    const isDone = await this.hub.broker.redact(this.name, roomId, seq)
    const room = this.rooms.get(roomId)
    room?.tail.clear(room.head) // what is read from now on comes from the log
    return isDone
  }

  /** The same for everything that a user said. @returns how many events had a body */
  async redactUser(userId: string): Promise<number> {
    const count = await this.hub.broker.redactUser(this.name, userId)
    for (const room of this.rooms.values()) room.tail.clear(room.head)
    return count
  }

  /** Users in a room, by name. B25. */
  async roomUsers(roomId: string): Promise<Member[]> {
    const room = this.rooms.get(roomId)
    return room ? membersOf(room) : []
  }

  /** How many users are in a room. B25. */
  userCount(roomId: string): number {
    return this.rooms.get(roomId)?.count ?? 0
  }

  /** Whether a user is in a room, with any connection, or cut off and expected back. */
  hasUser(roomId: string, userId: string): boolean {
    return this.rooms.get(roomId)?.seats.has(userId) ?? false
  }

  /**
   * One page of a room's log as clients see it, oldest first: the latest events, or those before or after a number.
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  history(roomId: string, page: HistoryPage): Promise<HistoryEvents> {
    return readHistory(this.hub, this, checkRoomId(roomId), page)
  }

  /** All rooms with members, personal ones left out; see {@link roomPage} for what is sent to a client. A1.4, B25. */
  listRooms(): { roomId: string; count: number }[] {
    const list: { roomId: string; count: number }[] = []
    for (const room of this.rooms.values()) if (isListed(room)) list.push({ roomId: room.id, count: room.count })
    return list
  }

  /** Rooms with members by name, one page of at most 100. */
  roomPage(page: RoomPage = {}): ListedRooms {
    return listPage(this.rooms.values(), page)
  }

  /** Closes every connection of a user or the one with this id. @returns how many */
  disconnect(userOrConnection: string, code = 4009, reason = 'Disconnected by the server'): number {
    const targets = this.connectionsOf(userOrConnection)
    for (const connection of targets) this.hub.lifecycle.close(connection, code, reason)
    return targets.length
  }

  /**
   * Puts a user who is connected, with every connection, or one connection into a room: all of them, or none. The rules
   * and the capacity of the room hold, and the clients are sent `room:joined`. Connections that come later are put there
   * by a check or by `on('connect')`.
   * @param userOrConnection id of a user or of a connection
   * @returns how many connections are in the room now
   * @throws RoomfulError (rejects) FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  join(userOrConnection: string | { readonly id: string }, roomId: string): Promise<number> {
    return this.hub.placement.joinUser(this, idOf(userOrConnection), roomId)
  }

  /**
   * Takes every connection of a user, or one connection, out of a room; the clients are sent `room:left`.
   * @returns how many were in it
   */
  leave(userOrConnection: string | { readonly id: string }, roomId: string, reason?: string): Promise<number> {
    return this.hub.placement.leaveUser(this, idOf(userOrConnection), roomId, reason)
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

  /** The room, with its log's position on the way when it is new. */
  openRoom(roomId: string): Room {
    const known = this.rooms.get(roomId)
    if (known) return known
    const options = this.declarations.find(roomId, true)?.options ?? {}
    // What the log no longer keeps must not be found in memory: the order of `n` would be lost on the way.
    const historySize = Math.min(options.historySize ?? this.hub.settings.historySize, options.retention ?? Infinity)
    const room = new Room(roomId, options, historySize, this.hub.hotBudget)
    this.rooms.set(roomId, room)
    room.opened = this.hub.broker.subscribe(this.name, [{ roomId, retention: options.retention }]).then(
      ([head]) => {
        if (!head || room.state === 'freed') return
        room.state = 'open'
        room.epoch = head.epoch
        room.first = head.first
        // What was released while the question was under way may be newer than the answer.
        if (head.seq > room.head) room.tail.clear(head.seq)
        room.head = Math.max(room.head, head.seq)
      },
      (cause: unknown) => {
        this.rooms.delete(roomId)
        room.state = 'freed'
        throw new RoomfulError('UNAVAILABLE', undefined, { cause })
      },
    )
    room.opened.catch(() => undefined) // whoever needs the room awaits it; nobody else must be told
    return room
  }

  /** B30: the room goes, its log stays for its retention. */
  freeIfEmpty(room: Room): void {
    if (!room.isEmpty || room.state === 'freed' || this.rooms.get(room.id) !== room) return
    room.state = 'freed'
    room.tail.clear()
    this.rooms.delete(room.id)
    this.hub.broker.unsubscribe(this.name, [room.id])
  }

  /** Tells the subscribers; one that throws harms neither the others nor the house. */
  announce<Name extends keyof NamespaceEvents>(event: Name, ...args: NamespaceEvents[Name]): void {
    this.subscribers.tell(event, args, (error) => {
      const [userId, connectionId] = whoOf(args[0])
      const fact = { namespace: this.name, event, userId, connectionId, payload: [], error }
      this.hub.observer.observe({ type: 'handler:failed', ...fact })
    })
  }

  /** A durable event was stored and released. Nothing is made when nothing listens: this runs once per event. */
  announceStored({ roomId, seq, n, ts, type, userId, key }: StoredRow, args: readonly unknown[]): void {
    if (!this.subscribers.hasListeners('stored')) return
    this.announce('stored', { id: `${roomId}-${seq}`, roomId, seq, n, ts, type, args, data: args[0], userId, key })
  }

  private emitter(): Emitter {
    return new Emitter(this, EVERYONE, (effect) => {
      this.submit([effect], undefined).catch((error: unknown) => {
        this.hub.observer.observe({ type: 'commit:failed', namespace: this.name, error })
      })
    })
  }

  private submit(
    effects: readonly (AppendEffect | EmitEffect)[],
    key: AppendKey | undefined,
    more: Pick<Unit, 'writer' | 'newRooms' | 'made'> = {},
  ): Promise<readonly Stored[]> {
    return new Promise((resolve, reject) => {
      this.commit.submit({
        ...more,
        effects,
        key,
        firstKey: 0,
        reply: undefined,
        origin: undefined,
        apply: (effect, ok) => {
          if (ok && effect.kind === 'emit') this.fanOut.emit(effect.event, effect.target)
        },
        done: (stored, error) => (error ? reject(error) : resolve(stored)),
      })
    })
  }
}

/** @returns the ids of the user and the connection that an announcement is about, as far as there are any */
function whoOf(about: Connection | User | StoredEvent): [userId: string, connectionId: string] {
  if (about instanceof Connection) return [about.user.sub, about.id]
  return ['sub' in about ? about.sub : (about.userId ?? ''), '']
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
