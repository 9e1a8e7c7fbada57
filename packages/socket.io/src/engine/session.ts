/** One client of the engine: its transports, why it ended, and what the application may see of it as `socket.conn`. */
import type { IncomingMessage } from 'node:http'
import { EngineSession, type Link, type LinkOwner, textFrame, type WebSocketWire } from '@roomful/server/core'
import type { Packet } from 'engine.io-parser'
import { frameOf, type Protocol } from '../frames.ts'
import { EngineSocket } from './conn.ts'
import { olderPackets } from './older-payload.ts'
import type { Engine } from './server.ts'

/** How a message is sent. */
export interface SendOptions {
  compress?: boolean | undefined
  volatile?: boolean | undefined
  wsPreEncodedFrame?: readonly Uint8Array[]
}

/** Called once a message has been handed to the transport. */
export type SendCallback = (transport: unknown) => void

/** Codes of the close frame. */
const NORMAL = 1005
const TOO_BIG = 1009
/** What the core says of a link that it ended by itself. */
const HEARTBEAT = 'heartbeat timeout'
const TOO_SLOW = 'Too slow'

const PONG = textFrame('3')

export class Session extends EngineSession {
  readonly engine: Engine
  readonly protocol: Protocol
  readonly remoteAddress: string | undefined
  /** The first request, whatever the transport is now. */
  request: IncomingMessage
  upgraded = false
  /** What the application sees; made when it looks. */
  facade: EngineSocket | undefined
  /** Why it ended, where that is known before the transport ends. */
  reason: string | undefined
  description: unknown
  private callbacks: SendCallback[] | undefined
  private handedOver: SendCallback[] | undefined

  constructor(
    engine: Engine,
    sid: string,
    request: IncomingMessage,
    protocol: Protocol,
    webSocket: WebSocketWire | undefined,
  ) {
    super(engine.hub, sid, webSocket, () => engine.forget(sid), engine.pollingForm(protocol))
    this.engine = engine
    this.request = request
    this.protocol = protocol
    this.remoteAddress = request.socket.remoteAddress
  }

  get conn(): EngineSocket {
    this.facade ??= new EngineSocket(this)
    return this.facade
  }

  get readyState(): 'open' | 'closing' | 'closed' {
    return this.link?.state ?? 'open'
  }

  /** Nothing waits, so that what is sent now is on its way at the end of the turn. */
  get isWritable(): boolean {
    return this.link?.isIdle === true && this.link.state === 'open' && (this.polling?.isPolled ?? true)
  }

  /** It polls, and its next poll has not arrived. */
  get isWaitingForPoll(): boolean {
    return this.polling !== undefined && !this.polling.isPolled
  }

  sendMessage(data: string | Uint8Array, options: SendOptions, callback: SendCallback | undefined): void {
    if (this.readyState !== 'open') return
    this.announce(data, options)
    if (callback) {
      this.callbacks ??= []
      this.callbacks.push(callback)
    }
    this.link?.send(frameOf(data, this.protocol))
  }

  /** Shows a message to those who watch the connection. */
  announce(data: string | Uint8Array, options: SendOptions, frame?: Uint8Array): void {
    if (!this.facade || this.facade.listenerCount('packetCreate') === 0) return
    const sent = { ...options, compress: options.compress !== false, ...(frame && { wsPreEncodedFrame: [frame] }) }
    this.facade.emit('packetCreate', { type: 'message', data, options: sent })
  }

  /** Ends it from this side. What was sent before goes first. */
  end(reason: string, description?: unknown, code: number = NORMAL): void {
    if (this.readyState !== 'open') return
    this.reason ??= reason
    this.description ??= description
    this.link?.close(code, '')
  }

  /** Ends it without a word where the client polls: it finds out by itself, and comes back. */
  cut(): void {
    if (!this.polling) return this.end('forced close')
    this.reason ??= 'forced close'
    this.link?.flush()
    this.link?.terminate('')
  }

  override write(buffers: readonly Uint8Array[]): void {
    const { facade, engine } = this
    if (facade) {
      facade.emit('flush', buffers)
      engine.emit('flush', facade, buffers)
    }
    if (this.callbacks) {
      this.handedOver = [...(this.handedOver ?? []), ...this.callbacks]
      this.callbacks = undefined
    }
    super.write(buffers)
    if (facade) {
      facade.emit('drain')
      engine.emit('drain', facade)
    }
    if (this.handedOver && this.queuedBytes === 0) setImmediate(() => this.confirmSent())
  }

  override drained(): void {
    super.drained()
    this.confirmSent()
  }

  override receive(data: string | Uint8Array): void {
    if (this.protocol === 4 || typeof data === 'string') return super.receive(data)
    if (data[0] === 4) this.take({ type: 'message', data: data.subarray(1) as Buffer })
    else this.fail('Not a packet that a client sends')
  }

  override ping(): void {
    if (this.protocol === 4) super.ping()
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
    if (this.polling && reason !== '' && this.link?.state === 'open') this.reason ??= 'transport error'
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

  protected override packetsOf(payload: string): Packet[] {
    return this.protocol === 3 ? olderPackets(payload) : super.packetsOf(payload)
  }

  protected override onUpgraded(): void {
    this.upgraded = true
    this.facade?.emit('upgrade', this.facade.transport)
  }

  protected override take(packet: Packet): void {
    if (this.readyState !== 'open') return
    const { facade } = this
    facade?.emit('packet', packet)
    switch (packet.type) {
      case 'ping':
        if (this.protocol === 4) return this.wrongDirection()
        this.link?.alive()
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

  private wrongDirection(): void {
    this.fail('invalid heartbeat direction')
  }

  private confirmSent(): void {
    const { handedOver } = this
    if (!handedOver) return
    this.handedOver = undefined
    const transport = this.facade?.transport
    for (const callback of handedOver) callback(transport)
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
    this.onClose(reason, description)
    this.session.facade?.emit('close', reason, description)
  }

  protected onMessage(_data: string | Uint8Array): void {}

  protected onClose(_reason: string, _description: unknown): void {}
}
