/** A namespace: who is connected, who may connect, and what is sent to all of them. */
import type { Adapter, Room, SocketId } from './adapter.ts'
import type { Client } from './client.ts'
import { DurableAdapter } from './durable/adapter.ts'
import { type HistoryEvents, type HistoryPage, readHistory } from './durable/history.ts'
import type { AnySocket } from './internal.ts'
import { BroadcastOperator, type Operator, type RemoteSocket } from './operators.ts'
import type { Server } from './server.ts'
import { Socket } from './socket.ts'
import type { ExtendedError } from './socket-types.ts'
import {
  type AllButLast,
  type DecorateAcknowledgementsWithTimeoutAndMultipleResponses,
  type DefaultEventsMap,
  type EventNames,
  type EventNamesWithAck,
  type EventParams,
  type EventsMap,
  emitLocally,
  type FirstNonErrorArg,
  type Last,
  type RemoveAcknowledgements,
  StrictEventEmitter,
} from './typed-events.ts'

/** Events of a namespace itself. */
export interface NamespaceReservedEventsMap<
  ListenEvents extends EventsMap,
  EmitEvents extends EventsMap,
  ServerSideEvents extends EventsMap,
  SocketData,
> {
  connect: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void
  connection: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void
  /** A durable event was not stored, so no one got it, and the handler that emitted it does not answer. */
  durable_error: (error: Error, event: DurableFailure) => void
}

/** The event that was not stored. */
export interface DurableFailure {
  readonly event: string
  readonly args: readonly unknown[]
  /** Undefined for the whole namespace. */
  readonly room: Room
  /** The socket that it leaves out. */
  readonly socketId: SocketId | undefined
}

export interface ServerReservedEventsMap<
  ListenEvents extends EventsMap,
  EmitEvents extends EventsMap,
  ServerSideEvents extends EventsMap,
  SocketData,
> extends NamespaceReservedEventsMap<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  new_namespace: (namespace: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void
}

const OWN_EVENTS: ReadonlySet<unknown> = new Set(['connect', 'connection', 'new_namespace'])

type Middleware<L extends EventsMap, E extends EventsMap, S extends EventsMap, D> = (
  socket: Socket<L, E, S, D>,
  next: (err?: ExtendedError) => void,
) => void

export class Namespace<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = any,
> extends StrictEventEmitter<
  ServerSideEvents,
  RemoveAcknowledgements<EmitEvents>,
  NamespaceReservedEventsMap<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
> {
  readonly name: string
  readonly server: Server<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  readonly sockets: Map<SocketId, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map()
  adapter!: Adapter
  /** Of acknowledgements. */
  _ids = 0
  /** @internal how many sockets have a listener for what they are sent */
  outgoingListeners = 0
  protected readonly _fns: Middleware<ListenEvents, EmitEvents, ServerSideEvents, SocketData>[] = []
  /** Sockets that middlewares still look at. */
  private readonly _preConnectSockets: Map<SocketId, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> =
    new Map()

  /** Clients that have found this namespace, and are not connected to it yet. */
  private expected = 0

  constructor(server: Server<ListenEvents, EmitEvents, ServerSideEvents, SocketData>, name: string) {
    super()
    this.server = server
    this.name = name
    this._initAdapter()
  }

  _initAdapter(): void {
    this.adapter = this.server.createAdapter(this)
    Promise.resolve(this.adapter.init()).catch((error: unknown) => this.server.reportFailure(error))
  }

  /** Runs for each socket before it is connected. */
  use(fn: Middleware<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): this {
    this._fns.push(fn)
    return this
  }

  to(room: Room | Room[]): Operator<EmitEvents, SocketData> {
    return this.operator().to(room)
  }

  in(room: Room | Room[]): Operator<EmitEvents, SocketData> {
    return this.operator().in(room)
  }

  except(room: Room | Room[]): Operator<EmitEvents, SocketData> {
    return this.operator().except(room)
  }

  compress(compress: boolean): Operator<EmitEvents, SocketData> {
    return this.operator().compress(compress)
  }

  get volatile(): Operator<EmitEvents, SocketData> {
    return this.operator().volatile
  }

  get local(): Operator<EmitEvents, SocketData> {
    return this.operator().local
  }

  timeout(timeout: number): ReturnType<Operator<EmitEvents, SocketData>['timeout']> {
    return this.operator().timeout(timeout)
  }

  send(...args: EventParams<EmitEvents, 'message'>): this {
    this.emit('message' as any, ...(args as any))
    return this
  }

  write(...args: EventParams<EmitEvents, 'message'>): this {
    return this.send(...args)
  }

  /** To the other servers. @returns true */
  serverSideEmit<Ev extends EventNames<ServerSideEvents>>(
    ev: Ev,
    ...args: EventParams<DecorateAcknowledgementsWithTimeoutAndMultipleResponses<ServerSideEvents>, Ev>
  ): boolean {
    if (OWN_EVENTS.has(ev)) throw new Error(`"${String(ev)}" is a reserved event name`)
    this.adapter.serverSideEmit([ev, ...args])
    return true
  }

  /** @returns one answer of each other server */
  serverSideEmitWithAck<Ev extends EventNamesWithAck<ServerSideEvents>>(
    ev: Ev,
    ...args: AllButLast<EventParams<ServerSideEvents, Ev>>
  ): Promise<FirstNonErrorArg<Last<EventParams<ServerSideEvents, Ev>>>[]> {
    return new Promise((resolve, reject) => {
      const onAnswers = (error: (Error & { responses?: unknown }) | null, responses: never): void => {
        if (!error) return resolve(responses)
        error.responses = responses
        reject(error)
      }
      this.serverSideEmit(ev as any, ...([...args, onAnswers] as any))
    })
  }

  /** From the adapter: another server emitted it. */
  _onServerSideEmit(args: [string, ...any[]]): void {
    emitLocally(this, ...args)
  }

  /** @deprecated use `fetchSockets` */
  allSockets(): Promise<Set<SocketId>> {
    return this.operator().allSockets()
  }

  fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    return this.operator().fetchSockets() as never
  }

  socketsJoin(room: Room | Room[]): void {
    this.operator().socketsJoin(room)
  }

  socketsLeave(room: Room | Room[]): void {
    this.operator().socketsLeave(room)
  }

  disconnectSockets(close = false): void {
    this.operator().disconnectSockets(close)
  }

  /**
   * The durable events of a room, oldest first: the latest ones, or those before or after a number.
   * @param room without it, the events for the whole namespace
   * @throws Error (rejects) when the server has no durable events
   */
  async history(room?: Room, page: HistoryPage = {}): Promise<HistoryEvents> {
    if (!(this.adapter instanceof DurableAdapter)) throw new Error('history() needs the option durable')
    await this.adapter.caughtUp()
    return readHistory(this.adapter.log, room, page)
  }

  /**
   * Runs a handler for a client that is no socket, such as one of `io.roomful`.
   * @returns what it returns, once the durable events that it emitted are stored
   * @throws RoomfulError (rejects) UNAVAILABLE, when one of them could not be stored
   */
  async stored<T>(run: () => T | Promise<T>): Promise<T> {
    return this.adapter instanceof DurableAdapter ? this.adapter.handleStored(run) : run()
  }

  /** @internal also one that is not connected yet */
  findSocket(id: SocketId): AnySocket | undefined {
    return (this.sockets.get(id) ?? this._preConnectSockets.get(id)) as AnySocket | undefined
  }

  /** From a client: it connects. */
  async _add(client: Client, auth: Record<string, unknown>, onConnected: (socket: AnySocket) => void): Promise<void> {
    this.expected++
    const socket = await this.createSocket(client, auth ?? {})
    this._preConnectSockets.set(socket.id, socket)
    if (socket.recovered && client.isOpen && this.server.skipsMiddlewares(socket.mustCheck)) {
      this.expected--
      return this.connect(socket, onConnected)
    }
    this.run(socket, (error) => {
      process.nextTick(() => {
        this.expected--
        if (!client.isOpen) return socket._cleanup()
        if (!error) return this.connect(socket, onConnected)
        socket._cleanup()
        if (client.session.protocol === 3) socket._error(error.data || error.message)
        else socket._error({ message: error.message, data: error.data })
      })
    })
  }

  /** @internal a client will be in it */
  get isExpecting(): boolean {
    return this.expected > 0
  }

  _remove(socket: { readonly id: SocketId }): void {
    if (!this.sockets.delete(socket.id)) this._preConnectSockets.delete(socket.id)
  }

  protected operator(): Operator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.adapter)
  }

  private async createSocket(
    client: Client,
    auth: Record<string, unknown>,
  ): Promise<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> {
    const { pid, offset } = auth
    const hasPosition = typeof offset === 'string' || (offset === undefined && this.server.durable !== undefined)
    if (!this.server.recovers || typeof pid !== 'string' || !hasPosition) return new Socket(this, client, auth)
    const restored = await Promise.resolve(this.adapter.restoreSession(pid, offset)).catch(() => null)
    return new Socket(this, client, auth, restored)
  }

  private connect(
    socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    onConnected: (socket: AnySocket) => void,
  ): void {
    this._preConnectSockets.delete(socket.id)
    this.sockets.set(socket.id, socket)
    socket.isReceiving = true
    socket._onconnect()
    onConnected(socket)
    emitLocally(this, 'connect', socket)
    emitLocally(this, 'connection', socket)
  }

  private run(
    socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    done: (error?: ExtendedError) => void,
  ): void {
    if (this._fns.length === 0) return done()
    const fns = [...this._fns]
    const next = (at: number): void => {
      const fn = fns[at]
      if (!fn) return done()
      fn(socket, (error) => (error ? done(error) : next(at + 1)))
    }
    next(0)
  }
}

/** To everyone. It is defined here, since its type is that of the class below. */
Namespace.prototype.emit = function emit(this: Namespace, ev: string, ...args: unknown[]): boolean {
  return new BroadcastOperator(this.adapter).emit(ev, ...args)
} as never
