/** A connection to one namespace as an application holds it: puts the parts together, and does nothing else itself. */
import { createKey, type Limits } from '@roomful/protocol'
import type { Handler } from './answer.ts'
import { Connection } from './connection.ts'
import type { ConnectionState } from './connection-state.ts'
import { Credentials, type CredentialsOptions } from './credentials.ts'
import { Emitter } from './emitter.ts'
import { createEnvironment, type Environment, type EnvironmentOptions } from './environment.ts'
import { RoomfulError } from './errors.ts'
import type { ReceivedEvent } from './frames.ts'
import { LazyOutbox } from './lazy-outbox.ts'
import { callListener } from './listener.ts'
import type { OutboxLimits } from './outbox.ts'
import type { OutboxEntry } from './outbox-storage.ts'
import { type RequestOptions, Requests } from './requests.ts'
import { Room, type RoomOf } from './room.ts'
import { Rooms } from './rooms.ts'
import type { Standing } from './standing.ts'
import { ALL_TRANSPORTS, type OwnWaysOptions, ownWays } from './transports/own-ways.ts'
import type { OpenTransport } from './transports/transport.ts'
import type {
  Ack,
  AnyContract,
  AskedEvent,
  AskedHandler,
  DownEvent,
  DownListener,
  RequestArgs,
  UpArgs,
  UpEvent,
} from './types.ts'

export interface ClientOptions extends CredentialsOptions, EnvironmentOptions, OwnWaysOptions {
  /** Default `/`, which is also called `/chat`. */
  namespace?: string
  /** Another way to the server than those of the SDK: it is the only one then. */
  transport?: OpenTransport
  /** Begins at once. Default true; otherwise `connect()` does. */
  autoConnect?: boolean
  /** For each way to open a link, and again for the server to let us in. Default 10 s. */
  connectTimeoutMs?: number
  outbox?: OutboxLimits
}

export interface DurableRequestOptions extends RequestOptions {
  /** Waits in the outbox for as long as it takes, across reconnects, and is done exactly once. */
  durable?: boolean
}

/** What a client does not have of its own. */
export interface SharedParts {
  readonly openTransport: OpenTransport
  readonly credentials: Credentials
}

export class Client<C extends AnyContract = undefined> {
  readonly #connection: Connection
  readonly #requests: Requests
  readonly #outbox: LazyOutbox
  /** Of what the server asks, one per event. */
  readonly #handlers = new Map<string, Handler>()
  readonly #rooms: Rooms
  readonly #events: Emitter<Record<string, [event: ReceivedEvent]>>
  readonly #changes: Emitter<{ change: [] }>
  readonly #fillRandom: Environment['fillRandom']

  /**
   * @see connect
   * @param shared of a link that other clients use too
   */
  constructor(url: string | URL, options: ClientOptions = {}, shared?: SharedParts) {
    const { namespace = '/', connectTimeoutMs = 10_000, outbox } = options
    const environment = createEnvironment(options)
    const openTransport =
      shared?.openTransport ?? options.transport ?? ownWays(url, options, environment, connectTimeoutMs)
    const openTimeoutMs = connectTimeoutMs * (options.transport ? 1 : ALL_TRANSPORTS.length)
    const { report } = environment
    this.#fillRandom = environment.fillRandom
    this.#events = new Emitter(report)
    this.#changes = new Emitter(report)
    this.#connection = new Connection({
      ...{ environment, openTransport, namespace, openTimeoutMs, connectTimeoutMs },
      credentials: shared?.credentials ?? new Credentials(options),
      onState: (state, before) => this.#handleState(state, before),
      onEvent: (event) => this.#handleEvent(event),
      onAck: (frame) => this.#requests.handleAck(frame),
      onRequest: (frame, reply) => {
        // Should the file not come, the server's own clock ends its waiting.
        import('./on-demand.ts').then(
          ({ answer }) => answer(frame, this.#handlers.get(frame.event), reply, report),
          report,
        )
      },
    })
    const { server } = this.#connection
    const requests = new Requests(environment, this.#connection)
    this.#requests = requests
    this.#rooms = new Rooms(environment, requests)
    this.#outbox = new LazyOutbox({
      ...{ ...outbox, environment, server, namespace, requests },
      onChange: () => this.#changes.emit('change'),
    })
    if (options.autoConnect !== false) this.connect()
  }

  /** What the connection is doing, as a value that never changes: compare it, render it. */
  get state(): ConnectionState {
    return this.#connection.state
  }

  readonly getSnapshot = (): ConnectionState => this.#connection.state

  /** Tells of every change of `state` and of `outbox`. @returns what ends it */
  readonly subscribe = (onChange: () => void): (() => void) => this.#changes.on('change', onChange)

  /** What the server allows, once it has said so. */
  get limits(): Partial<Limits> {
    return this.#connection.server.limits
  }

  /** What waits for the server's answer, oldest first: a value that never changes, like `state`. */
  get outbox(): readonly OutboxEntry[] {
    return this.#outbox.entries
  }

  /** A new idempotency key, for an action that is to be recognised when it is repeated or comes back as an event. */
  createKey(): string {
    return createKey(this.serverNow(), this.#fillRandom)
  }

  /** Milliseconds since 1970 by the server's clock, as well as it is known. */
  serverNow(): number {
    return this.#connection.server.now()
  }

  /** Connects, or tries again now instead of later. Also after `close()`. */
  connect(): void {
    this.#connection.connect()
  }

  /** Says goodbye. What waits for an answer is refused with CLOSED; a storage keeps what it has. */
  close(): void {
    this.#connection.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Calls `listener` for each such event of the namespace, whichever room it is of. */
  on<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>): () => void {
    return this.#events.on(event, (received) => callListener(listener, received))
  }

  /**
   * Answers what the server asks: with what `handler` returns, or with the error that it throws. One handler per event.
   * @returns what ends it
   * @throws Error when there is one for this event already
   */
  onRequest<Name extends AskedEvent<C>>(event: Name, handler: AskedHandler<C, Name>): () => void {
    const handlers = this.#handlers
    if (handlers.has(event)) throw new Error(`${event} is answered already`)
    handlers.set(event, handler as Handler)
    return () => {
      if (handlers.get(event) === handler) handlers.delete(event)
    }
  }

  /** Sends an event without asking for an answer; one that is refused is told to `onError`. Waits 5 s for a connection. */
  emit<Name extends UpEvent<C>>(event: Name, ...args: UpArgs<C, Name>): void {
    this.#requests.emit(event, args)
  }

  /** @returns the server's answer; rejects with a `RoomfulError`, whose `code` says why, or with the signal's reason */
  request<Name extends UpEvent<C>>(
    event: Name,
    ...[data, options = {}]: RequestArgs<C, Name, DurableRequestOptions>
  ): Promise<Ack<C, Name>> {
    const args = data === undefined ? [] : [data]
    const { durable, ...rest } = options as DurableRequestOptions
    const answer = durable ? this.#outbox.add(event, args, rest) : this.#requests.call(event, args, rest)
    return answer as Promise<Ack<C, Name>>
  }

  /** As `request`, for events that take several arguments. */
  call<Name extends UpEvent<C>>(event: Name, ...args: UpArgs<C, Name>): Promise<Ack<C, Name>> {
    return this.#requests.call(event, args) as Promise<Ack<C, Name>>
  }

  /**
   * Joins a room, or holds it once more: `release()` what you no longer need.
   * @param options.after where an earlier life of this application stood; without it nothing old is replayed
   */
  room(roomId: string, options: { after?: Standing } = {}): RoomOf<C> {
    const membership = this.#rooms.hold(roomId, options.after)
    const room = new Room<C>({
      ...{ membership, requests: this.#requests, outbox: this.#outbox },
      release: () => this.#rooms.release(membership),
    })
    return room as RoomOf<C>
  }

  #handleState(state: ConnectionState, before: ConnectionState): void {
    if (state.status === 'closed') {
      const error = new RoomfulError('CLOSED', state.ending.reason || undefined, { cause: state.ending })
      this.#requests.rejectAll(error)
      this.#outbox.rejectAll(error)
      this.#rooms.handleClosed(error)
    }
    if (state.status === 'open' && before.status !== 'open') {
      // Rooms first: what waits may need us to be in them.
      this.#rooms.handleOpen(state.recovered)
      this.#requests.handleOpen()
      this.#outbox.handleOpen()
    } else if (wasAttached(before) && !wasAttached(state)) {
      this.#requests.handleDown()
      this.#rooms.handleDown()
    }
    this.#changes.emit('change')
  }

  #handleEvent(event: ReceivedEvent): void {
    if (!this.#rooms.handle(event)) return
    if (event.event === 'server:draining') {
      this.#connection.drain((event.args[0] as { reconnectAfterMs: number }).reconnectAfterMs)
    }
    this.#events.emit(event.event, event)
  }
}

/** There is a link on which the server knows us. */
function wasAttached({ status }: ConnectionState): boolean {
  return status === 'open' || status === 'draining'
}
