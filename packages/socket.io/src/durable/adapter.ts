/**
 * The adapter of a namespace with durable events. Such an event goes to the log first, and to its room when it is stored, in the
 * order of the log; what is sent meanwhile waits behind it. Clients come back with a position in the log.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type LoggedEvent, type NewRow, RoomfulError, type RoomLog, type RoomLogListener } from '@roomful/server/core'
import { PacketType } from 'socket.io-parser'
import {
  Adapter,
  type BroadcastFlags,
  type BroadcastOptions,
  type EventPacket,
  type RestoredSession,
  type Room,
} from '../adapter.ts'
import { SharedPacket } from '../frames.ts'
import { generateId } from '../ids.ts'
import type { AnyNamespace, AnySocket } from '../internal.ts'
import { emitLocally } from '../typed-events.ts'
import type { Bridge } from './bridge.ts'
import type { DurableSettings } from './options.ts'
import { formatPosition, type Position, parsePosition } from './position.ts'
import { type Queued, SendQueue } from './queue.ts'
import { isFor, Ring } from './ring.ts'
import { EVERYONE, roomIdOf, roomOf } from './room-names.ts'
import { type Session, Sessions } from './sessions.ts'

/** What handles one packet of a client. A durable event of it may fail. */
export interface Handling {
  hasFailed: boolean
}

/** Something on its way to sockets. */
interface Sending extends Queued {
  receivers: AnySocket[]
  /** It is in no log: a socket that is disconnected by the server gets it before that. */
  sendNow?: (socket: AnySocket) => void
  /** For which rooms, and not for whom. */
  readonly target?: BroadcastOptions
  stored?: LoggedEvent | undefined
}

/** What a socket misses that is not connected again yet. */
interface Missing {
  readonly session: Session
  readonly roomIds: readonly string[]
  /** In the order of their release; with the commits of durable ones. */
  packets: { readonly n: number | undefined; readonly packet: SharedPacket }[]
  bytes: number
  /** Up to this commit it was read from the log. */
  upTo: number
  /** Something may have been missed since. */
  hasHole: boolean
}

/** What a client may have missed; with more it starts afresh. */
const MISSED_MAX = { events: 10_000, bytes: 16 * 1024 * 1024 }
const RUN_LENGTH = 8
const NOT_STORED = 'What this request sent could not be stored; try again later'
/** After another server's events could not be asked for. */
const AGAIN_MS = 1_000
const ID = /^[\w-]{20}$/

const REASONS = {
  rooms: 'is for several rooms',
  except: 'leaves others out than the socket that sends it',
  volatile: 'is volatile',
  answers: 'asks for an answer',
  local: 'is for this server alone',
  socket: 'is for one socket',
  name: 'is for a room with a name that the log cannot have (1 to 128 bytes, no control characters, no braces)',
} as const

export interface DurableParts {
  readonly settings: DurableSettings
  /** How long a client may be away. */
  readonly awayMs: number
  /** Other events are kept as well, for this long. */
  readonly keepMs: number | undefined
  /** Sends what is not durable to the clients of the server beside this one. */
  readonly bridge: Bridge | undefined
  readonly openLog: (namespace: string, listener: RoomLogListener) => RoomLog
  /** Once for each event name and reason. */
  readonly warn: (event: string, sentence: string) => void
}

export class DurableAdapter extends Adapter {
  readonly log: RoomLog
  readonly sessions: Sessions
  private readonly parts: DurableParts
  private readonly queue = new SendQueue<Sending>()
  private readonly handlings = new AsyncLocalStorage<Handling>()
  private readonly appended = new Map<NewRow, Sending & { stored: LoggedEvent | undefined }>()
  private readonly ring: Ring | undefined
  private readonly run = generateId().replace(/\W|_/g, '').toLowerCase().padEnd(RUN_LENGTH, '0').slice(0, RUN_LENGTH)
  private readonly missing = new Map<string, Missing>()
  /** Rooms of which events of other servers come. */
  private readonly watched = new Set<string>()
  /** Those that do not come yet. */
  private readonly beginning = new Set<Promise<void>>()
  /** The latest commit that was sent. */
  private sentN: number | undefined

  constructor(nsp: AnyNamespace, parts: DurableParts) {
    super(nsp)
    this.parts = parts
    this.ring = parts.keepMs === undefined ? undefined : new Ring(parts.keepMs)
    this.log = parts.openLog(nsp.name, {
      onStored: (event, own) => this.onStored(event, own),
      onHole: (roomId) => this.onHole(roomId),
      onTaken: (pid, fence) => this.sessions.taken(pid, fence)?.client.session.end('transport close'),
    })
    this.sessions = new Sessions(this.log, parts.awayMs)
    if (!this.log.isShared) return
    this.watch(EVERYONE, undefined)
    this.on('create-room', (room: Room) => {
      const roomId = roomIdOf(room)
      if (roomId !== undefined && !this.nsp.findSocket(room)) this.watch(roomId, room)
    })
    this.on('delete-room', (room: Room) => {
      const roomId = roomIdOf(room)
      if (roomId !== undefined && this.watched.delete(roomId)) this.log.unwatch(roomId)
    })
  }

  override async close(): Promise<void> {
    await this.queue.idle()
    this.sessions.save()
    await this.log.sessionsStored()
  }

  // Rooms, as sessions have them.

  override addAll(id: string, rooms: Set<Room>): void {
    const session = this.sessions.of(id)
    if (session) {
      const isNew = [...rooms].filter((room) => !session.rooms.has(room))
      for (const room of isNew) session.rooms.set(room, this.n)
      if (isNew.length > 0) this.sessions.change(session)
    }
    super.addAll(id, rooms)
  }

  override del(id: string, room: Room): void {
    const session = this.sessions.of(id)
    if (session?.rooms.delete(room)) this.sessions.change(session)
    super.del(id, room)
  }

  override delAll(id: string): void {
    const missing = this.missing.get(id)
    if (missing) this.forget(missing)
    this.sessions.drop(id)
    super.delAll(id)
  }

  // Other servers.

  private watch(roomId: string, room: Room | undefined): void {
    if (this.watched.has(roomId)) return
    this.watched.add(roomId)
    const begun = this.log.watch(roomId).then(
      () => this.joinedAt(room, this.log.headN),
      (error: unknown) => {
        this.nsp.server.reportFailure(error)
        this.log.unwatch(roomId)
        if (!this.watched.delete(roomId)) return
        setTimeout(() => {
          if (room === undefined || this.rooms.has(room)) this.watch(roomId, room)
        }, AGAIN_MS).unref()
      },
    )
    this.beginning.add(begun)
    begun.finally(() => this.beginning.delete(begun))
  }

  /** What other servers stored before is from before the first join here. */
  private joinedAt(room: Room, n: number): void {
    if (room === undefined) return
    for (const id of this.rooms.get(room) ?? []) {
      const session = this.sessions.of(id)
      if (!session?.rooms.has(room)) continue
      session.rooms.set(room, Math.max(n, session.rooms.get(room) ?? 0))
      this.sessions.change(session)
    }
  }

  /** Events of other servers may be missed: their clients come back, and get them from the log. */
  private onHole(roomId: string): void {
    const rooms = new Set<Room>(roomId === EVERYONE ? [] : [roomOf(roomId)])
    for (const socket of this.receivers({ rooms }))
      if (socket.takesPosition) socket.client.session.end('transport close')
    for (const missing of this.missing.values()) if (missing.roomIds.includes(roomId)) missing.hasHole = true
  }

  private forget(missing: Missing): void {
    this.missing.delete(missing.session.sid)
    for (const roomId of missing.roomIds) this.log.unwatch(roomId)
  }

  // Sending.

  override broadcast(packet: EventPacket, opts: BroadcastOptions): void {
    const target = this.targetOf(packet, opts)
    if (target) return this.append(packet, opts, target)
    const shared = this.encode(packet)
    if (this.isElsewhere(opts)) this.nodes?.emit(shared, opts)
    this.sendInTurn(packet, shared, opts, this.parts.bridge)
  }

  override emitHere(shared: SharedPacket, opts: BroadcastOptions): void {
    const packet = this.decode(shared.packets)
    this.sendInTurn({ ...packet, type: PacketType.EVENT }, shared, opts)
  }

  private sendInTurn(packet: EventPacket, shared: SharedPacket, opts: BroadcastOptions, bridge?: Bridge): void {
    // At the bound of the queue it overtakes what waits there.
    if (this.queue.isIdle || this.queue.isFull) {
      this.send(packet, shared, opts, this.receivers(opts))
      return bridge?.emit(this, packet, opts)
    }
    const sending: Sending = {
      isReady: true,
      receivers: this.receivers(opts),
      target: opts,
      run: () => {
        this.send(packet, shared, opts, sending.receivers)
        bridge?.emit(this, packet, opts)
      },
      sendNow: (socket) => this.deliverTo(packet, shared, opts.flags, [socket], this.endOf(packet, opts.flags)),
    }
    this.queue.add(sending)
  }

  override broadcastWithAck(
    packet: EventPacket,
    opts: BroadcastOptions,
    onCount: (clients: number) => void,
    onAnswer: (...args: unknown[]) => void,
  ): void {
    this.targetOf(packet, opts, 'answers')
    if (this.queue.isIdle || this.queue.isFull) return super.broadcastWithAck(packet, opts, onCount, onAnswer)
    if (this.isElsewhere(opts)) void this.nodes?.ask(packet, opts, onCount, onAnswer)
    packet.id = this.nsp._ids++
    const shared = this.encode(packet)
    const receivers = this.receivers(opts)
    for (const { acks } of receivers) acks.set(packet.id, onAnswer)
    onCount(receivers.length)
    this.queue.add({
      isReady: true,
      receivers,
      run: () => this.deliverTo(packet, shared, opts.flags, receivers, undefined),
    })
  }

  /** Runs what handles a packet of a client, so that its answer knows what became of the events that it emits. */
  handle(run: () => void): void {
    this.handlings.run({ hasFailed: false }, run)
  }

  /** As {@link handle}, for a client that is no socket. @throws RoomfulError (rejects) UNAVAILABLE */
  async handleStored<T>(run: () => T | Promise<T>): Promise<T> {
    const handling: Handling = { hasFailed: false }
    const result = await this.handlings.run(handling, run)
    if (!this.queue.isIdle) await this.inTurn()
    if (handling.hasFailed) throw new RoomfulError('UNAVAILABLE', NOT_STORED)
    return result
  }

  get handling(): Handling | undefined {
    return this.handlings.getStore()
  }

  /** The answer to a client, once what its handler did before is stored. It is not sent when something of it was not. */
  answer(socket: AnySocket, packet: EventPacket, handling: Handling | undefined): void {
    if (handling?.hasFailed || this.queue.isFull) return
    this.sessions.handled(socket)
    const stored = this.sessions.stored((error) => this.nsp.server.reportFailure(error), [...this.beginning])
    if (stored) {
      const waiting: Sending = { isReady: false, receivers: [], run: () => undefined }
      this.queue.add(waiting)
      stored.then(() => {
        waiting.isReady = true
        this.queue.drain()
      })
    }
    if (this.queue.isIdle) return socket.packet(packet)
    const { packets } = this.encode(packet)
    const send = (): void => {
      if (!handling?.hasFailed) socket.client._packet(packets, { preEncoded: true })
    }
    this.queue.add({ isReady: true, receivers: [], run: send })
  }

  /**
   * Resolves once the log has what was emitted before, and events of other servers come for all rooms here. A socket that joins and
   * then reads the history gets the rest live, since who gets an event is decided when it is emitted.
   */
  async caughtUp(): Promise<void> {
    await Promise.all(this.beginning)
    if (!this.queue.isIdle && !this.queue.isFull) await this.inTurn()
  }

  /** Resolves in the turn of what is added to the queue now. */
  private inTurn(): Promise<void> {
    return new Promise((resolve) => this.queue.add({ isReady: true, receivers: [], run: resolve }))
  }

  /** The server disconnects it: what was emitted before goes out, as far as it is in no log. */
  flush(socket: AnySocket): void {
    for (const sending of this.queue) {
      const at = sending.receivers.indexOf(socket)
      if (at < 0 || !sending.sendNow) continue
      sending.receivers.splice(at, 1)
      sending.sendNow(socket)
    }
  }

  /** @returns where a durable event goes; undefined for one that is not, or cannot be */
  private targetOf(packet: EventPacket, opts: BroadcastOptions, reason?: keyof typeof REASONS): string | undefined {
    const [event] = packet.data as unknown[]
    if (packet.type !== PacketType.EVENT || !this.parts.settings.isDurable(event)) return undefined
    const found = reason ?? this.roomIdFor(packet, opts)
    if (!(found in REASONS)) return found
    const sentence = `The event ${JSON.stringify(event)} is durable and ${REASONS[found as keyof typeof REASONS]}`
    if (this.parts.settings.strict) throw new Error(`${sentence}: send it to one room, or to the namespace`)
    this.parts.warn(event as string, `${sentence}. It was sent to those connected now, and is not stored.`)
    return undefined
  }

  private roomIdFor({ id }: EventPacket, { rooms, except, flags }: BroadcastOptions): string {
    if (id !== undefined) return 'answers'
    if (flags?.volatile) return 'volatile'
    if (flags?.local) return 'local'
    if (rooms.size > 1) return 'rooms'
    if (except && (except.size > 1 || [...except].some((room) => !this.isSocket(room)))) return 'except'
    if (rooms.size === 0) return EVERYONE
    const [room] = rooms
    if (this.nsp.findSocket(room) || this.parts.bridge?.isConnection(this, room)) return 'socket'
    return roomIdOf(room) ?? 'name'
  }

  private isSocket(room: Room): boolean {
    if (typeof room !== 'string') return false
    return this.nsp.findSocket(room) !== undefined || (ID.test(room) && !this.rooms.has(room))
  }

  private append(packet: EventPacket, opts: BroadcastOptions, roomId: string): void {
    const shared = this.encode(packet)
    const [type, ...args] = packet.data as [string, ...unknown[]]
    if (this.queue.isFull) {
      if (this.handling) this.handling.hasFailed = true
      return this.fail(new Error('Too many durable events wait for the storage'), type, args, opts)
    }
    const [except] = opts.except ?? []
    const row: NewRow = { roomId, type, args, except }
    const { handling } = this
    const sending: Sending & { stored: LoggedEvent | undefined } = {
      isReady: false,
      receivers: this.receivers(opts),
      target: opts,
      stored: undefined,
      run: () => {
        const { stored, receivers } = sending
        if (!stored) return
        this.release(packet, shared, opts, stored, receivers)
        this.nodes?.emitBeside(shared, opts)
      },
    }
    this.sessions.save()
    this.appended.set(row, sending)
    this.queue.add(sending)
    this.log.append(row, (error) => {
      this.appended.delete(row)
      if (!error) return
      if (handling) handling.hasFailed = true
      sending.run = () => this.fail(error, type, args, opts)
      sending.isReady = true
      this.queue.drain()
    })
  }

  /** From the log, in its order. */
  private onStored(stored: LoggedEvent, own: NewRow | undefined): void {
    const sending = own && this.appended.get(own)
    if (sending) {
      sending.stored = stored
      sending.isReady = true
      return this.queue.drain()
    }
    const { roomId, type, args, except } = stored
    const opts = {
      rooms: new Set(roomId === EVERYONE ? [] : [roomOf(roomId)]),
      except: new Set(except === undefined ? [] : [except]),
    }
    const packet: EventPacket = { type: PacketType.EVENT, data: [type, ...args] }
    const shared = this.encode(packet)
    const receivers = this.receivers(opts)
    const run = (): void => this.release(packet, shared, opts, stored, receivers)
    this.queue.addStored({ isReady: true, receivers, target: opts, stored, run })
  }

  private release(
    packet: EventPacket,
    shared: SharedPacket,
    opts: BroadcastOptions,
    { n }: LoggedEvent,
    receivers: readonly AnySocket[],
  ): void {
    this.sentN = Math.max(this.n, n)
    const end = formatPosition(this.position)
    this.deliverTo(packet, shared, opts.flags, receivers, end)
    this.miss(shared, opts, end, n)
  }

  private fail(error: Error, event: string, args: readonly unknown[], { rooms, except }: BroadcastOptions): void {
    const [room] = rooms
    const [socketId] = except ?? []
    if (this.nsp.listenerCount('durable_error') === 0) this.nsp.server.reportFailure(error)
    else emitLocally(this.nsp, 'durable_error', error, { event, args, room, socketId })
  }

  private send(
    packet: EventPacket,
    shared: SharedPacket,
    opts: BroadcastOptions,
    receivers: readonly AnySocket[],
  ): void {
    const { ring } = this
    if (!ring || packet.id !== undefined || packet.type !== PacketType.EVENT || opts.flags?.volatile) {
      return this.deliverTo(packet, shared, opts.flags, receivers, this.endOf(packet, opts.flags))
    }
    ring.add(this.n, shared, opts)
    const end = formatPosition(this.position)
    this.deliverTo(packet, shared, opts.flags, receivers, end)
    this.miss(shared, opts, end, undefined)
  }

  /** Of an event without a position: what keeps the client from taking its last text for one. */
  private endOf({ id, data }: EventPacket, flags: BroadcastFlags | undefined): null | undefined {
    if (this.ring && !flags?.volatile) return undefined
    return id === undefined && typeof (data as unknown[]).at(-1) === 'string' ? null : undefined
  }

  private deliverTo(
    packet: EventPacket,
    shared: SharedPacket,
    flags: BroadcastFlags = {},
    receivers: readonly AnySocket[],
    end: string | null | undefined,
  ): void {
    const observes = this.nsp.outgoingListeners > 0
    let ended: SharedPacket | undefined
    for (const socket of receivers) {
      if (!socket.isReceiving) continue
      if (observes) socket.notifyOutgoingListeners(packet)
      if (end !== undefined && socket.takesPosition) {
        ended ??= this.withEnd(shared, end)
        socket.client.deliver(ended, flags)
      } else socket.client.deliver(shared, flags)
    }
  }

  /** The packet with one more argument. */
  private withEnd(shared: SharedPacket, end: string | null): SharedPacket {
    if (this.nsp.server.hasOwnParser) return shared.with(end)
    const packet = this.decode(shared.packets)
    return new SharedPacket(this.nsp.server.encoder.encode({ ...packet, data: [...packet.data, end] }))
  }

  // Coming back.

  /** The latest commit that clients of this process know. */
  private get n(): number {
    this.sentN ??= this.log.logId === '' ? undefined : this.log.headN
    return this.sentN ?? 0
  }

  get position(): Position {
    return { logId: this.log.logId, n: this.n, run: this.run, k: this.ring?.k ?? 0 }
  }

  override persistSession({ sid }: { sid: string }): void {
    this.sessions.leave(sid)
  }

  override async restoreSession(pid: string, offset: string | undefined): Promise<RestoredSession | null> {
    // Its link was cut, and this process does not know yet.
    this.sessions.withPid(pid)?.socket?.client.session.end('transport close')
    const taken = await this.sessions.take(pid)
    if (!taken) return null
    const { session, isHere } = taken
    const from = offset === undefined ? session.start : parsePosition(offset)
    if (!from || from.logId !== this.log.logId) return null
    const others = this.othersAfter(from)
    if (!others) return null
    const missing: Missing = { session, packets: [], bytes: 0, upTo: 0, hasHole: false, roomIds: roomIdsOf(session) }
    this.missing.set(session.sid, missing)
    // Before it is in them: what other servers store from now on is not missed.
    const isWatched = await Promise.all(missing.roomIds.map((roomId) => this.log.watch(roomId))).then(
      () => true,
      () => false,
    )
    missing.upTo = Math.max(this.n, this.log.headN)
    const missed = isWatched ? await this.readMissed(missing, from.n) : undefined
    if (!missed || this.missing.get(session.sid) !== missing) {
      if (this.missing.get(session.sid) === missing) this.forget(missing)
      return null
    }
    const later = missing.packets.filter(({ n }) => n === undefined || n > missing.upTo)
    const packets = this.merge(session, from, missed, others).map((packet) => ({ n: undefined, packet }))
    missing.packets = [...packets, ...later]
    const { sid, rooms, data } = session
    return { sid, pid, rooms: [...rooms.keys()], data, missedPackets: [], mustCheck: !isHere }
  }

  /** It is connected: what it missed until now, in order. */
  takeMissed(socket: AnySocket): readonly SharedPacket[] {
    const missing = this.missing.get(socket.id)
    if (!missing) return []
    this.forget(missing)
    const { rooms } = missing.session
    for (const room of this.sids.get(socket.id) ?? []) if (!rooms.has(room)) rooms.set(room, this.n)
    this.sessions.resumed({ ...missing.session, socket })
    // What is stored just now is for it as well.
    for (const { target, receivers, stored } of this.queue) {
      if (stored && stored.n <= missing.upTo) continue // it was read
      if (target && isFor(rooms.keys(), target.rooms, target.except ?? new Set())) receivers.push(socket)
    }
    if (!missing.hasHole) return missing.packets.map(({ packet }) => packet)
    // It comes back once more, to where it stands now.
    socket.client.session.end('transport close')
    return []
  }

  /** A new socket may come back from now on. */
  begin(socket: AnySocket, pid: string): void {
    const { id: sid } = socket
    if (this.sessions.of(sid)) return
    const rooms = new Map([...(this.sids.get(sid) ?? [])].map((room) => [room, this.n] as const))
    this.sessions.begin({
      pid,
      sid,
      rooms,
      start: this.position,
      fence: undefined,
      socket,
      data: undefined,
      saved: undefined,
    })
  }

  /** @returns undefined when some are gone that must not be */
  private othersAfter({ run, k }: Position): readonly ReturnType<Ring['after']>['events'][number][] | undefined {
    if (!this.ring) return []
    const isRequired = this.parts.settings.transient === 'required'
    if (run !== this.run) return isRequired ? undefined : []
    const { events, isWhole } = this.ring.after(k)
    return isRequired && !isWhole ? undefined : events
  }

  private async readMissed({ session, roomIds, upTo }: Missing, n: number): Promise<LoggedEvent[] | undefined> {
    const missed = await this.log.missed({ n, roomIds, ...MISSED_MAX }).catch(() => undefined)
    return missed?.filter((event) => {
      if (event.n > upTo || event.except === session.sid) return false
      return event.roomId === EVERYONE || event.n > (session.rooms.get(roomOf(event.roomId)) ?? 0)
    })
  }

  private merge(
    { rooms }: Session,
    from: Position,
    stored: readonly LoggedEvent[],
    others: ReturnType<Ring['after']>['events'],
  ): SharedPacket[] {
    const own = [...rooms.keys()]
    const merged: SharedPacket[] = []
    let { n } = from
    let k = from.run === this.run ? from.k : 0
    let at = 0
    const add = (packet: SharedPacket): void => {
      merged.push(this.withEnd(packet, formatPosition({ ...this.position, n, k })))
    }
    const addOthers = (until: number): void => {
      for (let other = others[at]; other && other.n < until; other = others[++at]) {
        k = other.k
        if (isFor(own, other.rooms, other.except)) add(other.packet)
      }
    }
    for (const event of stored) {
      addOthers(event.n)
      n = event.n
      add(this.encode({ type: PacketType.EVENT, data: [event.type, ...event.args] }))
    }
    addOthers(Number.POSITIVE_INFINITY)
    return merged
  }

  private miss(
    shared: SharedPacket,
    { rooms, except = new Set() }: BroadcastOptions,
    end: string,
    n: number | undefined,
  ): void {
    for (const [sid, missing] of this.missing) {
      if (!isFor(missing.session.rooms.keys(), rooms, except)) continue
      const packet = this.withEnd(shared, end)
      missing.packets.push({ n, packet })
      missing.bytes += packet.packets.reduce((sum, part) => sum + part.length, 0)
      if (missing.bytes <= MISSED_MAX.bytes) continue
      // Too much came while it was checked: it comes back once more.
      this.forget(missing)
      this.nsp.findSocket(sid)?.client.session.end('forced close')
    }
  }
}

function roomIdsOf({ rooms }: Session): string[] {
  const roomIds = [EVERYONE]
  for (const room of rooms.keys()) {
    const roomId = roomIdOf(room)
    if (roomId !== undefined) roomIds.push(roomId)
  }
  return roomIds
}
