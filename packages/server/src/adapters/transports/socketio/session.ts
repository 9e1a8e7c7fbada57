/** One Engine.IO session: it handles heartbeats and the upgrade to WebSocket, and passes Socket.IO packets to its link. */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import { decodePacket, decodePayload, type Packet } from 'engine.io-parser'
import type { Hub } from '../../../core/hub.ts'
import { CarriedWire } from '../carried-wire.ts'
import { type PollingForm, PollingWire } from '../polling-wire.ts'
import { textFrame } from '../websocket/frames.ts'
import type { WebSocketWire } from '../websocket/wire.ts'
import type { DialectLink } from './dialect.ts'
import { answerText, type Body, toPayload } from './http.ts'
import { ENGINE } from './packets.ts'

const PROBE_WORDS = { ask: '2probe', answer: ENGINE.PROBED, takeOver: '5' }

const pollingForm: PollingForm = {
  noop: [ENGINE.NOOP],
  ping: ENGINE.PING,
  close: () => ENGINE.CLOSE,
  answer: (response, frames) => answerText(response, 200, toPayload(frames)),
}

/** The wire of one Socket.IO client. */
export class EngineSession extends CarriedWire implements DialectLink {
  readonly sid: string
  protected polling: PollingWire | undefined
  private isReading = false
  private latestPoll: string | null = null

  private readonly onGone: (sid: string) => void

  /**
   * @param webSocket undefined for a session that begins with polls
   * @param onGone called when the session must no longer be found; may be called again
   */
  constructor(
    hub: Hub,
    sid: string,
    webSocket: WebSocketWire | undefined,
    onGone: (sid: string) => void,
    form: PollingForm = pollingForm,
  ) {
    super(hub)
    this.sid = sid
    this.onGone = onGone
    this.polling = webSocket ? undefined : new PollingWire(hub, this, form)
    this.beginWith(webSocket ?? (this.polling as PollingWire))
    if (webSocket) webSocket.link = this
  }

  /** Sends the first packet: the session's id and timing. */
  greet(open: { upgrades: string[]; pingInterval: number; pingTimeout: number; maxPayload: number }): void {
    this.write([textFrame(`0${JSON.stringify({ sid: this.sid, ...open })}`)])
  }

  get isPolling(): boolean {
    return this.polling !== undefined
  }

  /** A GET. @returns false when another poll waits; the session is over then */
  poll(response: ServerResponse): boolean {
    if (this.polling?.poll(response)) return true
    this.fail('Two polls at once')
    return false
  }

  /**
   * With several nodes a poll may pass another one. When that node ends, the proxy in front sends the poll again, and what
   * the first answer carried is lost: the session ends, and its client recovers from the latest event that it received.
   * @param id that the client gave to this poll alone
   */
  isRepeatedPoll(id: string | null): boolean {
    const isRepeated = id !== null && id === this.latestPoll
    this.latestPoll = id
    if (isRepeated) this.closed(CLOSE_CODES.ABNORMAL.code, 'A poll came twice')
    return isRepeated
  }

  /** A POST. @returns `bad` when another one is being read, or the payload is not valid; the session is over then */
  async post(body: Promise<Body>): Promise<'ok' | 'too large' | 'bad'> {
    if (this.isReading) return this.fail('Two requests at once')
    this.isReading = true
    const payload = await body
    this.isReading = false
    if (payload === 'too large') {
      this.link?.close(CLOSE_CODES.TOO_BIG.code, 'Too large')
      return 'too large'
    }
    if (payload === 'cut off') return this.fail('The request was cut off')
    for (const packet of this.packetsOf(payload)) {
      if (this.link?.state !== 'open') break
      this.take(packet)
    }
    if (this.polling) await this.whenReading()
    return 'ok'
  }

  /** A WebSocket shall replace the polls. @returns false when one has, or another is being probed */
  upgrade(webSocket: WebSocketWire): boolean {
    const { polling } = this
    if (!polling) return false
    return this.tryWebSocket(webSocket, polling, { ...PROBE_WORDS, ...this.probing }, () => {
      this.polling = undefined
      this.onUpgraded()
    })
  }

  protected onUpgraded(): void {}

  protected get probing(): { readonly withinMs?: number } {
    return {}
  }

  protected packetsOf(payload: Buffer): Packet[] {
    return decodePayload(payload.toString('utf8'))
  }

  receive(data: string | Uint8Array): void {
    if (typeof data === 'string') this.take(decodePacket(data))
    else this.link?.receive(data)
  }

  /** Engine.IO has its own pings, over every transport. */
  override get hasPongs(): boolean {
    return true
  }

  override ponged(): void {
    this.alive()
  }

  override ping(): void {
    this.write([ENGINE.PING])
  }

  protected override forget(): void {
    this.onGone(this.sid)
  }

  // Called by the dialect.

  endLink(code: number, reason: string): void {
    this.link?.close(code, reason)
  }

  malformed(reason: string): void {
    this.fail(reason)
  }

  dropped(): void {
    this.hub.runtime.observer.observe({ type: 'dropped', what: 'late', count: 1 })
  }

  /** The client sent something that is not valid. */
  fail(reason: string): 'bad' {
    this.link?.close(CLOSE_CODES.PROTOCOL_ERROR.code, reason)
    return 'bad'
  }

  protected take({ type, data }: Packet): void {
    switch (type) {
      case 'message':
        return this.link?.receive(data === undefined ? '' : data)
      case 'pong':
        return this.link?.ponged()
      case 'close':
        return this.goodbye()
      case 'noop':
      case 'upgrade':
        return
      default:
        this.fail('Not a packet that a client sends')
    }
  }

  /** The client closes the transport; it may resume its sessions later. */
  protected goodbye(): void {
    if (!this.polling) return this.close(CLOSE_CODES.NORMAL.code, '')
    this.polling.release()
    this.terminate()
    this.link?.closed(CLOSE_CODES.NO_STATUS.code, 'Closed by the client')
  }
}
