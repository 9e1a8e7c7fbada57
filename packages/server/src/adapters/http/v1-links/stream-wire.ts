/** The way down of a v1 link over HTTP as a response that does not end. The way up are requests of their own. */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import type { Timer, TimerWheel } from '../../../core/base/timer-wheel.ts'
import type { FirstTransport } from '../../transports/carried-wire.ts'
import type { WireReceiver } from '../../transports/websocket/wire.ts'
import { SSE_HEADERS } from '../fallbacks/sse-wire.ts'
import { closeFrame, MOVED, PING_FRAME, toEvents } from './event-form.ts'

/** How long a peer may take to read the end of its stream. */
const END_TIMEOUT_MS = 5_000

export class StreamWire implements FirstTransport {
  readonly hasPongs = false
  private readonly response: ServerResponse
  private readonly timers: TimerWheel
  private readonly receiver: WireReceiver
  private state: 'open' | 'closing' | 'over' = 'open'
  private timer: Timer | undefined

  /** @param opening its first event */
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

  /** A stream needs no pause: its client reads it to the end before it listens to the WebSocket. */
  probed(): void {}

  handOver(): Uint8Array[] {
    this.end('over', MOVED)
    return []
  }

  private end(state: 'closing' | 'over', lastWords: string): void {
    if (this.state !== 'open') return
    this.state = state
    this.timer = this.timers.add(END_TIMEOUT_MS, () => this.response.destroy())
    this.response.end(lastWords)
  }

  /** Not 'drain': a response says that only after more than its own high-water mark had waited. */
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
