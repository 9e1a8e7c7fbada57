/** Sends the frames of a v1 link as an HTTP response that does not end. */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import type { Timer, TimerWheel } from '../../../core/base/timer-wheel.ts'
import type { FirstTransport } from '../../transports/carried-wire.ts'
import type { WireReceiver } from '../../transports/websocket/wire.ts'
import { SSE_HEADERS } from '../fallbacks/sse-wire.ts'
import { closeFrame, MOVED, PING_FRAME, toEvents } from './event-form.ts'

/** How long the client may take to read the end of its stream. */
const END_TIMEOUT_MS = 5_000

/** The stream of one link. */
export class StreamWire implements FirstTransport {
  readonly hasPongs = false
  private readonly response: ServerResponse
  private readonly timers: TimerWheel
  private readonly receiver: WireReceiver
  private state: 'open' | 'closing' | 'over' = 'open'
  private timer: Timer | undefined

  /** @param opening the first event */
  constructor(response: ServerResponse, timers: TimerWheel, receiver: WireReceiver, opening: string) {
    this.response = response
    this.timers = timers
    this.receiver = receiver
    response.on('close', this.onClose)
    response.on('error', ignoreError) // 'close' follows
    response.writeHead(200, SSE_HEADERS)
    response.write(opening)
  }

  get queuedBytes(): number {
    return this.response.writableLength
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state === 'open') this.response.write(toEvents(buffers), this.onFlushed)
  }

  pauseReading(): void {}

  resumeReading(): void {}

  /** Also keeps proxies from closing a quiet stream. */
  ping(): void {
    this.write([PING_FRAME])
  }

  close(code: number, reason: string): void {
    this.end('closing', toEvents([closeFrame(code, reason)]))
  }

  terminate(): void {
    this.state = 'over'
    this.timers.cancel(this.timer)
    this.response.destroy()
  }

  /** A stream needs no pause: its client reads it to the end before it reads from the WebSocket. */
  probed(): void {}

  handOver(): Uint8Array[] {
    this.end('over', MOVED)
    return []
  }

  private end(state: 'closing' | 'over', lastEvent: string): void {
    if (this.state !== 'open') return
    this.state = state
    this.timer = this.timers.add(END_TIMEOUT_MS, () => this.response.destroy())
    this.response.end(lastEvent)
  }

  /** Used instead of 'drain', which a response emits only after more than its high-water mark was queued. */
  private readonly onFlushed = (): void => {
    if (this.state === 'open' && this.response.writableLength === 0) this.receiver.drained()
  }

  private readonly onClose = (): void => {
    this.timers.cancel(this.timer)
    if (this.state === 'over') return
    this.state = 'over'
    this.receiver.closed(CLOSE_CODES.NO_STATUS.code, 'The stream was cut off')
  }
}

function ignoreError(): void {}
