/** `connect`, and the client that it returns: puts the parts together, and loads the outbox once it is needed. */
import { createKey, type Limits } from '@roomful/protocol'
import { backoffMs } from './backoff.ts'
import { Connection } from './connection.ts'
import type { ConnectionState } from './connection-state.ts'
import { Credentials, type CredentialsOptions } from './credentials.ts'
import { createEnvironment, type Environment, type EnvironmentOptions } from './environment.ts'
import { RoomfulError } from './errors.ts'
import { callListener, Emitter, type ReceivedEvent } from './events.ts'
import type { RequestHandler } from './on-demand.ts'
import type { Outbox, OutboxEntry, OutboxLimits, OutboxOptions } from './outbox.ts'
import { type RequestOptions, Requests } from './requests.ts'
import { Room, type RoomOf, Rooms } from './room.ts'
import type { JoinOptions } from './room-subscription.ts'
import { shareTabs } from './share-tabs.ts'
import type { ShareTabsOptions, TabsTransport } from './tabs/index.ts'
import { ALL_TRANSPORTS, type DefaultTransportsOptions, defaultTransports } from './transports/default-transports.ts'
import type { OpenTransport } from './transports/transport.ts'
import type {
  Ack,
  AnyContract,
  DownEvent,
  DownListener,
  PresenceGivenBy,
  RequestArgs,
  ServerRequest,
  ServerRequestHandler,
  UpArgs,
  UpEvent,
} from './types.ts'

/** How a client connects. */
export interface ClientOptions extends CredentialsOptions, EnvironmentOptions, DefaultTransportsOptions {
  /** Default `/`, which has the second name `/chat`. */
  namespace?: string
  /** A transport of your own, instead of those of the SDK. */
  transport?: OpenTransport
  /** All tabs of the site use one connection to the server; each keeps its own session, rooms and presence. Default false. */
  shareTabs?: boolean | ShareTabsOptions
  /** Connects at once. Default true; with false, call `connect()`. */
  autoConnect?: boolean
  /** For each transport to open a link, and again for the server to open the session, ms. Default 10,000. */
  connectTimeoutMs?: number
  /** Bounds of the outbox, and where it keeps durable requests. */
  outbox?: OutboxLimits
}

/** How a request is sent. */
export interface DurableRequestOptions extends RequestOptions {
  /** Waits in the outbox, through reconnects, for as long as it takes; the server does it exactly once. */
  durable?: boolean
}

/** Parts that a client of a shared link does not have for itself. */
export interface SharedParts extends TabsTransport {
  readonly credentials: Credentials
}

/** No outbox yet. */
const NO_ENTRIES: readonly OutboxEntry[] = []

/**
 * Connects to a namespace, and stays connected until `close()`.
 * @param url of the server, as `http:`, `https:`, `ws:` or `wss:`, or relative to the page
 * @throws TypeError when `url` is no URL; RoomfulError NO_WEBSOCKET where the platform has none and `options` neither
 * @example
 * const client = connect<typeof contract>('https://example.org', { namespace: '/tasks', token: fetchToken })
 * const { taskId } = await client.request('save-task', { title: 'Write', description: 'the docs' })
 */
export function connect<C extends AnyContract = undefined>(url: string | URL, options: ClientOptions = {}): Client<C> {
  return new Client<C>(url, options)
}

/** A connection to one namespace, made by `connect`. It reconnects by itself. */
export class Client<C extends AnyContract = undefined> {
  readonly #connection: Connection
  readonly #requests: Requests
  readonly #outboxOptions: OutboxOptions
  #outbox: Outbox | undefined
  /** For requests of the server, one per event. */
  readonly #handlers = new Map<string, RequestHandler>()
  readonly #rooms: Rooms
  readonly #events: Emitter<Record<string, [event: ReceivedEvent]>>
  readonly #changes: Emitter<{ change: [] }>
  readonly #environment: Environment
  readonly #signOut: (() => void) | undefined

  /**
   * @see connect
   * @param shared of a link that other clients use too
   */
  constructor(url: string | URL, options: ClientOptions = {}, shared?: SharedParts) {
    const { namespace = '/', connectTimeoutMs = 10_000, outbox } = options
    const environment = createEnvironment(options)
    const parts: Partial<SharedParts> =
      shared ?? (options.shareTabs ? shareTabs(url, options, environment, connectTimeoutMs) : {})
    const openTransport =
      parts.open ?? options.transport ?? defaultTransports(url, options, environment, connectTimeoutMs)
    this.#signOut = parts.signOut
    const openTimeoutMs = connectTimeoutMs * (options.transport ? 1 : ALL_TRANSPORTS.length)
    const { report } = environment
    this.#environment = environment
    this.#events = new Emitter(report)
    this.#changes = new Emitter(report)
    this.#connection = new Connection({
      ...{ environment, openTransport, namespace, openTimeoutMs, connectTimeoutMs },
      credentials: parts.credentials ?? new Credentials(options),
      onState: (state, before) => this.#handleState(state, before),
      onEvent: (event) => this.#handleEvent(event),
      onAck: (frame) => this.#requests.handleAck(frame),
      onRequest: (frame, send) => {
        // If the file cannot be loaded, the server's own timeout ends the request.
        import('./on-demand.ts').then(
          ({ answerRequest }) => answerRequest(frame, this.#handlers.get(frame.event), send, report),
          report,
        )
      },
    })
    const requests = new Requests(environment, this.#connection, `${url}`)
    this.#requests = requests
    this.#rooms = new Rooms(environment, requests)
    this.#outboxOptions = {
      ...{ ...outbox, environment, server: this.#connection.server, namespace, requests },
      onChange: () => this.#changes.emit('change'),
    }
    if (outbox?.storage) this.#prepareOutbox()
    if (options.autoConnect !== false) this.connect()
  }

  /** What the connection is doing: an immutable value, to compare and to render. */
  get state(): ConnectionState {
    return this.#connection.state
  }

  /** `state`, as a function that needs no `this`. */
  readonly getSnapshot = (): ConnectionState => this.#connection.state

  /**
   * Calls `onChange` after each change of `state` and of `outbox`.
   * @returns a function that ends it
   */
  readonly subscribe = (onChange: () => void): (() => void) => this.#changes.on('change', onChange)

  /** The server's limits, such as the largest message in bytes; empty before it announced them. */
  get limits(): Partial<Limits> {
    return this.#connection.server.limits
  }

  /** Durable requests that are not acknowledged yet, oldest first: an immutable value, like `state`. */
  get outbox(): readonly OutboxEntry[] {
    return this.#outbox?.entries ?? NO_ENTRIES
  }

  /** @returns a new idempotency key, by which a repeat of a request, and the event that it causes, can be recognised */
  createKey(): string {
    return createKey(this.serverNow(), this.#environment.fillRandom)
  }

  /** @returns milliseconds since 1970 by the server's clock, as far as it is known */
  serverNow(): number {
    return this.#connection.server.now()
  }

  /** Connects; while it waits before the next attempt, tries now. Also after `close()`. */
  connect(): void {
    this.#connection.connect()
  }

  /** Ends the connection and its session. Requests that wait are refused with CLOSED; a storage keeps its entries. */
  close(): void {
    this.#connection.close()
  }

  /** As `close()`, and with `shareTabs` in all tabs: their clients end with the code 1000, and connect when you tell them to. */
  signOut(): void {
    this.#signOut?.()
    this.close()
  }

  /** As `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /**
   * Calls `listener` for each such event of the namespace, in every room.
   * @returns a function that removes the listener
   * @example client.on('task-saved', ({ taskId, title }, { seq }) => show(taskId, title))
   */
  on<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>): () => void {
    return this.#events.on(event, (received) => callListener(listener, received))
  }

  /**
   * Answers requests of the server: with what `handler` returns, or with the RoomfulError that it throws.
   * @returns a function that removes the handler
   * @throws Error when the event has a handler already
   */
  onRequest<Name extends ServerRequest<C>>(event: Name, handler: ServerRequestHandler<C, Name>): () => void {
    const handlers = this.#handlers
    if (handlers.has(event)) throw new Error(`${event} is answered already`)
    handlers.set(event, handler as RequestHandler)
    return () => {
      if (handlers.get(event) === handler) handlers.delete(event)
    }
  }

  /**
   * Sends an event without waiting for an acknowledgement. Waits at most 5 s for a connection; refusals go to `onError`.
   * @example client.emit('cursor-moved', { x: 10, y: 20 })
   */
  emit<Name extends UpEvent<C>>(event: Name, ...args: UpArgs<C, Name>): void {
    this.#requests.emit(event, args)
  }

  /**
   * Sends an event and waits for its acknowledgement: 5 s, or without limit when it is `durable`.
   * @returns the acknowledgement
   * @throws RoomfulError (rejects), whose `code` says why: the server's refusal, TIMEOUT, DISCONNECTED, …; or the reason of
   * `options.signal`
   * @example const { taskId } = await client.request('save-task', { title: 'Write' }, { timeoutMs: 10_000 })
   */
  request<Name extends UpEvent<C>>(
    event: Name,
    ...[data, options = {}]: RequestArgs<C, Name, DurableRequestOptions>
  ): Promise<Ack<C, Name>> {
    const args = data === undefined ? [] : [data]
    const { durable, ...rest } = options as DurableRequestOptions
    const ack = durable ? this.#enqueue(event, args, rest) : this.#requests.call(event, args, rest)
    return ack as Promise<Ack<C, Name>>
  }

  /**
   * As `request`, for events with several arguments; always waits 5 s.
   * @throws RoomfulError (rejects) as `request`
   */
  call<Name extends UpEvent<C>>(event: Name, ...args: UpArgs<C, Name>): Promise<Ack<C, Name>> {
    return this.#requests.call(event, args) as Promise<Ack<C, Name>>
  }

  /**
   * Joins a room, unless this client is in it already. Call the returned object's `release()` when you no longer need it.
   * @example
   * const room = client.room('lobby')
   * room.on('message:new', ({ name, content }) => show(name, content))
   * await room.send('Hello')
   */
  room(roomId: string, options: JoinOptions<PresenceGivenBy<C>> = {}): RoomOf<C> {
    const subscription = this.#rooms.acquire(roomId, options as JoinOptions)
    const room = new Room<C>({
      ...{ subscription, requests: this.#requests },
      enqueue: (event, args, requestOptions) => this.#enqueue(event, args, requestOptions),
      release: () => this.#rooms.release(subscription),
    })
    return room as RoomOf<C>
  }

  #handleState(state: ConnectionState, before: ConnectionState): void {
    if (state.status === 'closed') {
      const error = new RoomfulError('CLOSED', state.ending.reason || undefined, { cause: state.ending })
      this.#requests.rejectAll(error)
      this.#outbox?.rejectAll(error)
      this.#rooms.handleClosed(error)
    }
    if (state.status === 'open' && before.status !== 'open') {
      // Rooms first: requests that wait may need this client to be in them.
      this.#rooms.handleOpen(state.recovered)
      this.#requests.handleOpen()
      if (this.#outbox) this.#outbox.handleOpen()
      else this.#prepareOutbox()
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

  async #enqueue(event: string, args: readonly unknown[], options: RequestOptions): Promise<unknown> {
    // Synchronous once the outbox is loaded, so that `outbox` has the entry at once.
    return (this.#outbox ?? (await this.#loadOutbox())).add(event, args, options)
  }

  #prepareOutbox(): void {
    this.#loadOutbox().catch(() => undefined) // no request waits for it yet
  }

  /**
   * Tries again until the file is loaded, as the connection does.
   * @throws RoomfulError CLOSED
   */
  async #loadOutbox(): Promise<Outbox> {
    const { clock, random } = this.#environment
    for (let failures = 0; ; failures++) {
      try {
        const { Outbox } = await import('./on-demand.ts')
        if (!this.#outbox) {
          this.#outbox = new Outbox(this.#outboxOptions)
          if (this.#outboxOptions.storage) this.#outbox.restore() // never rejects
        }
        return this.#outbox
      } catch {
        if (this.#requests.reach === 'never') throw new RoomfulError('CLOSED')
        await new Promise<void>((resolve) => clock.after(backoffMs(failures, random()), resolve))
      }
    }
  }
}

/** There is a link with an open session. */
function wasAttached({ status }: ConnectionState): boolean {
  return status === 'open' || status === 'draining'
}
