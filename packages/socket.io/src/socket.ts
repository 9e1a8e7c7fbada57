/** One client in one namespace. */
import type { IncomingMessage } from 'node:http'
import type { LocalMember } from '@roomful/server/core'
import { type Packet, PacketType } from 'socket.io-parser'
import {
  Adapter,
  type BroadcastFlags,
  type EventPacket,
  type RestoredSession,
  type Room,
  type SocketId,
} from './adapter.ts'
import type { Client } from './client.ts'
import { DurableAdapter } from './durable/adapter.ts'
import type { EngineSocket } from './engine/conn.ts'
import { LazyHandshake } from './handshake.ts'
import { generateId } from './ids.ts'
import { checkEventName } from './internal.ts'
import type { Namespace } from './namespace.ts'
import { BroadcastOperator, type Operator } from './operators.ts'
import type { Server } from './server.ts'
import type { DisconnectReason, Event, Handshake, SocketReservedEventsMap } from './socket-types.ts'
import {
  type AllButLast,
  type DecorateAcknowledgements,
  type DefaultEventsMap,
  type EventNames,
  type EventNamesWithAck,
  type EventParams,
  type EventsMap,
  emitLocally,
  type FirstNonErrorArg,
  type Last,
  StrictEventEmitter,
} from './typed-events.ts'

type Listener = (...args: any[]) => void
type SocketMiddleware = (event: Event, next: (err?: Error) => void) => void

const RECOVERABLE: ReadonlySet<string> = new Set([
  'transport error',
  'transport close',
  'forced close',
  'ping timeout',
  'server shutting down',
  'forced server close',
])

export class Socket<
    ListenEvents extends EventsMap = DefaultEventsMap,
    EmitEvents extends EventsMap = ListenEvents,
    ServerSideEvents extends EventsMap = DefaultEventsMap,
    SocketData = any,
  >
  extends StrictEventEmitter<ListenEvents, EmitEvents, SocketReservedEventsMap>
  implements LocalMember
{
  readonly nsp: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  readonly client: Client
  readonly id: SocketId
  readonly handshake: Handshake
  /** It has the id, rooms and data that it had before it was cut off. */
  readonly recovered: boolean = false
  /** Whatever the application likes. */
  data: Partial<SocketData> = {}
  connected = false
  /** @internal of the core's rooms */
  localRooms: Set<unknown> | unknown[] | undefined = undefined
  /** @internal of the core's rooms */
  isInOwnRoom = false
  /** @internal it is among the sockets of its namespace */
  isReceiving = false
  /** Until it is connected. */
  private restored: RestoredSession | undefined = undefined
  private readonly server: Server<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  private readonly pid: string | undefined
  private flags: BroadcastFlags = NO_FLAGS
  private fns: SocketMiddleware[] = NO_MIDDLEWARES
  private _anyListeners: Listener[] | undefined = undefined
  private _anyOutgoingListeners: Listener[] | undefined = undefined
  private isGone = false
  private waitingAcks: Map<number, Listener> | undefined = undefined

  constructor(
    nsp: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    client: Client,
    auth: Record<string, unknown>,
    restored?: RestoredSession | null,
  ) {
    super()
    this.nsp = nsp
    this.server = nsp.server
    this.client = client
    this.handshake = new LazyHandshake(client, auth)
    if (restored) {
      this.id = restored.sid
      this.pid = restored.pid
      this.recovered = true
      this.data = restored.data as Partial<SocketData>
      this.restored = restored
      this.enter(restored.rooms)
    } else {
      const isOlder = client.session.protocol === 3
      this.id = isOlder ? (nsp.name === '/' ? client.id : `${nsp.name}#${client.id}`) : generateId()
      this.pid = this.server.mayRecover(this.handshake, client) ? generateId() : undefined
    }
    const emitter = this as unknown as { _events: object; _eventsCount: number }
    emitter._events = new (Listeners as unknown as new () => object)()
    emitter._eventsCount = 1
  }

  /** Callbacks that wait for the client's answer. */
  get acks(): Map<number, Listener> {
    this.waitingAcks ??= new Map()
    return this.waitingAcks
  }

  /** @internal it comes back to another process than the one that checked it */
  get mustCheck(): boolean {
    return this.restored?.mustCheck === true
  }

  /** @internal events for it may end in its position, which its client takes off */
  get takesPosition(): boolean {
    return this.pid !== undefined
  }

  get conn(): EngineSocket {
    return this.client.conn
  }

  /** The first request of the client. */
  get request(): IncomingMessage {
    return this.client.request
  }

  get rooms(): Set<Room> {
    return this.adapter.socketRooms(this.id) ?? new Set()
  }

  get disconnected(): boolean {
    return !this.connected
  }

  private get adapter(): Adapter {
    return this.nsp.adapter
  }

  // Sending.

  /** @returns true. @throws Error for a reserved name, and what the encoder throws */
  override emit<Ev extends EventNames<EmitEvents>>(ev: Ev, ...args: EventParams<EmitEvents, Ev>): boolean {
    checkEventName(ev)
    const data: unknown[] = [ev, ...args]
    const packet: EventPacket = { type: PacketType.EVENT, data }
    if (typeof data.at(-1) === 'function') {
      packet.id = this.nsp._ids++
      this.registerAck(packet.id, data.pop() as Listener)
    }
    const flags = this.takeFlags()
    if (this.server._opts.connectionStateRecovery || (this.connected && this.adapter instanceof DurableAdapter)) {
      // The adapter keeps it for the case that this socket is cut off.
      this.adapter.broadcast(packet, { rooms: new Set([this.id]), except: new Set(), flags })
    } else {
      this.notifyOutgoingListeners(packet)
      this.packet(packet, flags)
    }
    return true
  }

  /** @returns the answer of the client. @throws Error (rejects) when it comes after `timeout` */
  emitWithAck<Ev extends EventNamesWithAck<EmitEvents>>(
    ev: Ev,
    ...args: AllButLast<EventParams<EmitEvents, Ev>>
  ): Promise<FirstNonErrorArg<Last<EventParams<EmitEvents, Ev>>>> {
    const mayFail = this.flags.timeout !== undefined
    return new Promise((resolve, reject) => {
      const onAnswer = (first: never, second: never): void => {
        if (!mayFail) resolve(first)
        else if (first) reject(first)
        else resolve(second)
      }
      this.emit(ev as any, ...([...args, onAnswer] as any))
    })
  }

  send(...args: EventParams<EmitEvents, 'message'>): this {
    this.emit('message' as any, ...(args as any))
    return this
  }

  write(...args: EventParams<EmitEvents, 'message'>): this {
    return this.send(...args)
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

  /** Everyone but this socket. */
  get broadcast(): Operator<EmitEvents, SocketData> {
    return this.operator()
  }

  get local(): Operator<EmitEvents, SocketData> {
    return this.operator().local
  }

  compress(compress: boolean): this {
    this.flags = { ...this.flags, compress }
    return this
  }

  get volatile(): this {
    this.flags = { ...this.flags, volatile: true }
    return this
  }

  /** For the next emit: its callback gets an error first. */
  timeout(timeout: number): Socket<ListenEvents, DecorateAcknowledgements<EmitEvents>, ServerSideEvents, SocketData> {
    this.flags = { ...this.flags, timeout }
    return this as never
  }

  // Rooms.

  /** Done on return, unless a foreign adapter returns a promise. */
  join(rooms: Room | Room[]): Promise<void> | void {
    if (this.isGone) return
    return this.adapter.addAll(this.id, new Set(Array.isArray(rooms) ? rooms : [rooms]))
  }

  leave(room: Room): Promise<void> | void {
    return this.adapter.del(this.id, room)
  }

  // Receiving.

  /** Runs before the listeners of each event. */
  use(fn: SocketMiddleware): this {
    if (this.fns === NO_MIDDLEWARES) this.fns = []
    this.fns.push(fn)
    return this
  }

  /** Called with every event that arrives. */
  onAny(listener: Listener): this {
    this._anyListeners ??= []
    this._anyListeners.push(listener)
    return this
  }

  prependAny(listener: Listener): this {
    this._anyListeners ??= []
    this._anyListeners.unshift(listener)
    return this
  }

  /** @param listener one of them; all, without it */
  offAny(listener?: Listener): this {
    this._anyListeners = without(this._anyListeners, listener)
    return this
  }

  listenersAny(): Listener[] {
    return this._anyListeners ?? []
  }

  /** Called with every event that is sent to this socket. */
  onAnyOutgoing(listener: Listener): this {
    this.changeOutgoing([...(this._anyOutgoingListeners ?? []), listener])
    return this
  }

  prependAnyOutgoing(listener: Listener): this {
    this.changeOutgoing([listener, ...(this._anyOutgoingListeners ?? [])])
    return this
  }

  offAnyOutgoing(listener?: Listener): this {
    this.changeOutgoing(without(this._anyOutgoingListeners, listener))
    return this
  }

  listenersAnyOutgoing(): Listener[] {
    return this._anyOutgoingListeners ?? []
  }

  /** @param close ends the link, with the sockets of all its namespaces */
  disconnect(close = false): this {
    if (!this.connected) return this
    if (close) this.client._disconnect()
    else {
      if (this.adapter instanceof DurableAdapter) this.adapter.flush(this as never)
      this.packet({ type: PacketType.DISCONNECT })
      this._onclose('server namespace disconnect')
    }
    return this
  }

  // What the other parts call. Extensions of Socket.IO replace some of these.

  /** Sends a packet to this socket alone. */
  packet(packet: EventPacket, options: BroadcastFlags = {}): void {
    packet.nsp = this.nsp.name
    this.client._packet(packet as Packet, options)
  }

  leaveAll(): void {
    this.adapter.delAll(this.id)
  }

  _onconnect(): void {
    this.sendMissed()
    this.connected = true
    this.join(this.id)
    if (this.pid !== undefined && this.adapter instanceof DurableAdapter) this.adapter.begin(this as never, this.pid)
    if (this.client.session.protocol === 3) this.packet({ type: PacketType.CONNECT, data: undefined })
    else this.packet({ type: PacketType.CONNECT, data: { sid: this.id, pid: this.pid } })
  }

  _onpacket(packet: Packet): void {
    switch (packet.type) {
      case PacketType.EVENT:
      case PacketType.BINARY_EVENT:
        return this.onevent(packet)
      case PacketType.ACK:
      case PacketType.BINARY_ACK:
        return this.onack(packet)
      case PacketType.DISCONNECT:
        return void this._onclose('client namespace disconnect')
      default:
    }
  }

  onevent(packet: Packet): void {
    if (this.adapter instanceof DurableAdapter) this.adapter.handle(() => this.receive(packet))
    else this.receive(packet)
  }

  private receive(packet: Packet): void {
    const args = (packet.data ?? []) as Event
    if (packet.id !== undefined && packet.id !== null) args.push(this.ack(packet.id))
    if (this._anyListeners) for (const listener of [...this._anyListeners]) listener.apply(this, args)
    this.dispatch(args)
  }

  /** The callback of an event: it answers once. */
  ack(id: number): (...args: unknown[]) => void {
    let isSent = false
    const { adapter } = this
    const handling = adapter instanceof DurableAdapter ? adapter.handling : undefined
    return (...args) => {
      if (isSent) return
      const packet = { id, type: PacketType.ACK, data: args }
      if (adapter instanceof DurableAdapter) adapter.answer(this as never, packet, handling)
      else this.packet(packet)
      isSent = true
    }
  }

  notifyOutgoingListeners(packet: EventPacket): void {
    if (!this._anyOutgoingListeners) return
    for (const listener of [...this._anyOutgoingListeners]) listener.apply(this, packet.data as unknown[])
  }

  _onerror(error: unknown): void {
    emitLocally(this, 'error', error)
  }

  _error(data: unknown): void {
    this.packet({ type: PacketType.CONNECT_ERROR, data })
  }

  _onclose(reason: string, description?: unknown): this {
    if (!this.connected) return this
    emitLocally(this, 'disconnecting', reason as DisconnectReason, description)
    if (this.pid !== undefined && RECOVERABLE.has(reason)) {
      const { id: sid, pid, rooms, data } = this
      this.adapter.persistSession({ sid, pid, rooms: [...rooms], data })
    }
    this._cleanup()
    this.client._remove(this as never)
    this.connected = false
    emitLocally(this, 'disconnect', reason as DisconnectReason, description)
    return this
  }

  /** It is in no room from now on. */
  _cleanup(): void {
    this.leaveAll()
    this.isReceiving = false
    this.changeOutgoing(undefined, this._anyOutgoingListeners)
    this.nsp._remove(this)
    this.isGone = true
  }

  private onack(packet: Packet): void {
    const ack = this.waitingAcks?.get(packet.id as number)
    if (typeof ack !== 'function') return
    this.acks.delete(packet.id as number)
    ack.apply(this, packet.data as unknown[])
  }

  private dispatch(event: Event): void {
    this.run(event, (error) => {
      process.nextTick(() => {
        if (error) return this._onerror(error)
        if (this.connected) emitLocally(this, ...event)
      })
    })
  }

  private run(event: Event, done: (error?: unknown) => void): void {
    if (this.fns.length === 0) return done()
    const fns = [...this.fns]
    const next = (at: number): void => {
      const fn = fns[at]
      if (!fn) return done()
      fn(event, (error) => (error ? done(error) : next(at + 1)))
    }
    next(0)
  }

  private registerAck(id: number, ack: Listener): void {
    const { timeout } = this.flags
    if (timeout === undefined) {
      this.acks.set(id, ack)
      return
    }
    const timer = setTimeout(() => {
      this.acks.delete(id)
      ack.call(this, new Error('operation has timed out'))
    }, timeout)
    this.acks.set(id, (...args) => {
      clearTimeout(timer)
      ack.call(this, null, ...args)
    })
  }

  private takeFlags(): BroadcastFlags {
    const { flags } = this
    this.flags = NO_FLAGS
    return flags
  }

  private operator(): Operator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.adapter, new Set(), new Set([this.id]), this.takeFlags())
  }

  /** The namespace counts those who listen, so that an event that no one listens to costs no look at each socket. */
  private changeOutgoing(listeners: Listener[] | undefined, kept = listeners): void {
    const before = !this.isGone && (this._anyOutgoingListeners?.length ?? 0) > 0 ? 1 : 0
    const after = !this.isGone && (listeners?.length ?? 0) > 0 ? 1 : 0
    this.nsp.outgoingListeners += after - before
    this._anyOutgoingListeners = kept
  }

  /** What a client that is back has missed comes before the answer to its CONNECT, once it is let in. */
  private sendMissed(): void {
    if (!this.restored) return
    for (const data of this.restored.missedPackets) this.packet({ type: PacketType.EVENT, data })
    this.restored = undefined
    if (!(this.adapter instanceof DurableAdapter)) return
    for (const packet of this.adapter.takeMissed(this as never)) this.client.deliver(packet, NO_FLAGS)
  }

  private enter(rooms: readonly Room[]): void {
    if (this.adapter instanceof Adapter) this.adapter.enter(this as never, rooms)
    else (this.adapter as Adapter).addAll(this.id, new Set(rooms))
  }
}

/**
 * What Node's emitter keeps listeners in, from the start with the one without which an `error` would end the process. Objects
 * of one class take half the memory of those without a prototype that Node makes.
 */
function Listeners(this: { error: Listener }): void {
  this.error = noop
}
Listeners.prototype = Object.create(null)

const NO_FLAGS: BroadcastFlags = Object.freeze({})
const NO_MIDDLEWARES: SocketMiddleware[] = []

function noop(): void {}

function without(listeners: Listener[] | undefined, listener: Listener | undefined): Listener[] | undefined {
  if (!listeners || !listener) return undefined
  const at = listeners.indexOf(listener)
  return at < 0 ? listeners : listeners.filter((_, index) => index !== at)
}
