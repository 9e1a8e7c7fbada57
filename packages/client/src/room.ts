/**
 * Rooms as applications use them. Any number of `Room` objects may exist for one room: they share one subscription, which
 * lives through reconnects and is left after the last `release()`. `Rooms` has all subscriptions of a client, and decides
 * which events are delivered to them.
 */
import { isPersonalRoom, type Position } from '@roomful/protocol'
import type { Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import { callListener, type EventMeta, type ReceivedEvent } from './events.ts'
import type { RequestOptions, Requests } from './requests.ts'
import { type JoinOptions, type RoomSnapshot, RoomSubscription } from './room-subscription.ts'
import type {
  AnyContract,
  DownEvent,
  DownListener,
  HasChat,
  JoinAck,
  MemberOf,
  PresenceGivenBy,
  PresenceOf,
  PresenceState,
  Reset,
  UpAck,
} from './types.ts'

export interface RoomOptions {
  readonly subscription: RoomSubscription
  readonly requests: Requests
  /** Sends a request that waits in the outbox. */
  readonly enqueue: (event: string, args: readonly unknown[], options: RequestOptions) => Promise<unknown>
  readonly release: () => void
}

/** One page of a room's history, oldest event first. */
export interface HistoryPage {
  readonly events: readonly ReceivedEvent[]
  /** There are more events in the requested direction. */
  readonly more: boolean
}

/** Methods of a room that exist only where its namespace has the chat events. */
export type ChatMethods = 'send' | 'edit' | 'redact' | 'react' | 'removeReaction' | 'typing' | 'stopTyping'

/** A room of a namespace with this contract. */
export type RoomOf<C extends AnyContract = undefined> = HasChat<C> extends true ? Room<C> : Omit<Room<C>, ChatMethods>

/** A room that this client is in, made by `client.room()`. Call `release()` when you no longer need it. */
export class Room<C extends AnyContract = undefined> {
  /** Its name. */
  declare readonly id: string
  readonly #options: RoomOptions
  readonly #subscription: RoomSubscription
  readonly #offs = new Set<() => void>()
  #isReleased = false

  constructor(options: RoomOptions) {
    this.#options = options
    this.#subscription = options.subscription
    this.id = options.subscription.roomId
  }

  /**
   * Resolves when the room is joined. You do not have to wait for it: events arrive, and requests work, as soon as it is.
   * @throws RoomfulError (rejects) FORBIDDEN, BANNED, ROOM_FULL, … when the server refuses; CLOSED
   */
  get ready(): Promise<void> {
    const joined = this.#subscription.joined()
    joined.catch(() => undefined) // the snapshot has the error too
    return joined
  }

  /** The users in the room, at most 1,000; `getSnapshot().count` counts all. */
  get members(): readonly MemberOf<PresenceOf<C>>[] {
    return this.getSnapshot().members
  }

  /** Number of the last delivered event, and of which log; `undefined` until the room is joined. */
  get position(): Position | undefined {
    const { epoch, seq } = this.#subscription.position
    return epoch === undefined || seq === undefined ? undefined : { epoch, seq }
  }

  /** Status, members and typists as one value, for rendering: the same object until something changes. */
  readonly getSnapshot = (): RoomSnapshot<PresenceOf<C>> =>
    this.#subscription.getSnapshot() as unknown as RoomSnapshot<PresenceOf<C>>

  /**
   * Calls `onChange` when `getSnapshot()` returns another value.
   * @returns a function that ends it
   */
  readonly subscribe = (onChange: () => void): (() => void) => this.#keep(this.#subscription.own.on('change', onChange))

  /**
   * Calls `listener` for each such event of this room: for a durable one once and in order, also across reconnects.
   * @returns a function that removes the listener
   * @example room.on('message:new', ({ name, content }, { seq }) => show(seq, name, content))
   */
  on<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>): () => void {
    return this.#keep(this.#subscription.events.on(event, (received) => callListener(listener, received)))
  }

  /**
   * Calls `listener` when events were missed for good: load what you show from `history()`.
   * @returns a function that removes the listener
   */
  onReset(listener: (reset: Reset) => void): () => void {
    return this.#keep(this.#subscription.own.on('reset', listener))
  }

  /**
   * Calls `listener`, instead of the listeners of `meta.event`, for a replayed event whose content was taken back.
   * @returns a function that removes the listener
   */
  onRedacted(listener: (meta: EventMeta) => void): () => void {
    return this.#keep(this.#subscription.own.on('redacted', listener))
  }

  /**
   * Posts a message. It waits in the outbox, through reconnects, until the server has stored it exactly once.
   * @param options.replyTo id of the message that it replies to
   * @throws RoomfulError (rejects) QUEUE_FULL, EXPIRED, CLOSED, or the server's refusal: FORBIDDEN, TOO_LARGE, …
   * @example const { seq } = await room.send('Hello')
   */
  send(
    content: string,
    { replyTo, ...options }: RequestOptions & { replyTo?: string } = {},
  ): Promise<UpAck<'message:send'>> {
    this.stopTyping()
    return this.#enqueue('message:send', { content, ...(replyTo === undefined ? {} : { replyTo }) }, options)
  }

  /**
   * Edits one of your messages; waits in the outbox.
   * @param seq number of the message
   * @throws RoomfulError (rejects) as `send`; NOT_FOUND
   */
  edit(seq: number, content: string, options: RequestOptions = {}): Promise<UpAck<'message:edit'>> {
    return this.#enqueue('message:edit', { seq, content }, options)
  }

  /**
   * Takes a message back: its content is removed from the log; waits in the outbox.
   * @param seq number of the message
   * @throws RoomfulError (rejects) as `send`; NOT_FOUND
   */
  redact(seq: number, options: RequestOptions = {}): Promise<UpAck<'message:redact'>> {
    return this.#enqueue('message:redact', { seq }, options)
  }

  /**
   * Reacts to a message, which is stored, or without `messageId` to the moment, which is not.
   * @throws RoomfulError (rejects) as `send`
   */
  react(emoji: string, messageId?: string): Promise<UpAck<'reaction:send'>> {
    if (messageId !== undefined) return this.#enqueue('reaction:send', { emoji, messageId })
    return this.#options.requests.call('reaction:send', [{ roomId: this.id, emoji }]) as Promise<UpAck<'reaction:send'>>
  }

  /**
   * Takes your reaction to a message back.
   * @throws RoomfulError (rejects) as `send`
   */
  removeReaction(emoji: string, messageId: string): Promise<UpAck<'reaction:remove'>> {
    return this.#enqueue('reaction:remove', { emoji, messageId })
  }

  /** Call it at each keystroke: other users see that you are writing until 2 s pass without a call. */
  typing(): void {
    this.#subscription.use((activity) => activity.handleInput())
  }

  /** Ends it at once, for instance when the input is empty again. `send` does it too. */
  stopTyping(): void {
    this.#subscription.use((activity) => activity.stopTyping())
  }

  /**
   * Says something of this client in the room, such as a cursor: members get the latest of it. Call it as often as you like.
   * It goes with the connection, and each reconnect says it again; refusals go to `onError`.
   * @example room.setPresence({ cursor: { x: 10, y: 20 } })
   */
  setPresence(state: PresenceGivenBy<C>): void {
    this.#subscription.use((activity) => activity.setPresence(state as PresenceState))
  }

  /**
   * This user has read the room up to the event with this number; it never goes back. Other devices get `room:read`.
   * @returns the highest number so far
   * @throws RoomfulError (rejects) FORBIDDEN, TIMEOUT, …
   */
  read(seq: number): Promise<UpAck<'room:read'>> {
    return this.#options.requests.call('room:read', [{ roomId: this.id, seq }], { isRepeatable: true }) as Promise<
      UpAck<'room:read'>
    >
  }

  /**
   * Calls `listener` after each join, the first and those of reconnects, with the server's answer: the state of the room and
   * this user's read position among it.
   * @returns a function that removes the listener
   */
  onJoined(listener: (ack: JoinAck) => void): () => void {
    return this.#keep(this.#subscription.own.on('joined', listener))
  }

  /**
   * Loads events from the log: the newest ones without `before` and `after`.
   * @param page.before only events with smaller numbers
   * @param page.after only events with larger numbers
   * @param page.limit at most 100, which is the default
   * @throws RoomfulError (rejects) FORBIDDEN, TIMEOUT, …
   */
  async history(
    page: { before?: number; after?: number; limit?: number } = {},
    options: RequestOptions = {},
  ): Promise<HistoryPage> {
    const args = [{ roomId: this.id, ...page }]
    const ack = await this.#options.requests.call('history:get', args, { ...options, isRepeatable: true })
    const { readHistory } = await import('./on-demand.ts')
    return readHistory(ack as UpAck<'history:get'>)
  }

  /** Removes this object's listeners, and leaves the room unless another `Room` object uses it. Later calls do nothing. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    for (const off of [...this.#offs]) off()
    this.#options.release()
  }

  /** As `release()`, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }

  #enqueue<Result>(event: string, data: object, options: RequestOptions = {}): Promise<Result> {
    return this.#options.enqueue(event, [{ roomId: this.id, ...data }], options) as Promise<Result>
  }

  #keep(off: () => void): () => void {
    const entry = (): void => {
      this.#offs.delete(entry)
      off()
    }
    if (this.#isReleased) off()
    else this.#offs.add(entry)
    return entry
  }
}

/** A released room is left after this long, so that a page that mounts twice, or navigates back, joins once. */
const LINGER_MS = 100
/** Rooms that only the server put this client into and that are followed; events of others pass without a check of order. */
const MAX_FOLLOWED = 200

/**
 * The subscriptions of a client, one per room. A room that only the server put this client into (an inbox, a game) has one
 * too, so that none of its events is lost or delivered twice across a reconnect.
 */
export class Rooms {
  readonly #environment: Environment
  readonly #requests: Requests
  readonly #subscriptions = new Map<string, RoomSubscription>()
  /** Released a moment ago, each with what cancels its leaving. */
  readonly #lingering = new Map<RoomSubscription, () => void>()
  /** Rooms whose leaving is not acknowledged on this connection: their late events are ignored. */
  readonly #leaving = new Map<string, object>()

  constructor(environment: Environment, requests: Requests) {
    this.#environment = environment
    this.#requests = requests
  }

  /** @returns the subscription; each call needs a `release` */
  acquire(roomId: string, options: JoinOptions = {}): RoomSubscription {
    const subscription = this.#subscriptions.get(roomId) ?? this.#add(roomId, options)
    const { state, flow } = options
    if (subscription.flow && !flow) {
      subscription.flow = undefined
      subscription.join() // another part of the application needs all events from now on
    }
    if (state && state !== subscription.state) subscription.use((activity) => activity.setPresence(state))
    this.#lingering.get(subscription)?.()
    this.#lingering.delete(subscription)
    subscription.users++
    if (subscription.users === 1 && subscription.getSnapshot().status !== 'joined') subscription.join()
    return subscription
  }

  release(subscription: RoomSubscription): void {
    subscription.users--
    if (subscription.users > 0 || this.#subscriptions.get(subscription.roomId) !== subscription) return
    if (subscription.isPlaced) return // the server decides when this client leaves
    this.#lingering.set(
      subscription,
      this.#environment.clock.after(LINGER_MS, () => this.#leave(subscription)),
    )
  }

  /** @param recovered the server kept the session, and with it the rooms that it put this client into */
  handleOpen(recovered: boolean): void {
    this.#leaving.clear()
    for (const subscription of [...this.#subscriptions.values()]) {
      subscription.isPlaced &&= recovered // a new session may not be put there
      const { isRemoved, roomId } = subscription
      const isUsed = subscription.users > 0 || this.#lingering.has(subscription)
      const isWanted = isUsed || recovered || isPersonalRoom(roomId)
      if (isWanted && !isRemoved) subscription.join()
      else if (!isUsed) this.#forget(subscription)
    }
  }

  handleDown(): void {
    for (const subscription of this.#subscriptions.values()) subscription.handleDown()
  }

  /** The client is closed. Subscriptions stay, and join again if it connects once more. */
  handleClosed(error: RoomfulError): void {
    for (const subscription of this.#subscriptions.values()) subscription.settle(error)
  }

  /** @returns false when the event was delivered before, has to wait for a missing one, or has no content any more */
  handle(event: ReceivedEvent): boolean {
    const { seq, roomId = roomOf(event) } = event.meta
    if (roomId === undefined) return true
    const known = this.#subscriptions.get(roomId)
    if (!known && this.#leaving.has(roomId)) return false
    const isPlacing = event.event === 'room:joined'
    const subscription = known ?? (seq === undefined && !isPlacing ? undefined : this.#follow(roomId))
    if (!subscription) return true
    if (seq !== undefined && !subscription.admit(seq)) return false
    if (event.meta.redacted) {
      subscription.own.emit('redacted', event.meta)
      return false
    }
    const [data] = event.args
    if (event.event === 'reset' && !subscription.reset(data as Reset)) return false
    if (isPlacing) subscription.place(data as JoinAck)
    if (event.event === 'room:left') subscription.remove((data as { reason: string }).reason)
    if (event.event === 'notice') loseIfForbidden(subscription, data as { code: string; message: string })
    subscription.handle(event)
    return true
  }

  #follow(roomId: string): RoomSubscription | undefined {
    let followed = 0
    for (const { users } of this.#subscriptions.values()) if (users === 0) followed++
    return followed < MAX_FOLLOWED ? this.#add(roomId, {}) : undefined
  }

  #add(roomId: string, join: JoinOptions): RoomSubscription {
    const subscription = new RoomSubscription({
      environment: this.#environment,
      requests: this.#requests,
      roomId,
      join,
    })
    this.#subscriptions.set(roomId, subscription)
    return subscription
  }

  #leave(subscription: RoomSubscription): void {
    this.#lingering.delete(subscription)
    this.#forget(subscription)
    const { roomId } = subscription
    const leaving = {}
    this.#leaving.set(roomId, leaving)
    // The next connection does not join it; on this one its events may still be under way.
    if (this.#requests.reach !== 'now') return
    const onAck = (): void => {
      if (this.#leaving.get(roomId) === leaving) this.#leaving.delete(roomId)
    }
    // The room counts as left, whatever the server answers.
    this.#requests.call('room:leave', [{ roomId }], { onAck }).catch(this.#environment.onError)
  }

  #forget(subscription: RoomSubscription): void {
    this.#subscriptions.delete(subscription.roomId)
    subscription.end(new RoomfulError('CLOSED', 'The room was released'))
  }
}

/** A changed role or a ban takes rooms away. D11. */
function loseIfForbidden(subscription: RoomSubscription, { code, message }: { code: string; message: string }): void {
  if (code === 'FORBIDDEN' || code === 'BANNED') subscription.lose(new RoomfulError(code, message))
}

/** Events of the room vocabulary that have no number name their room in their data. */
function roomOf({ args }: ReceivedEvent): string | undefined {
  const roomId = (args[0] as { roomId?: unknown } | null | undefined)?.roomId
  return typeof roomId === 'string' ? roomId : undefined
}
