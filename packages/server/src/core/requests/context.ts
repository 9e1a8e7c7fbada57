/** What a handler gets: the connection that asked, and methods that record what should happen. See effects.ts. Q7. */
import { isPersonalRoom, type Position, toJson } from '@roomful/protocol'
import type { RoomAction } from '../base/contract.ts'
import { checkRoomId } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import { keyOfNth } from '../log/commit.ts'
import { type AppendEffect, type Effect, EVERYONE, type Stored } from '../log/effects.ts'
import type { AppendKey, FactChange } from '../ports/broker.ts'
import type { User } from '../ports/users.ts'
import type { Access } from '../rooms/access.ts'
import type { JoinAck, Joins } from '../rooms/joins.ts'
import type { SharedLimits } from '../state/limits.ts'
import type { Connection } from '../state/namespace-state.ts'
import { Emitter } from './emit.ts'
import type { MessageStream } from './message-stream.ts'
import type { Publisher } from './publisher.ts'
import { checkName, checkWhole, type StateWriter, stateJson } from './state-writer.ts'
import type { Streams } from './streams.ts'

const NONE: readonly never[] = []
const NO_EFFECTS: never[] = []

/** The parts that a context uses. */
export interface ContextParts {
  readonly joins: Joins
  readonly access: Access
  readonly publisher: Publisher
  readonly streams: Streams
  readonly sharedLimits: SharedLimits
}

export class Context {
  readonly connection: Connection
  /** The event that is handled; `undefined` in middleware at connect. */
  readonly event: string | undefined
  /** Internal: marks repeats of this request. */
  readonly appendKey: AppendKey | undefined
  /** Internal: how many events were stored with {@link publish}. */
  published = 0
  /** Internal: an earlier request under this key stored something, and its acknowledgement is not known. */
  isRepeat = false
  /** Internal: which log of its room the numbers in the request are of, where that is known. */
  epoch: string | undefined = undefined
  /** What was recorded so far, in order. */
  effects: Effect[] = NO_EFFECTS
  /** Acknowledgements of joins in the order of the joins, known when the turn is released. */
  joined: readonly (JoinAck | undefined)[] = NONE
  private readonly parts: ContextParts
  /** Internal: {@link publish} has stored something. */
  hasStored = false
  private joining: Set<Promise<void>> | undefined
  private storing: Set<Promise<Stored>> | undefined
  private abort: AbortController | undefined
  private isCancelled = false
  private isOver = false
  private isDiscarded = false

  constructor(parts: ContextParts, connection: Connection, event: string | undefined, appendKey?: AppendKey) {
    this.parts = parts
    this.connection = connection
    this.event = event
    this.appendKey = appendKey
  }

  /** The request's idempotency key: use it to make side effects of your own happen once. G3. */
  get key(): string | undefined {
    return this.appendKey?.key
  }

  get id(): string {
    return this.connection.id
  }

  get user(): User {
    return this.connection.user
  }

  /** Aborted when the request timed out, was refused, or its connection is gone. */
  get signal(): AbortSignal {
    this.abort ??= new AbortController()
    if (this.isCancelled) this.abort.abort()
    return this.abort.signal
  }

  /** Whose quota pays for what it stores: the user's id, or one mark for all guests of an address. */
  get account(): string {
    return this.parts.sharedLimits.writerOf(this.connection)
  }

  /** In the room, as of everything this connection asked for so far. */
  isIn(roomId: string): boolean {
    return this.connection.willBeIn(roomId)
  }

  /** Rooms the connection is in. */
  get rooms(): ReadonlySet<string> {
    return new Set(this.connection.memberships.keys())
  }

  /** To this connection only. */
  emit(type: string, ...args: readonly unknown[]): void {
    this.record({
      kind: 'emit',
      event: this.connection.namespace.transient(type, args),
      audience: { ...EVERYONE, rooms: [this.connection.id] },
    })
  }

  /** To a room, without this connection. A durable event leaves no one out, so it goes through {@link append}. */
  to(room: string | readonly string[]): Emitter {
    return this.butSelf().to(room)
  }

  /** To a room, this connection included. */
  toAll(room: string | readonly string[]): Emitter {
    return new Emitter(this.connection.namespace, EVERYONE, (effect) => this.record(effect)).to(room)
  }

  /** To everyone in the namespace but this connection. */
  get broadcast(): Emitter {
    return this.butSelf()
  }

  /** To all rooms this connection is in, but itself; its personal rooms are left out. B29. */
  toRooms(): Emitter {
    const rooms = [...this.connection.memberships.keys()].filter((roomId) => !isPersonalRoom(roomId))
    return this.to(rooms)
  }

  /**
   * Records a durable event for one room: stored with everything else of this turn, acknowledged after that.
   * @throws RoomfulError ROOM_NAME_INVALID
   */
  append(roomId: string, type: string, ...args: readonly unknown[]): void {
    this.appendWith(roomId, type, args, {})
  }

  /**
   * As {@link append}.
   * @param more `atomicGroup`: those with the same number are stored together or not at all. `aboutSeq`: it is about this
   *   event of the room, and refused with NOT_FOUND when that one has no content any more. `epoch`: of the log that the numbers
   *   are of; refused once the room has another one.
   */
  appendWith(
    roomId: string,
    type: string,
    args: readonly unknown[],
    more: Partial<Pick<AppendEffect, 'atomicGroup' | 'aboutSeq' | 'epoch' | 'change'>>,
  ): void {
    this.record({
      kind: 'append',
      roomId: checkRoomId(roomId),
      type,
      args,
      argsJson: toJson(args),
      userId: this.user.sub,
      atomicGroup: more.atomicGroup,
      aboutSeq: more.aboutSeq,
      epoch: more.epoch,
      change: more.change,
    })
  }

  /** The state of a room, to be changed with the other effects: all of them are stored, or none. */
  state(roomId: string): StateWriter {
    const room = checkRoomId(roomId)
    const epochOf = (version: number | undefined) =>
      version ? (this.epoch ?? this.connection.namespace.epochOfVersion(room, version)) : undefined
    return {
      set: (name, value, { version } = {}) => {
        this.change(room, { kind: 'set', name: checkName(name), value: stateJson(value), version }, epochOf(version))
      },
      delete: (name, { version } = {}) =>
        this.change(room, { kind: 'delete', name: checkName(name), version }, epochOf(version)),
      add: (name, by = 1) => this.change(room, { kind: 'add', name: checkName(name), by: checkWhole(by) }),
    }
  }

  /**
   * Records a change of a fact of a room that is no event.
   * @param epoch of the log that its numbers are of
   */
  change(roomId: string, change: FactChange, epoch?: string): void {
    this.appendWith(roomId, '', [], { change, epoch })
  }

  /**
   * Begins a message whose text comes in pieces, and waits until that is stored. Return the acknowledgement and go on writing
   * in the background: a handler has only some seconds.
   * @param start what the event carries beside its text; a `content` is the text that it begins with
   * @throws RoomfulError (rejects) as {@link publish}
   */
  async stream(
    roomId: string,
    type: string,
    start: Readonly<Record<string, unknown>> = {},
    options: { readonly key?: string } = {},
  ): Promise<MessageStream> {
    const { connection, user } = this
    const { sharedLimits, streams } = this.parts
    const limits = { writer: sharedLimits.writerOf(connection), limits: sharedLimits.ofConnection(connection) }
    const whose = { key: options.key, scope: connection.scope, userId: user.sub }
    const isOwn = options.key === undefined && this.appendKey !== undefined
    const key = isOwn ? keyOfNth(this.appendKey as AppendKey, this.published++) : undefined
    const stream = await streams.open(roomId, type, start, whose, limits, key)
    this.hasStored = true
    return stream
  }

  /**
   * Stores a durable event now and waits for it: costs a commit of its own.
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, RATE_LIMITED, CONFLICT, UNAVAILABLE; TIMEOUT when the request was
   *   refused meanwhile: its repeat may run already
   */
  publish(roomId: string, type: string, ...args: readonly unknown[]): Promise<Stored> {
    return this.publishWith(roomId, type, args, {})
  }

  /** As {@link publish}, for what is about another event: see {@link appendWith}. */
  async publishWith(
    roomId: string,
    type: string,
    args: readonly unknown[],
    more: Pick<AppendEffect, 'epoch'> & Partial<Pick<AppendEffect, 'aboutSeq'>>,
  ): Promise<Stored> {
    if (this.isDiscarded)
      throw new RoomfulError('TIMEOUT', 'The request was refused already, so it stores nothing more')
    const { publisher, sharedLimits } = this.parts
    const { connection } = this
    const key = this.appendKey && keyOfNth(this.appendKey, this.published++)
    const storing = publisher.store(roomId, type, args, this.user.sub, key, {
      ...more,
      writer: sharedLimits.writerOf(connection),
      limits: sharedLimits.ofConnection(connection),
    })
    this.storing ??= new Set()
    this.storing.add(storing)
    const stored = await storing.finally(() => this.storing?.delete(storing))
    this.hasStored = true
    return stored
  }

  /**
   * Becomes a member when the turn is released; rules and capacity are asked now.
   * @param after position to resume after
   * @throws RoomfulError ROOM_NAME_INVALID, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, RATE_LIMITED
   * @returns synchronously when nothing had to be waited for
   */
  join(roomId: string, after?: Position | number): void | Promise<void> {
    // A check runs for a single request over HTTP too, which comes and goes at once and is in no room.
    if (this.event === undefined && this.connection.httpMode === 'one-shot') return void checkRoomId(roomId)
    const prepared = this.parts.joins.prepare(this.connection, roomId, after)
    if (!(prepared instanceof Promise)) {
      this.record({ kind: 'join', prepared })
      return
    }
    const joining = prepared.then((ready) => this.record({ kind: 'join', prepared: ready }))
    const settled = (): void => void this.joining?.delete(joining)
    this.joining ??= new Set()
    this.joining.add(joining)
    joining.then(settled, settled)
    return joining
  }

  /** @returns the joins that a handler began and did not wait for; nothing, most often */
  joinsSettled(): Promise<unknown> | undefined {
    return this.joining && this.joining.size > 0 ? Promise.all(this.joining) : undefined
  }

  /** @returns what {@link publish} is storing, which goes on when the handler is given up; nothing, most often */
  publishesSettled(): Promise<unknown> | undefined {
    return this.storing && this.storing.size > 0 ? Promise.allSettled(this.storing) : undefined
  }

  leave(roomId: string): void {
    this.record({ kind: 'leave', roomId: checkRoomId(roomId) })
  }

  /** Leaves every room but the personal one. B29. */
  leaveAll(): void {
    for (const roomId of this.connection.memberships.keys()) if (!isPersonalRoom(roomId)) this.leave(roomId)
  }

  /** Asks the room's rules. @throws RoomfulError FORBIDDEN */
  check(action: RoomAction, roomId: string): true | Promise<true> {
    return this.parts.access.may(this.connection, action, checkRoomId(roomId))
  }

  /** As {@link check}, for `publish`, where a room may be declared for members only. @throws RoomfulError FORBIDDEN, NOT_IN_ROOM */
  checkPublish(roomId: string): true | Promise<true> {
    return this.parts.access.mayPublish(this.connection, checkRoomId(roomId))
  }

  /** Nothing waits for the answer any more. */
  cancel(): void {
    this.isCancelled = true
    this.abort?.abort()
  }

  /** Takes what was recorded; what a handler records after it returned is ignored. */
  takeEffects(): readonly Effect[] {
    this.isOver = true
    return this.effects
  }

  /** Abandons what was prepared: nothing that was recorded will happen. */
  discard(): void {
    for (const effect of this.effects) if (effect.kind === 'join') this.parts.joins.abandon(effect.prepared)
    this.effects = NO_EFFECTS
    this.isOver = true
    this.isDiscarded = true
    for (const each of this.joining ?? []) each.catch(() => undefined) // it is refused already
    this.cancel()
  }

  /** The first one gets a list of its own: most requests have one effect, and a list that may grow is ten times as large. */
  private record(effect: Effect): void {
    if (this.isOver) {
      if (effect.kind === 'join') this.parts.joins.abandon(effect.prepared)
    } else if (this.effects === NO_EFFECTS) this.effects = [effect]
    else this.effects.push(effect)
  }

  private butSelf(): Emitter {
    const target = { ...EVERYONE, except: [this.connection.id] }
    return new Emitter(this.connection.namespace, target, (effect) => this.record(effect))
  }
}
