/**
 * The adapter of a namespace: who is in which room, and who gets an event. Rooms are the core's local rooms; the methods,
 * events and maps are those that Socket.IO documents, and that foreign adapters replace.
 */
import { EventEmitter } from 'node:events'
import { type LocalAudience, LocalRooms } from '@roomful/server/core'
import { type Packet, PacketType } from 'socket.io-parser'
import { type EncodedPackets, SharedPacket } from './frames.ts'
import type { AnyNamespace, AnySocket } from './internal.ts'
import type { Nodes, SocketElsewhere } from './nodes/nodes.ts'

/** The name of a room: any value. */
export type Room = any
/** The id of a socket. */
export type SocketId = string

/** How an event is sent. */
export interface BroadcastFlags {
  volatile?: boolean
  compress?: boolean
  local?: boolean
  broadcast?: boolean
  binary?: boolean
  timeout?: number
  expectSingleResponse?: boolean
}

export interface BroadcastOptions {
  rooms: Set<Room>
  except?: Set<Room>
  flags?: BroadcastFlags
}

/** What a socket that is cut off comes back with. */
export interface SessionToPersist {
  sid: SocketId
  pid: string
  rooms: Room[]
  data: unknown
}

export interface RestoredSession extends SessionToPersist {
  /** Sent before the answer to CONNECT. */
  missedPackets: unknown[][]
  /** It comes from another process, so the middlewares run again. */
  mustCheck?: boolean
}

/** A packet of an event before it is encoded. */
export interface EventPacket extends Omit<Packet, 'nsp'> {
  nsp?: string
}

export class Adapter extends EventEmitter {
  readonly nsp: AnyNamespace
  /** Rooms with the ids of their members. */
  readonly rooms: Map<Room, Set<SocketId>>
  /** Sockets with their rooms. */
  readonly sids: Map<SocketId, Set<Room>>
  /** The other servers, where there may be any. */
  nodes: Nodes | undefined = undefined
  protected readonly local: LocalRooms<AnySocket>

  constructor(nsp: AnyNamespace) {
    super()
    this.nsp = nsp
    const { local } = this.listen()
    this.local = local
    this.rooms = new RoomsView(local)
    this.sids = new SidsView(local)
  }

  init(): Promise<void> | void {}

  close(): Promise<void> | void {}

  serverCount(): Promise<number> {
    return this.nodes?.count() ?? Promise.resolve(1)
  }

  addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    const socket = this.nsp.findSocket(id)
    if (socket) for (const room of rooms) this.local.join(socket, room)
  }

  del(id: SocketId, room: Room): Promise<void> | void {
    const socket = this.local.member(id)
    if (socket) this.local.leave(socket, room)
  }

  delAll(id: SocketId): void {
    const socket = this.local.member(id)
    if (socket) this.local.leaveAll(socket)
  }

  /** For a new socket, which the namespace does not know yet. */
  enter(socket: AnySocket, rooms: Iterable<Room>): void {
    for (const room of rooms) this.local.join(socket, room)
  }

  broadcast(packet: EventPacket, opts: BroadcastOptions): void {
    const shared = this.encode(packet)
    if (this.isElsewhere(opts)) this.nodes?.emit(shared, opts)
    this.deliver(packet, shared, opts)
  }

  /** From another server, for the sockets of this one. */
  emitHere(shared: SharedPacket, opts: BroadcastOptions): void {
    this.deliver(this.observed(shared), shared, opts)
  }

  /** Another server asks the sockets of this one. @param ms after which answers are no longer waited for */
  askHere(
    packet: EventPacket,
    opts: BroadcastOptions,
    ms: number,
    onCount: (clients: number) => void,
    onAnswer: (answer: unknown) => void,
  ): void {
    this.broadcastWithAck(packet, opts, onCount, onAnswer)
    setTimeout(() => {
      for (const { acks } of this.nsp.sockets.values()) acks.delete(packet.id as number)
    }, ms).unref()
  }

  /** Sockets of other servers may be among those. */
  protected isElsewhere({ rooms, flags }: BroadcastOptions): boolean {
    if (this.nodes === undefined || flags?.local) return false
    if (rooms.size !== 1) return true
    const [room] = rooms
    return !this.nsp.sockets.has(room)
  }

  /** A packet that came encoded, for those who look at it. */
  protected observed(shared: SharedPacket): EventPacket {
    if (this.nsp.outgoingListeners === 0) return { type: PacketType.EVENT, data: [] }
    return this.decode(shared.packets)
  }

  /** @param ended what clients get that may come back */
  protected deliver(packet: EventPacket, shared: SharedPacket, opts: BroadcastOptions, ended = shared): void {
    const flags = opts.flags ?? {}
    const observes = this.nsp.outgoingListeners > 0
    this.local.forEach(opts, (socket) => {
      if (observes) socket.notifyOutgoingListeners(packet)
      socket.client.deliver(socket.takesPosition ? ended : shared, flags)
    })
  }

  broadcastWithAck(
    packet: EventPacket,
    opts: BroadcastOptions,
    onCount: (clients: number) => void,
    onAnswer: (...args: unknown[]) => void,
  ): void {
    const flags = opts.flags ?? {}
    if (this.isElsewhere(opts)) void this.nodes?.ask(packet, opts, onCount, onAnswer)
    packet.id = this.nsp._ids++
    const shared = this.encode(packet)
    const observes = this.nsp.outgoingListeners > 0
    let count = 0
    this.local.forEach(opts, (socket) => {
      count++
      socket.acks.set(packet.id as number, onAnswer)
      if (observes) socket.notifyOutgoingListeners(packet)
      socket.client.deliver(shared, flags)
    })
    onCount(count)
  }

  async sockets(rooms: Set<Room>): Promise<Set<SocketId>> {
    const ids = new Set<SocketId>()
    this.local.forEach({ rooms }, ({ id }) => ids.add(id))
    if (this.isElsewhere({ rooms })) for (const { id } of (await this.nodes?.fetch({ rooms })) ?? []) ids.add(id)
    return ids
  }

  socketRooms(id: SocketId): Set<Room> | undefined {
    const socket = this.local.member(id)
    return socket && this.local.roomsOf(socket)
  }

  async fetchSockets(opts: BroadcastOptions): Promise<AnySocket[]> {
    const here = this.receivers(opts)
    if (!this.isElsewhere(opts)) return here
    // The operators make something of a description that looks like a socket.
    return [...here, ...(((await this.nodes?.fetch(opts)) ?? []) as (AnySocket & SocketElsewhere)[])]
  }

  addSockets(opts: BroadcastOptions, rooms: Room[]): void {
    for (const socket of this.receivers(opts)) socket.join(rooms)
    if (this.isElsewhere(opts)) this.nodes?.move('join', opts, rooms)
  }

  delSockets(opts: BroadcastOptions, rooms: Room[]): void {
    for (const socket of this.receivers(opts)) for (const room of rooms) socket.leave(room)
    if (this.isElsewhere(opts)) this.nodes?.move('leave', opts, rooms)
  }

  disconnectSockets(opts: BroadcastOptions, close: boolean): void {
    for (const socket of this.receivers(opts)) socket.disconnect(close)
    if (this.isElsewhere(opts)) this.nodes?.disconnect(opts, close)
  }

  /** Without other servers a question to them has its answer. */
  serverSideEmit(packet: unknown[]): void {
    const done = packet.at(-1)
    const isAsked = typeof done === 'function'
    if (this.nodes)
      this.nodes.serverSideEmit(isAsked ? packet.slice(0, -1) : packet, isAsked ? (done as never) : undefined)
    else if (isAsked) done(null, [])
  }

  persistSession(_session: SessionToPersist): void {}

  /** @param _offset of the latest event that the client got; undefined for a client that got none */
  restoreSession(_pid: string, _offset: string | undefined): Promise<RestoredSession | null> | null {
    return null
  }

  encode(packet: EventPacket): SharedPacket {
    packet.nsp = this.nsp.name
    return new SharedPacket(this.nsp.server.encoder.encode(packet as Packet))
  }

  decode(packets: EncodedPackets): Packet {
    const decoder = new this.nsp.server._parser.Decoder()
    let decoded: Packet | undefined
    const onDecoded = (packet: Packet): void => {
      decoded = packet
    }
    decoder.on('decoded' as never, onDecoded as never)
    for (const part of packets) decoder.add(part as never)
    return decoded as unknown as Packet
  }

  protected receivers(opts: LocalAudience): AnySocket[] {
    const receivers: AnySocket[] = []
    this.local.forEach(opts, (socket) => receivers.push(socket))
    return receivers
  }

  private listen(): { local: LocalRooms<AnySocket> } {
    const local = new LocalRooms<AnySocket>({
      onRoom: (what, room) => void this.emit(what === 'created' ? 'create-room' : 'delete-room', room),
      onMember: (what, room, id) => void this.emit(what === 'joined' ? 'join-room' : 'leave-room', room, id),
    })
    return { local }
  }
}

/** Reads through to the rooms, of which most exist only as names of their members. */
abstract class MapView<K, V> extends Map<K, V> {
  abstract override get(key: K): V | undefined
  abstract override keys(): MapIterator<K>

  override has(key: K): boolean {
    return this.get(key) !== undefined
  }

  override get size(): number {
    let size = 0
    for (const _ of this.keys()) size++
    return size
  }

  override *entries(): MapIterator<[K, V]> {
    for (const key of this.keys()) yield [key, this.get(key) as V]
  }

  override *values(): MapIterator<V> {
    for (const key of this.keys()) yield this.get(key) as V
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  override forEach(visit: (value: V, key: K, map: Map<K, V>) => void, self?: unknown): void {
    for (const [key, value] of this.entries()) visit.call(self, value, key, this)
  }
}

class RoomsView extends MapView<Room, Set<SocketId>> {
  private readonly local: LocalRooms<AnySocket>

  constructor(local: LocalRooms<AnySocket>) {
    super()
    this.local = local
  }

  override get(room: Room): Set<SocketId> | undefined {
    return this.local.idsIn(room)
  }

  override keys(): MapIterator<Room> {
    return this.local.names() as MapIterator<Room>
  }
}

class SidsView extends MapView<SocketId, Set<Room>> {
  private readonly local: LocalRooms<AnySocket>

  constructor(local: LocalRooms<AnySocket>) {
    super()
    this.local = local
  }

  override get(id: SocketId): Set<Room> | undefined {
    const socket = this.local.member(id)
    return socket && this.local.roomsOf(socket)
  }

  override *keys(): MapIterator<SocketId> {
    for (const { id } of this.local.everyone()) yield id
  }
}
