/**
 * One v1 link over HTTP: what comes down is a stream or the answers to polls, what goes up are numbered POSTs, taken one
 * after another and each once. A WebSocket may take both over.
 */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Hub } from '../../../core/hub.ts'
import { CarriedWire, type FirstTransport } from '../../transports/carried-wire.ts'
import { PollingWire } from '../../transports/polling-wire.ts'
import { textFrame, type WebSocketWire } from '../../transports/websocket/wire.ts'
import { replyText } from '../exchange.ts'
import { closeFrame, linkEvent, PING_FRAME, toEvents } from './event-form.ts'
import { StreamWire } from './stream-wire.ts'

const PROBE_WORDS = { ask: 'probe', answer: textFrame('probed'), takeOver: 'upgrade' }

/** What one POST brings. */
export interface Sending {
  /** 1, 2, 3 … on this link. */
  readonly n: number
  /** A line each; may be empty, as a sign of life. */
  readonly frames: string
  /** Nothing follows, and nothing is to be resumed. */
  readonly isGoodbye: boolean
}

export interface HttpLinkOptions {
  readonly id: string
  /** Of one POST. */
  readonly maxBytes: number
  readonly onGone: () => void
}

export class HttpLink extends CarriedWire {
  /** Until a WebSocket took over. */
  private first: FirstTransport | undefined
  /** Number of the last POST that was taken. */
  private taken = 0
  private readonly forget: () => void

  /** @param response that of the request which opens it */
  constructor(
    hub: Hub,
    { id, maxBytes, onGone }: HttpLinkOptions,
    manner: 'stream' | 'poll',
    response: ServerResponse,
  ) {
    super(hub, onGone)
    this.forget = onGone
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

  /** @throws RoomfulError CONFLICT when one waits already: then something was lost, and the link is over */
  poll(response: ServerResponse): void {
    this.alive()
    if (this.first instanceof PollingWire && this.first.poll(response)) return
    this.link?.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'Two polls at once')
    throw new RoomfulError('CONFLICT', 'This link has a poll that waits, or is no polled one; open another')
  }

  /**
   * Resolves when the next POST may come.
   * @throws RoomfulError CONFLICT for one that is not the next one, nor a repeat of the last; nothing of it was taken
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

  /** A WebSocket offers itself. @returns false when one does already, or did */
  upgrade(webSocket: WebSocketWire): boolean {
    const { first } = this
    if (!first) return false
    return this.tryWebSocket(webSocket, first, PROBE_WORDS, () => {
      this.first = undefined
      this.forget()
    })
  }

  /** That the kernel took bytes says nothing of the peer; only while they were too many it means that more may come. */
  override drained(): void {
    if (this.link?.slow) super.drained()
  }

  receive(data: string | Uint8Array): void {
    this.link?.receive(data)
  }

  private goodbye(): void {
    this.closed(CLOSE_CODES.NORMAL.code, 'Closed by the client')
    this.terminate()
  }
}
