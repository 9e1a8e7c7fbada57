/** One client of the engine: its transports, why it ended, and what the application may see of it as `socket.conn`. */
import type { IncomingMessage } from 'node:http'
import {
  type Body,
  EngineSession,
  type Link,
  type LinkOwner,
  textFrame,
  type WebSocketWire,
} from '@roomful/server/core'
import type { Packet, PacketType } from 'engine.io-parser'
import { asUncompressed, frameOf, isUncompressed, type Protocol, packAllowed } from '../frames.ts'
import { EngineSocket, ProbedTransport } from './conn.ts'
import { decodeBinary3, decodeBytes3, decodePacket3, decodeText3 } from './payload-3.ts'
import { type PackedRequest, packRequest, unpackRequest } from './request.ts'
import type { Engine, EngineRequest } from './server.ts'

/** How a message is sent. */
export interface SendOptions {
  compress?: boolean | undefined
  volatile?: boolean | undefined
  wsPreEncodedFrame?: readonly Uint8Array[]
}

/** What may be sent. What is neither text nor bytes is sent as its text. */
export type MessageData = string | ArrayBufferView | ArrayBuffer

/** Called once a message has been handed to the transport. */
export type SendCallback = (transport: unknown) => void

/** Codes of the close frame. */
const NORMAL = 1005
const TOO_BIG = 1009
/** What the core says of a link that it ended by itself. */
const HEARTBEAT = 'heartbeat timeout'
const TOO_SLOW = 'Too slow'

const BROKEN: ReadonlySet<string> = new Set(['parse error', 'transport error'])

const PONG = textFrame('3')
const NOTHING: readonly Uint8Array[] = []

export class Session extends EngineSession {
  readonly engine: Engine
  readonly protocol: Protocol
  readonly remoteAddress: string | undefined
  upgraded = false
  /** What the application sees; made when it looks. */
  facade: EngineSocket | undefined
  /** Why it ended, where that is known before the transport ends. */
  reason: string | undefined
  description: unknown
  /** The first request, or what is left of it. */
  private arrived: EngineRequest | PackedRequest
  /** The application has it, or may have it. */
  private isRequestUsed = false
  /** A socket of it is connected. */
  private isSettled = false
  private callbacks: SendCallback[] | undefined
  private sent: SendCallback[] | undefined
  private probed: ProbedTransport | undefined
  private isBinaryPost = false
  /** Something of what waits for a poll may be compressed. */
  private mayCompress = false

  constructor(
    engine: Engine,
    sid: string,
    request: IncomingMessage,
    protocol: Protocol,
    webSocket: WebSocketWire | undefined,
  ) {
    super(engine.hub, sid, webSocket, noop, engine.pollingForm)
    this.engine = engine
    this.arrived = request as EngineRequest
    this.protocol = protocol
    this.remoteAddress = request.socket.remoteAddress
  }

  get conn(): EngineSocket {
    this.facade ??= new EngineSocket(this)
    return this.facade
  }

  /** The first request, whatever the transport is now. Who has asked for it gets the same object the next time. */
  get request(): IncomingMessage {
    this.arrived = this.seenRequest
    this.isRequestUsed = true
    return this.arrived
  }

  set request(request: IncomingMessage) {
    this.arrived = request as EngineRequest
    this.isRequestUsed = true
  }

  /** To be read and not kept: it may be another object the next time. */
  get seenRequest(): EngineRequest {
    const { arrived } = this
    if (typeof arrived !== 'string') return arrived
    return unpackRequest(arrived, (this.carrier as WebSocketWire).socket)
  }

  /** A socket of it is connected: what nothing has asked for until the end of the turn is let go. */
  settle(): void {
    this.isSettled = true
    if (!this.polling) this.engine.settle(this)
  }

  letRequestGo(): void {
    if (this.isRequestUsed || typeof this.arrived === 'string') return
    const packed = packRequest(this.arrived)
    if (packed === undefined) this.isRequestUsed = true
    else this.arrived = packed
  }

  get readyState(): 'open' | 'closing' | 'closed' {
    return this.link?.state ?? 'open'
  }

  /** Nothing waits, so that what is sent now is on its way at the end of the turn. */
  get isWritable(): boolean {
    const { link, polling } = this
    if (link?.state !== 'open') return false
    if (this.engine.own.volatile === 'behind') return this.queuedBytes === 0
    return link.isIdle && (polling?.isPolled ?? true)
  }

  /** It polls, and its next poll has not arrived. */
  get isWaitingForPoll(): boolean {
    return this.polling !== undefined && !this.polling.isPolled
  }

  /** What has not been handed to the transport yet. */
  get unsent(): readonly Uint8Array[] {
    return [...(this.link?.unwritten ?? []), ...(this.polling?.unsent ?? [])]
  }

  sendMessage(given: MessageData, options: SendOptions, callback: SendCallback | undefined): void {
    if (this.readyState !== 'open') return
    const data = messageOf(given)
    this.announce(data, options)
    if (callback) {
      this.callbacks ??= []
      this.callbacks.push(callback)
    }
    const { wsPreEncodedFrame, compress } = options
    const isReady = wsPreEncodedFrame && !this.polling && !this.engine.opts.perMessageDeflate
    const frame = isReady ? Buffer.concat(wsPreEncodedFrame) : frameOf(data, this.protocol)
    this.link?.send(compress === false ? asUncompressed(frame) : frame)
  }

  /** Shows a message to those who watch the connection. */
  announce(data: string | Uint8Array, options: SendOptions, frame?: Uint8Array): void {
    this.announcePacket('message', data, frame ? { ...options, wsPreEncodedFrame: [frame] } : options)
  }

  /** Something of what waits for a poll may be compressed. It is asked once for each poll. */
  takesCompression(): boolean {
    const { mayCompress } = this
    this.mayCompress = false
    return mayCompress
  }

  /** Ends it from this side. What was sent before goes first. */
  end(reason: string, description?: unknown, code: number = NORMAL): void {
    if (this.readyState !== 'open') return
    this.reason ??= reason
    this.description ??= description
    // What a client sent against the protocol of the engine ends its polls at once: the next one is unknown.
    if (this.isWaitingForPoll && BROKEN.has(reason)) this.link?.terminate('')
    else this.link?.close(code, '')
  }

  /** Ends it without a word where the client polls: it finds out by itself, and comes back. */
  cut(): void {
    if (!this.polling) return this.end('forced close')
    this.reason ??= 'forced close'
    if (this.polling.isPolled) this.link?.flush()
    this.link?.terminate('')
  }

  override pack(frames: readonly Uint8Array[]): readonly Uint8Array[] {
    if (this.polling) {
      this.mayCompress ||= frames.some((frame) => !isUncompressed(frame))
      return frames
    }
    return packAllowed(frames, (allowed) => super.pack(allowed))
  }

  override write(buffers: readonly Uint8Array[]): void {
    if (this.polling) return super.write(buffers) // handed over with the next poll
    this.handOver(buffers)
    super.write(buffers)
    this.handedOver()
    if (this.sent && this.queuedBytes === 0) setImmediate(() => this.confirmSent())
  }

  /** The transport is about to get these frames. */
  handOver(frames: readonly Uint8Array[]): void {
    const { facade, engine } = this
    if (facade) {
      facade.emit('flush', frames)
      engine.emit('flush', facade, frames)
    }
    if (!this.callbacks) return
    this.sent = [...(this.sent ?? []), ...this.callbacks]
    this.callbacks = undefined
  }

  /** The transport has the frames. */
  handedOver(): void {
    const { facade } = this
    if (!facade) return
    facade.emit('drain')
    this.engine.emit('drain', facade)
  }

  protected override forget(): void {
    this.engine.forget(this.sid)
  }

  /** It is over for the application; a close may still wait for a poll. */
  over(): void {
    this.engine.ended(this.sid)
    this.onProbing(false)
  }

  override drained(): void {
    super.drained()
    this.confirmSent()
  }

  override receive(data: string | Uint8Array): void {
    if (this.protocol === 4) return super.receive(data)
    this.take(typeof data === 'string' ? decodePacket3(data) : decodeBytes3(data))
  }

  override post(body: Promise<Body>, isBinary = false): Promise<'ok' | 'too large' | 'bad'> {
    this.isBinaryPost = isBinary
    return super.post(
      body.then((read) => {
        if (read === 'too large') this.violated(TOO_BIG)
        return read
      }),
    )
  }

  protected override packetsOf(payload: Buffer): Packet[] {
    if (this.protocol === 4) return super.packetsOf(payload)
    return this.isBinaryPost ? decodeBinary3(payload) : decodeText3(payload.toString('utf8'))
  }

  override ping(): void {
    if (this.protocol === 3) return
    this.announcePacket('ping')
    super.ping()
  }

  override fail(reason: string): 'bad' {
    this.end('transport error', new Error(reason))
    return 'bad'
  }

  /** A frame that may not be, or a message that is too large. */
  violated(code: number): void {
    const description =
      code === TOO_BIG ? new RangeError('Max payload size exceeded') : new Error('Invalid WebSocket frame')
    this.end('transport error', description, code)
  }

  override closed(code: number, reason: string): void {
    if (this.polling && reason !== '' && this.link?.state === 'open') {
      this.reason ??= 'transport error'
      this.description ??= new Error('poll connection closed prematurely')
    }
    super.closed(code, reason)
  }

  /** Why the client is gone, in the words of Socket.IO. */
  outcome(said: string): { reason: string; description: unknown } {
    if (this.reason !== undefined) return { reason: this.reason, description: this.description }
    if (said === HEARTBEAT) return { reason: 'ping timeout', description: undefined }
    if (said === TOO_SLOW) {
      return {
        reason: 'transport close',
        description: new Error('The client reads too slowly: too much waited for it'),
      }
    }
    return { reason: 'transport close', description: undefined }
  }

  protected override get probing(): { readonly withinMs: number } {
    return { withinMs: this.engine.opts.upgradeTimeout }
  }

  protected override onProbing(isProbing: boolean): void {
    if (isProbing && this.facade) {
      this.probed = new ProbedTransport()
      this.facade.emit('upgrading', this.probed)
      return
    }
    this.probed?.emit('close')
    this.probed = undefined
  }

  protected override onUpgraded(): void {
    this.probed = undefined
    this.upgraded = true
    if (this.callbacks) this.handOver(NOTHING) // what polls did not fetch goes out over the WebSocket
    this.facade?.emit('upgrade', this.facade.transport)
    if (this.isSettled) this.settle()
  }

  protected override take(packet: Packet): void {
    if (this.readyState !== 'open') return
    const { facade } = this
    facade?.emit('packet', packet)
    switch (packet.type) {
      case 'ping':
        if (this.protocol === 4) return this.wrongDirection()
        this.link?.ponged()
        this.announcePacket('pong')
        this.link?.send(PONG)
        facade?.emit('heartbeat')
        return
      case 'pong':
        if (this.protocol === 3) return this.wrongDirection()
        this.link?.ponged()
        facade?.emit('heartbeat')
        return
      case 'error':
        return this.end('parse error')
      case 'message':
      case 'close':
        return super.take(packet)
      default:
    }
  }

  private announcePacket(type: PacketType, data?: string | Uint8Array, options: SendOptions = {}): void {
    if (!this.facade || this.facade.listenerCount('packetCreate') === 0) return
    const packet = { type, options: { ...options, compress: options.compress !== false } }
    this.facade.emit('packetCreate', data === undefined ? packet : { ...packet, data })
  }

  private wrongDirection(): void {
    this.fail('invalid heartbeat direction')
  }

  private confirmSent(): void {
    const { sent } = this
    if (!sent) return
    this.sent = undefined
    const transport = this.facade?.transport
    for (const callback of sent) callback(transport)
  }
}

/** Takes what a session receives; see client.ts. Without a subclass only listeners of `conn` do. */
export class SessionOwner implements LinkOwner {
  readonly session: Session
  private isOver = false

  constructor(session: Session) {
    this.session = session
  }

  receive(_link: Link, data: string | Uint8Array): boolean {
    this.onMessage(data)
    const { facade } = this.session
    if (facade) {
      facade.emit('data', data)
      facade.emit('message', data)
    }
    return true
  }

  over(_code: number, said: string): void {
    if (this.isOver) return
    this.isOver = true
    const { reason, description } = this.session.outcome(said)
    this.session.over()
    this.onClose(reason, description)
    const { facade } = this.session
    facade?.emit('close', reason, description)
    facade?.transport.emit('close')
  }

  protected onMessage(_data: string | Uint8Array): void {}

  protected onClose(_reason: string, _description: unknown): void {}
}

function noop(): void {}

function messageOf(data: MessageData | null | undefined): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return data ? String(data) : ''
}
