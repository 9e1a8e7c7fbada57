/**
 * One Engine.IO session: the wire of a link that stays the same while what carries it changes, from polls to a WebSocket.
 * It takes the heartbeat and the change-over out of what comes in; what is left are packets of Socket.IO.
 */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import { decodePacket, decodePayload, type Packet } from 'engine.io-parser'
import type { Hub } from '../../../core/hub.ts'
import type { Link } from '../../../core/link.ts'
import type { Wire } from '../../../core/ports/wire.ts'
import { textFrame } from '../frame.ts'
import type { WebSocketWire, WireReceiver } from '../websocket-wire.ts'
import { ENGINE } from './packets.ts'
import { PollingWire } from './polling-wire.ts'
import { Probe } from './probe.ts'

export class EngineSession implements Wire, WireReceiver {
  readonly sid: string
  readonly hub: Hub
  /** Set as soon as the core has accepted it. */
  link: Link | undefined
  private carrier: Wire
  private polling: PollingWire | undefined
  private probe: Probe | undefined
  private isReading = false
  private isPaused = false
  private readonly onGone: () => void

  /** @param webSocket nothing for a session that begins with polls */
  constructor(hub: Hub, sid: string, webSocket: WebSocketWire | undefined, onGone: () => void) {
    this.hub = hub
    this.sid = sid
    this.onGone = onGone
    this.polling = webSocket ? undefined : new PollingWire(hub, this)
    this.carrier = webSocket ?? (this.polling as PollingWire)
    if (webSocket) webSocket.link = this
  }

  /** The first packet: what the client has to know. */
  greet(open: { upgrades: string[]; pingInterval: number; pingTimeout: number; maxPayload: number }): void {
    this.carrier.write([textFrame(`0${JSON.stringify({ sid: this.sid, ...open })}`)])
  }

  get isPolling(): boolean {
    return this.polling !== undefined
  }

  /** A GET. @returns false when it is one too many, which ends the session */
  poll(response: ServerResponse): boolean {
    if (this.polling?.poll(response)) return true
    this.fail('Two polls at once')
    return false
  }

  /** A POST. @returns false when it is one too many, or is no payload: the session is over then */
  async post(body: Promise<string | 'too large' | 'cut off'>): Promise<'ok' | 'too large' | 'bad'> {
    if (this.isReading) return this.fail('Two requests at once')
    this.isReading = true
    const text = await body
    this.isReading = false
    if (text === 'too large') {
      this.link?.close(CLOSE_CODES.TOO_BIG.code, 'Too large')
      return 'too large'
    }
    if (text === 'cut off') return this.fail('The request was cut off')
    for (const packet of decodePayload(text)) {
      if (this.link?.state !== 'open') break
      this.take(packet)
    }
    await new Promise<void>((resolve) => (this.polling ? this.polling.whenReading(resolve) : resolve()))
    return 'ok'
  }

  /** Another transport offers itself. @returns false when there is one already, or one that tries */
  upgrade(webSocket: WebSocketWire): boolean {
    const { polling } = this
    if (!polling || this.probe || this.link?.state !== 'open') return false
    this.probe = new Probe(this.hub, webSocket, {
      onProbed: () => {
        polling.isProbed = true
        polling.release()
      },
      onUpgraded: () => {
        this.probe = undefined
        this.polling = undefined
        this.carrier = webSocket
        webSocket.link = this
        if (this.isPaused) webSocket.pauseReading()
        const rest = polling.handOver()
        if (rest.length > 0) webSocket.write(rest)
        this.drained()
      },
      onGivenUp: () => {
        this.probe = undefined
        polling.isProbed = false
      },
    })
    return true
  }

  // From what carries it.

  receive(data: string | Uint8Array): void {
    if (typeof data === 'string') this.take(decodePacket(data))
    else this.link?.receive(data)
  }

  alive(): void {
    this.link?.alive()
  }

  send(bytes: Uint8Array): void {
    this.link?.send(bytes)
  }

  drained(): void {
    this.link?.drained()
  }

  closed(code: number, reason: string): void {
    this.gone()
    this.link?.closed(code, reason)
  }

  // From the link.

  get queuedBytes(): number {
    return this.carrier.queuedBytes
  }

  write(buffers: readonly Uint8Array[]): void {
    this.carrier.write(buffers)
  }

  pauseReading(): void {
    this.isPaused = true
    this.carrier.pauseReading()
  }

  resumeReading(): void {
    this.isPaused = false
    this.carrier.resumeReading()
  }

  ping(): void {
    this.carrier.write([ENGINE.PING])
  }

  close(code: number, reason: string): void {
    this.carrier.close(code, reason)
  }

  terminate(): void {
    this.gone()
    this.carrier.terminate()
  }

  /** What came in is no packet, or not for a client to send. */
  fail(reason: string): 'bad' {
    this.link?.close(CLOSE_CODES.PROTOCOL_ERROR.code, reason)
    return 'bad'
  }

  private take({ type, data }: Packet): void {
    switch (type) {
      case 'message':
        return this.link?.receive(data === undefined ? '' : data)
      case 'pong':
        return this.link?.alive()
      case 'close':
        return this.goodbye()
      case 'noop':
      case 'upgrade':
        return
      default:
        this.fail('Not a packet that a client sends')
    }
  }

  /** The client ends the session, and may come back to it. */
  private goodbye(): void {
    if (!this.polling) return this.close(CLOSE_CODES.NORMAL.code, '')
    this.polling.release()
    this.terminate()
    this.link?.closed(CLOSE_CODES.NO_STATUS.code, 'Closed by the client')
  }

  private gone(): void {
    this.probe?.end()
    this.onGone()
  }
}
