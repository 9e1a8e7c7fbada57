/**
 * The dialect of Socket.IO. Each namespace that a client connects to is a connection on a channel of its link. Each link
 * has its own dialect object, which maps names of namespaces to channels. PROTOCOL.md, sections 3 and 14.
 */
import {
  afterClose,
  type Credentials,
  ERROR_CODES,
  failureData,
  type Inbound,
  MAX_CHANNELS,
  type RequestId,
  readCredentials,
  type WireError,
  type WireEvent,
} from '@roomful/protocol'
import { type Packet, PacketType } from 'socket.io-parser'
import { SmallMap, SmallSet } from '../../../core/base/small-collections.ts'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'
import { type Decoded, PacketDecoder, readAnswer, readEvent } from './decoder.ts'
import { encodeRequest } from './encoding.ts'
import { ackPacket, connectedPacket, disconnectedPacket, eventFrame, refusedPacket } from './packets.ts'

/** What all Socket.IO links of a server share. */
export interface SocketIoForm {
  readonly recovery: boolean
  readonly heartbeat: { readonly pingIntervalMs: number; readonly pongTimeoutMs: number }
  readonly maxMessageBytes: number
  /**
   * @param recovery whether events end with a cursor
   * @returns undefined when the namespace does not exist
   */
  encodingOf(nsp: string, recovery: boolean): Encoding | undefined
  /** Whether an event from clients has a schema in the namespace. */
  isDeclared(nsp: string, event: string): boolean
  /** Whether the namespace has a handler for an event. */
  isHandled(nsp: string, event: string): boolean
}

/** What the dialect needs of its link. */
export interface DialectLink {
  /** Ends the link; the client reconnects by itself. */
  endLink(code: number, reason: string): void
  malformed(reason: string): void
  /** A message for a namespace that the client has left was ignored. */
  dropped(): void
}

interface Channel {
  readonly nsp: string
  readonly encoding: Encoding
  /** The client removes cursors from events, and sends the last one when it reconnects. */
  readonly recovers: boolean
  /** `left`: the client has disconnected, and the core has not processed it yet. */
  state: 'opening' | 'unknown' | 'open' | 'left'
}

const SILENT: Encoding = { key: 'socketio:none', encode: () => undefined }
/** Bytes around the arguments: names of the event and the namespace, numbers. */
const HEAD_MAX_BYTES = 256
/** The channel of one namespace too many, which the link refuses. */
const REFUSED_CHANNEL = MAX_CHANNELS + 1

export class SocketIoDialect implements Dialect {
  readonly name = 'socketio'
  readonly multiplexed = true
  readonly opensOneByOne = true
  readonly view = 'all'
  readonly resumes: boolean
  readonly restoresRooms: boolean
  readonly heartbeat: SocketIoForm['heartbeat']
  private readonly form: SocketIoForm
  private readonly link: DialectLink
  private readonly takesCursors: boolean
  private readonly decoder: PacketDecoder
  /** From the welcome, for which Socket.IO has no packet: each reply to CONNECT includes them. */
  private limits: unknown
  private readonly channels = new SmallMap<number, Channel>()
  /** Namespaces that the client was connected to. A message for one of them is late, not invalid. */
  private readonly left = new SmallSet<string>()

  /** @param takesCursors whether this kind of client removes the cursor, unless it says otherwise */
  constructor(form: SocketIoForm, link: DialectLink, takesCursors: boolean) {
    this.form = form
    this.link = link
    this.takesCursors = takesCursors
    this.resumes = form.recovery
    this.restoresRooms = form.recovery
    this.heartbeat = form.heartbeat
    this.decoder = new PacketDecoder(form.maxMessageBytes + HEAD_MAX_BYTES)
  }

  encoding(channel: number): Encoding {
    return this.channels.get(channel)?.encoding ?? SILENT
  }

  takesSession(channel: number): boolean {
    return this.channels.get(channel)?.recovers === true
  }

  decode(data: string | Uint8Array): Inbound[] {
    try {
      const decoded = this.decoder.add(data)
      return decoded ? this.read(decoded) : []
    } catch (error) {
      this.link.malformed(error instanceof Error ? error.message : 'Not a Socket.IO packet')
      return []
    }
  }

  nameOf(type: string): string {
    return type
  }

  ack(channel: number, id: RequestId, data: unknown): Uint8Array | readonly Uint8Array[] | undefined {
    const nsp = this.channels.get(channel)?.nsp
    return nsp === undefined ? undefined : ackPacket(nsp, Number(id), data)
  }

  request(channel: number, id: number, event: WireEvent): Uint8Array | undefined {
    const nsp = this.channels.get(channel)?.nsp
    return nsp === undefined ? undefined : encodeRequest(nsp, id, event)
  }

  fail(channel: number, error: WireError, id: RequestId | undefined, event: string | undefined): Uint8Array {
    const found = this.channels.get(channel)
    if (found?.state !== 'open' && id === undefined) return this.refuse(channel, error)
    const nsp = found?.nsp ?? '/'
    if (id === undefined) return eventFrame(nsp, 'error', `,${JSON.stringify({ ...error, ...(event && { event }) })}`)
    return ackPacket(nsp, Number(id), failureData(error)) as Uint8Array
  }

  control(type: string, channel: number | undefined, data: Record<string, unknown>): Uint8Array | undefined {
    if (type === 'welcome') this.limits = data.limits
    const found = channel === undefined ? undefined : this.channels.get(channel)
    if (channel === undefined || !found) return undefined
    if (type === 'closed') return this.closed(channel, found, data as unknown as Closed)
    if (type !== 'opened') return eventFrame(found.nsp, type, `,${JSON.stringify(data)}`)
    if (found.state === 'left') return undefined
    found.state = 'open'
    const { id, session } = data
    // Without recovery there is nothing in it but what the protocol has.
    return connectedPacket(found.nsp, { sid: id, ...(found.recovers ? { pid: session, limits: this.limits } : {}) })
  }

  /** A close that means “reconnect” closes the link: after a DISCONNECT packet the official client would not reconnect. */
  private closed(channel: number, { nsp, state }: Channel, { code, reason, error }: Closed): Uint8Array | undefined {
    if (state === 'left') {
      this.channels.delete(channel)
      return undefined
    }
    if (afterClose(code) === 'reconnect') {
      this.link.endLink(code, reason)
      return undefined
    }
    if (state !== 'open') return this.refuse(channel, error ?? { code: 'FORBIDDEN', message: reason })
    this.left.add(nsp)
    this.channels.delete(channel)
    return disconnectedPacket(nsp)
  }

  /** For a bad token `message` is the code's standard sentence, which clients compare with; the precise one is in `data`. */
  private refuse(channel: number, error: WireError): Uint8Array {
    const { nsp = '/', state } = this.channels.get(channel) ?? {}
    this.channels.delete(channel)
    if (state === 'unknown') return refusedPacket(nsp, { message: 'Invalid namespace' })
    const message = error.code === 'TOKEN_INVALID' ? ERROR_CODES.TOKEN_INVALID.message : error.message
    return refusedPacket(nsp, { message, data: error })
  }

  private read({ packet, isWhole }: Decoded): Inbound[] {
    if (packet.type === PacketType.CONNECT) return this.connect(packet)
    const channel = this.channelOf(packet.nsp)
    if (channel !== undefined) return [this.readOn(channel, packet, isWhole)]
    if (!this.left.has(packet.nsp)) throw new Error('Not connected to this namespace')
    // It was sent before the connection ended.
    this.link.dropped()
    return []
  }

  private readOn(channel: number, packet: Packet, isWhole: boolean): Inbound {
    const exceeded = isWhole ? undefined : this.form.maxMessageBytes
    switch (packet.type) {
      case PacketType.DISCONNECT:
        this.leave(channel)
        return { kind: 'close', channel }
      case PacketType.EVENT:
        return readEvent({
          ...{ channel, packet, exceeded },
          isDeclared: (event) => this.form.isDeclared(packet.nsp, event),
          isHandled: (event) => this.form.isHandled(packet.nsp, event),
        })
      case PacketType.ACK:
        return readAnswer({ channel, packet, exceeded })
      default:
        throw new Error('Not for a client to send')
    }
  }

  /** A second CONNECT replaces the first: a client that reconnects at once may send no DISCONNECT before. */
  private connect({ nsp, data }: Packet): Inbound[] {
    const auth = (data ?? {}) as Record<string, unknown>
    const recovers = this.resumes && this.wantsRecovery(auth)
    const encoding = this.form.encodingOf(nsp, recovers)
    const earlier = this.channelOf(nsp)
    if (earlier !== undefined) this.leave(earlier)
    const channel = this.freeChannel()
    this.channels.set(channel, { nsp, encoding: encoding ?? SILENT, recovers, state: encoding ? 'opening' : 'unknown' })
    const { pid, offset, ...payload } = auth
    const session = recovers && typeof pid === 'string' ? pid : undefined
    const credentials: Credentials = readCredentials(auth)
    const cursor = offset === undefined || offset === null ? undefined : String(offset)
    const said = session ? payload : auth
    const open: Inbound = { kind: 'open', channel, namespace: nsp, credentials, session, cursor, auth: said }
    if (earlier === undefined) return [open]
    return [{ kind: 'close', channel: earlier, isReplaced: session !== undefined }, open]
  }

  /** The client's own word counts first. Without it, a `pid` shows that the client supports recovery. */
  private wantsRecovery({ recovery, pid }: Record<string, unknown>): boolean {
    if (typeof recovery === 'boolean') return recovery
    return typeof pid === 'string' || this.takesCursors
  }

  /** The client has left a namespace. It may connect again at once, while one of its requests still runs. */
  private leave(channel: number): void {
    const found = this.channels.get(channel)
    if (!found) return
    found.state = 'left'
    this.left.add(found.nsp)
  }

  private channelOf(nsp: string): number | undefined {
    for (const [channel, found] of this.channels) {
      if (found.nsp === nsp && found.state !== 'left' && channel !== REFUSED_CHANNEL) return channel
    }
    return undefined
  }

  private freeChannel(): number {
    for (let channel = 1; channel <= MAX_CHANNELS; channel++) if (!this.channels.has(channel)) return channel
    return REFUSED_CHANNEL
  }
}

interface Closed {
  readonly code: number
  readonly reason: string
  readonly error?: WireError
}
