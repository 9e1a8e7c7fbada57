/** One link of a client: it decodes packets, and passes them to the sockets of its namespaces. */
import type { IncomingMessage } from 'node:http'
import { PacketDecoder, RateWindow, type Timer } from '@roomful/server/core'
import { type Packet, PacketType } from 'socket.io-parser'
import type { BroadcastFlags } from './adapter.ts'
import type { EngineSocket } from './engine/conn.ts'
import { type Session, SessionOwner } from './engine/session.ts'
import { asUncompressed, type EncodedPackets, framesOf, type SharedPacket } from './frames.ts'
import type { AnyNamespace, AnyServer, AnySocket } from './internal.ts'

/** How foreign adapters send what they have encoded. */
interface WriteOptions extends BroadcastFlags {
  preEncoded?: boolean
  wsPreEncodedFrame?: readonly Uint8Array[]
}

interface CustomDecoder {
  on(event: 'decoded', listener: (packet: Packet) => void): unknown
  add(data: unknown): undefined
  destroy(): void
}

const SECOND_MS = 1_000
/** The text of a packet whose attachments follow. */
const ANNOUNCES = /^[56]/
const NONE: readonly AnySocket[] = []

export class Client extends SessionOwner {
  readonly server: AnyServer
  /** In the order in which they connected. Nearly always one, so a map would cost more than it saves. */
  private sockets: readonly AnySocket[] = NONE
  /** Its own only where packets come in parts, or are those of the application's parser. */
  private decoder: PacketDecoder | CustomDecoder | undefined
  private deadline: Timer | undefined
  private rate: RateWindow | undefined

  constructor(server: AnyServer, session: Session) {
    super(session)
    this.server = server
    const { engine } = session
    if (!server.hasOwnParser) {
      const decoder = new server._parser.Decoder() as unknown as CustomDecoder
      decoder.on('decoded', (packet) => this.onPacket(packet))
      this.decoder = decoder
    }
    const { timers } = engine.hub.runtime
    this.deadline = timers.add(server._connectTimeout, () => {
      this.deadline = undefined
      if (this.sockets.length === 0) this.close()
    })
  }

  get conn(): EngineSocket {
    return this.session.conn
  }

  get id(): string {
    return this.session.sid
  }

  get request(): IncomingMessage {
    const { facade, request } = this.session
    return facade ? facade.request : request
  }

  get isOpen(): boolean {
    return this.session.readyState === 'open'
  }

  /** From the session: one message. */
  protected override onMessage(data: string | Uint8Array): void {
    this.ondata(data)
  }

  /** What the engine received. */
  ondata(data: unknown): void {
    try {
      const decoded = this.decoderOf(data).add(data as string)
      if (!decoded) return
      if (!decoded.isWhole) throw new RangeError('The attachments are too large')
      this.onPacket(decoded.packet)
    } catch (error) {
      this.onerror(error)
    }
  }

  /** An application's own client may connect for another: of version 2 every one is in `/`. */
  connect(name: string, auth: Record<string, unknown> = {}): void {
    const known = this.server._nsps.get(name)
    if (known) return this.enter(known, auth)
    this.server._checkNamespace(name, auth, (found) => {
      if (found) return this.enter(found, auth)
      this._packet({ type: PacketType.CONNECT_ERROR, nsp: name, data: { message: 'Invalid namespace' } })
    })
  }

  /** Sends a packet, or what another part has encoded. */
  _packet(packet: Packet | EncodedPackets, options: WriteOptions = {}): void {
    if (!this.isOpen) return
    this.writeToEngine(
      options.preEncoded ? (packet as EncodedPackets) : this.server.encoder.encode(packet as Packet),
      options,
    )
  }

  /** For foreign adapters, which encode by themselves. */
  writeToEngine(packets: EncodedPackets | string, options: WriteOptions): void {
    const list = typeof packets === 'string' ? [packets] : packets
    this.send(list, framesOf(list, this.session.protocol), options)
  }

  /** A packet that many clients get. */
  deliver(shared: SharedPacket, flags: BroadcastFlags): void {
    this.send(shared.packets, shared.frames(this.session.protocol), flags)
  }

  /** Leaves every namespace, and ends the link. */
  _disconnect(): void {
    for (const socket of this.sockets) socket.disconnect()
    this.sockets = NONE
    this.close()
  }

  _remove(socket: AnySocket): void {
    this.sockets = this.sockets.length === 1 ? NONE : this.sockets.filter((each) => each !== socket)
  }

  protected override onClose(reason: string, description: unknown): void {
    this.session.engine.hub.runtime.timers.cancel(this.deadline)
    this.deadline = undefined
    for (const socket of this.sockets) socket._onclose(reason, description)
    this.sockets = NONE
    if (this.decoder && 'destroy' in this.decoder) this.decoder.destroy()
  }

  private decoderOf(data: unknown): PacketDecoder | CustomDecoder {
    if (this.decoder) return this.decoder
    const { engine } = this.session
    const isWhole = typeof data !== 'string' || !ANNOUNCES.test(data)
    if (isWhole) return engine.decoder
    this.decoder = new PacketDecoder(engine.opts.maxHttpBufferSize, engine.own)
    return this.decoder
  }

  private send(packets: EncodedPackets, frames: Uint8Array, flags: BroadcastFlags): void {
    const { session } = this
    if (flags.volatile && !session.isWritable) return
    if (session.facade) for (const packet of packets) session.announce(packet, flags, frames)
    session.link?.send(flags.compress === false ? asUncompressed(frames) : frames)
  }

  private enter(nsp: AnyNamespace, auth: Record<string, unknown>): void {
    nsp._add(this, auth, (socket) => {
      const { session } = this
      session.settle()
      // Alone, so that a client which listens for one message at a time gets the answer before what a listener sends.
      if (!session.isPolling) session.link?.flush()
      this.sockets = this.sockets.concat(socket) // no longer than it needs to be, unlike a spread
      session.engine.hub.runtime.timers.cancel(this.deadline)
      this.deadline = undefined
    })
  }

  private onPacket(packet: Packet): void {
    if (this.isTooFast()) return
    const { nsp: name, auth } =
      this.session.protocol === 3 ? olderConnect(packet) : { nsp: packet.nsp, auth: packet.data }
    const socket = this.sockets.findLast((each) => each.nsp.name === name)
    if (!socket && packet.type === PacketType.CONNECT) this.connect(name, auth as Record<string, unknown>)
    else if (socket && packet.type !== PacketType.CONNECT && packet.type !== PacketType.CONNECT_ERROR) {
      process.nextTick(() => socket._onpacket(packet))
    } else this.close()
  }

  /** Closes the link of a client that sends more than the application lets it. */
  private isTooFast(): boolean {
    const { engine } = this.session
    const { packetsPerSecond } = engine.own
    if (packetsPerSecond === 0) return false
    this.rate ??= new RateWindow(packetsPerSecond)
    if (this.rate.take(engine.hub.runtime.clock.monotonic(), SECOND_MS) === 0) return false
    this.session.end('forced close', new Error(`More than ${packetsPerSecond} packets in a second`))
    return true
  }

  private onerror(error: unknown): void {
    for (const socket of this.sockets) socket._onerror(error)
    this.session.end('forced close')
  }

  private close(): void {
    const { session } = this
    // A client that polls learns of it with its next poll.
    session.end(session.isWaitingForPoll ? 'forced server close' : 'forced close')
  }
}

/** Version 2 sends a query in the name of a namespace, where version 4 has `auth`. */
function olderConnect(packet: Packet): { nsp: string; auth: Record<string, unknown> } {
  const url = new URL(packet.nsp, 'http://localhost')
  return { nsp: url.pathname, auth: Object.fromEntries(url.searchParams) }
}
