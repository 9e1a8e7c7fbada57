/**
 * One v1 link over HTTP. The server sends by a stream or by answers to polls; the client sends numbered POSTs, of which
 * each is processed once and in order. A WebSocket may take over both directions.
 */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Hub } from '../../../core/hub.ts'
import { CarriedWire, type FirstTransport } from '../../transports/carried-wire.ts'
import { PollingWire } from '../../transports/polling-wire.ts'
import { textFrame } from '../../transports/websocket/frames.ts'
import type { WebSocketWire } from '../../transports/websocket/wire.ts'
import { replyText } from '../exchange.ts'
import { closeFrame, linkEvent, PING_FRAME, toEvents } from './event-form.ts'
import { StreamWire } from './stream-wire.ts'

const PROBE_MESSAGES = { ask: 'probe', answer: textFrame('probed'), takeOver: 'upgrade' }

/** The content of one POST. */
export interface Sending {
  /** The number of the POST on this link, from 1. */
  readonly n: number
  /** One frame per line; empty for a sign of life. */
  readonly frames: string
  /** The client closes the link and will not resume its session. */
  readonly isGoodbye: boolean
}

/** What a link is created with. */
export interface HttpLinkOptions {
  readonly id: string
  /** Maximum size of one POST. */
  readonly maxBytes: number
  readonly onGone: () => void
}

/** The wire of one v1 client. */
export class HttpLink extends CarriedWire {
  /** The stream or polls, until a WebSocket takes over. */
  private first: FirstTransport | undefined
  /** Number of the last POST that was processed. */
  private taken = 0
  private readonly onGone: () => void

  /** @param response the response of the request that opens the link */
  constructor(
    hub: Hub,
    { id, maxBytes, onGone }: HttpLinkOptions,
    manner: 'stream' | 'poll',
    response: ServerResponse,
  ) {
    super(hub)
    this.onGone = onGone
    let opening = linkEvent({ link: id, maxBytes })
    if (manner === 'stream') this.first = new StreamWire(response, hub.runtime.timers, this, opening)
    else {
      const form = {
        noop: [],
        ping: PING_FRAME,
        close: closeFrame,
        answer: (poll: ServerResponse, frames: readonly Uint8Array[]) => {
          replyText(poll, 200, opening + toEvents(frames))
          opening = ''
        },
      }
      this.first = new PollingWire(hub, this, form)
      this.poll(response)
    }
    this.beginWith(this.first)
  }

  /** A poll. @throws RoomfulError CONFLICT when another one waits; the link is closed then */
  poll(response: ServerResponse): void {
    this.alive()
    if (this.first instanceof PollingWire && this.first.poll(response)) return
    this.link?.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'Two polls at once')
    throw new RoomfulError('CONFLICT', 'This link has a poll that waits, or is no polled one; open another')
  }

  /**
   * Processes a POST. Resolves when the client may send the next one.
   * @throws RoomfulError CONFLICT for a number that is neither the next nor the last one; nothing is processed then
   */
  async take({ n, frames, isGoodbye }: Sending): Promise<void> {
    this.alive()
    if (n !== this.taken) {
      if (n !== this.taken + 1 || this.isAwaitingReading) {
        throw new RoomfulError('CONFLICT', `Number ${this.taken + 1} comes next, once ${this.taken} was answered`)
      }
      this.taken = n
      if (frames !== '') this.link?.receive(frames)
      if (isGoodbye) this.goodbye()
    }
    await this.whenReading()
  }

  /** A WebSocket shall take over. @returns false when one has, or another is being probed */
  upgrade(webSocket: WebSocketWire): boolean {
    const { first } = this
    if (!first) return false
    return this.tryWebSocket(webSocket, first, PROBE_MESSAGES, () => {
      this.first = undefined
      this.forget()
    })
  }

  /** The kernel accepting bytes does not mean that the client reads. It matters only to a link that was slow. */
  override drained(): void {
    if (this.link?.slow) super.drained()
  }

  protected override forget(): void {
    this.onGone()
  }

  receive(data: string | Uint8Array): void {
    this.link?.receive(data)
  }

  private goodbye(): void {
    this.closed(CLOSE_CODES.NORMAL.code, 'Closed by the client')
    this.terminate()
  }
}
