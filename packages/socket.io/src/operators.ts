/** Who is meant: rooms, exceptions and flags, put together call by call, and what can be done with those sockets. */
import { PacketType } from 'socket.io-parser'
import type { Adapter, BroadcastFlags, BroadcastOptions, EventPacket, Room, SocketId } from './adapter.ts'
import { checkEventName } from './internal.ts'
import type { Handshake } from './socket-types.ts'
import type {
  AllButLast,
  DecorateAcknowledgements,
  DecorateAcknowledgementsWithMultipleResponses,
  EventNames,
  EventNamesWithError,
  EventParams,
  EventsMap,
  FirstNonErrorArg,
  Last,
  TypedEventBroadcaster,
} from './typed-events.ts'

const TIMED_OUT = 'operation has timed out'
/** Of an emit with a callback and without `timeout`, as Node's timers read nothing. */
const NO_TIMEOUT_MS = 1

export class BroadcastOperator<EmitEvents extends EventsMap, SocketData> implements TypedEventBroadcaster<EmitEvents> {
  private readonly adapter: Adapter
  private readonly rooms: Set<Room>
  private readonly exceptRooms: Set<Room>
  private readonly flags: BroadcastFlags

  constructor(
    adapter: Adapter,
    rooms: Set<Room> = new Set(),
    exceptRooms: Set<Room> = new Set(),
    flags: BroadcastFlags = {},
  ) {
    this.adapter = adapter
    this.rooms = rooms
    this.exceptRooms = exceptRooms
    this.flags = flags
  }

  /** Adds rooms; without any, everyone is meant. */
  to(room: Room | Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.adapter, withRooms(this.rooms, room), this.exceptRooms, this.flags)
  }

  in(room: Room | Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.to(room)
  }

  /** Leaves the members of these rooms out. */
  except(room: Room | Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.adapter, this.rooms, withRooms(this.exceptRooms, room), this.flags)
  }

  /** Whether what is sent is compressed, where the transport compresses. */
  compress(compress: boolean): BroadcastOperator<EmitEvents, SocketData> {
    return this.withFlags({ compress })
  }

  /** Clients that cannot take it at once do not get it. */
  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.withFlags({ volatile: true })
  }

  /** Of this server only. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.withFlags({ local: true })
  }

  /** How long the callback waits for its answers. */
  timeout(timeout: number): BroadcastOperator<DecorateAcknowledgements<EmitEvents>, SocketData> {
    return this.withFlags({ timeout }) as unknown as BroadcastOperator<DecorateAcknowledgements<EmitEvents>, SocketData>
  }

  /** @throws Error for a reserved name, and what the encoder throws */
  emit<Ev extends EventNames<EmitEvents>>(ev: Ev, ...args: EventParams<EmitEvents, Ev>): boolean {
    checkEventName(ev)
    const data: unknown[] = [ev, ...args]
    const packet: EventPacket = { type: PacketType.EVENT, data }
    if (typeof data.at(-1) === 'function') this.emitForAnswers(packet, data.pop() as (...args: unknown[]) => void)
    else this.adapter.broadcast(packet, this.options)
    return true
  }

  /** @returns the answers. @throws Error (rejects) with the answers that came in time as `responses` */
  emitWithAck<Ev extends EventNamesWithError<EmitEvents>>(
    ev: Ev,
    ...args: AllButLast<EventParams<EmitEvents, Ev>>
  ): Promise<FirstNonErrorArg<Last<EventParams<EmitEvents, Ev>>>> {
    return new Promise((resolve, reject) => {
      const onAnswers = (error: (Error & { responses?: unknown }) | null, responses: never): void => {
        if (!error) return resolve(responses)
        error.responses = responses
        reject(error)
      }
      this.emit(ev as any, ...([...args, onAnswers] as any))
    })
  }

  /** @deprecated use `fetchSockets`, which gives the sockets themselves */
  allSockets(): Promise<Set<SocketId>> {
    if (!this.adapter) throw new Error('A parent namespace has no sockets of its own: ask one of its children')
    return this.adapter.sockets(this.rooms)
  }

  async fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    const sockets = await this.adapter.fetchSockets(this.options)
    // A socket of this server has it; of others there is only a description.
    return sockets.map((socket) => {
      const isLocal = (socket as unknown as { server?: unknown }).server !== undefined
      return isLocal
        ? (socket as unknown as RemoteSocket<EmitEvents, SocketData>)
        : new RemoteSocket<EmitEvents, SocketData>(this.adapter, socket as unknown as SocketDetails<SocketData>)
    })
  }

  socketsJoin(room: Room | Room[]): void {
    this.adapter.addSockets(this.options, listOf(room))
  }

  socketsLeave(room: Room | Room[]): void {
    this.adapter.delSockets(this.options, listOf(room))
  }

  disconnectSockets(close = false): void {
    this.adapter.disconnectSockets(this.options, close)
  }

  private get options(): BroadcastOptions {
    return { rooms: this.rooms, except: this.exceptRooms, flags: this.flags }
  }

  private withFlags(flags: BroadcastFlags): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.adapter, this.rooms, this.exceptRooms, { ...this.flags, ...flags })
  }

  private emitForAnswers(packet: EventPacket, callback: (...args: unknown[]) => void): void {
    const { adapter, flags } = this
    const answers: unknown[] = []
    const isSingle = flags.expectSingleResponse === true
    let isOver = false
    let servers = -1
    let countedServers = 0
    let clients = 0
    const timer = setTimeout(() => {
      isOver = true
      if (packet.id !== undefined) for (const socket of adapter.nsp.sockets.values()) socket.acks.delete(packet.id)
      callback(new Error(TIMED_OUT), isSingle ? null : answers)
    }, flags.timeout ?? NO_TIMEOUT_MS)
    const check = (): void => {
      if (isOver || countedServers !== servers || answers.length !== clients) return
      isOver = true
      clearTimeout(timer)
      callback(null, isSingle ? answers[0] : answers)
    }
    const onCount = (count: number): void => {
      clients += count
      countedServers++
      check()
    }
    const onAnswer = (answer: unknown): void => {
      if (isOver) return
      answers.push(answer)
      check()
    }
    adapter.broadcastWithAck(packet, this.options, onCount, onAnswer)
    adapter.serverCount().then((count) => {
      servers = count
      check()
    }, ignore)
  }
}

/** The operators of servers, namespaces and sockets: several clients answer. */
export type Operator<E extends EventsMap, D> = BroadcastOperator<DecorateAcknowledgementsWithMultipleResponses<E>, D>

function ignore(): void {}

function listOf(room: Room | Room[]): Room[] {
  return Array.isArray(room) ? room : [room]
}

function withRooms(rooms: ReadonlySet<Room>, room: Room | Room[]): Set<Room> {
  const added = new Set(rooms)
  for (const each of listOf(room)) added.add(each)
  return added
}

interface SocketDetails<SocketData> {
  readonly id: SocketId
  readonly handshake: Handshake
  readonly rooms: readonly Room[]
  readonly data: SocketData
}

/** A socket that may be on another server. */
export class RemoteSocket<EmitEvents extends EventsMap, SocketData> implements TypedEventBroadcaster<EmitEvents> {
  readonly id: SocketId
  readonly handshake: Handshake
  readonly rooms: Set<Room>
  readonly data: SocketData
  private readonly operator: BroadcastOperator<EmitEvents, SocketData>

  constructor(adapter: Adapter, { id, handshake, rooms, data }: SocketDetails<SocketData>) {
    this.id = id
    this.handshake = handshake
    this.rooms = new Set(rooms)
    this.data = data
    this.operator = new BroadcastOperator(adapter, new Set([id]), new Set(), { expectSingleResponse: true })
  }

  timeout(timeout: number): BroadcastOperator<DecorateAcknowledgements<EmitEvents>, SocketData> {
    return this.operator.timeout(timeout)
  }

  emit<Ev extends EventNames<EmitEvents>>(ev: Ev, ...args: EventParams<EmitEvents, Ev>): boolean {
    return this.operator.emit(ev, ...args)
  }

  join(room: Room | Room[]): void {
    this.operator.socketsJoin(room)
  }

  leave(room: Room): void {
    this.operator.socketsLeave(room)
  }

  disconnect(close = false): this {
    this.operator.disconnectSockets(close)
    return this
  }
}
