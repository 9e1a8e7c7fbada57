/**
 * The port through which the core writes to a client that polls: what there is to say waits for the next GET, or answers
 * the one that is parked. Nothing is lost between two polls; a client that stops asking looks like one that stops reading.
 */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import type { Hub } from '../../../core/hub.ts'
import type { Wire } from '../../../core/ports/wire.ts'
import type { Timer } from '../../../core/timer-wheel.ts'
import type { WireReceiver } from '../websocket-wire.ts'
import { ENGINE } from './packets.ts'
import { answerText } from './replies.ts'
import { toPayload } from './unframe.ts'

/** How long a client that probes another transport may be kept waiting: it changes over between two polls. */
const RELEASE_MS = 100
/** How long the last words wait for a poll that fetches them. */
const LAST_WORDS_MS = 5_000

export class PollingWire implements Wire {
  /** While the client tries another transport, no poll is kept. */
  isProbed = false
  private readonly hub: Hub
  private readonly receiver: WireReceiver
  private readonly waiting: Uint8Array[] = []
  private waitingBytes = 0
  private sentBytes = 0
  private parked: ServerResponse | undefined
  private state: 'open' | 'closing' | 'closed' = 'open'
  private onResume: (() => void) | undefined
  private isPaused = false
  private timer: Timer | undefined

  constructor(hub: Hub, receiver: WireReceiver) {
    this.hub = hub
    this.receiver = receiver
  }

  /** A GET arrived. @returns false when one is parked already */
  poll(response: ServerResponse): boolean {
    if (this.parked) return false
    this.parked = response
    response.once('close', () => this.onResponseClose(response))
    if (this.waiting.length > 0) this.flush()
    else if (this.isProbed) this.timer = this.hub.timers.add(RELEASE_MS, () => this.release())
    return true
  }

  /** Calls back once reading is wanted: what a POST brought may be acknowledged then, and the next one come. */
  whenReading(then: () => void): void {
    if (this.isPaused) this.onResume = then
    else then()
  }

  /** Lets the parked poll go with nothing in it. */
  release(): void {
    if (!this.parked) return
    if (this.waiting.length === 0) this.push(ENGINE.NOOP)
    this.flush()
  }

  /** The client has changed over. @returns what still waits to be told */
  handOver(): Uint8Array[] {
    this.hub.timers.cancel(this.timer)
    const rest = this.waiting.splice(0)
    this.waitingBytes = 0
    this.release()
    this.state = 'closed'
    this.resumeReading()
    return rest
  }

  get queuedBytes(): number {
    return this.waitingBytes + this.sentBytes
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state !== 'open') return
    for (const buffer of buffers) this.push(buffer)
    if (this.parked) this.flush()
  }

  pauseReading(): void {
    this.isPaused = true
  }

  resumeReading(): void {
    this.isPaused = false
    const then = this.onResume
    this.onResume = undefined
    then?.()
  }

  ping(): void {
    this.write([ENGINE.PING])
  }

  close(): void {
    if (this.state !== 'open') return
    this.push(ENGINE.CLOSE)
    this.state = 'closing'
    this.hub.timers.cancel(this.timer)
    if (this.parked) this.flush()
    else if (this.hub.state === 'draining')
      this.end() // the next poll would find no server
    else this.timer = this.hub.timers.add(LAST_WORDS_MS, () => this.end())
  }

  terminate(): void {
    this.state = 'closed'
    this.hub.timers.cancel(this.timer)
    this.waiting.length = 0
    this.parked?.destroy()
    this.parked = undefined
    this.resumeReading()
  }

  private push(frames: Uint8Array): void {
    this.waiting.push(frames)
    this.waitingBytes += frames.byteLength
  }

  private flush(): void {
    const response = this.parked
    if (!response) return
    this.parked = undefined
    this.hub.timers.cancel(this.timer)
    this.sentBytes = this.waitingBytes
    this.waitingBytes = 0
    answerText(response, 200, toPayload(this.waiting.splice(0)))
  }

  /** Sent, or the client is gone: what was on its way to it then is not known to have arrived. */
  private onResponseClose(response: ServerResponse): void {
    const isCut = !response.writableFinished
    if (this.parked === response) this.parked = undefined
    this.sentBytes = 0
    if (isCut && this.state === 'open') return this.receiver.closed(CLOSE_CODES.ABNORMAL.code, 'The poll was cut off')
    if (this.state === 'closing' && (isCut || this.waiting.length === 0)) return this.end()
    if (this.state === 'open' && this.waiting.length === 0) this.receiver.drained()
  }

  private end(): void {
    this.terminate()
    this.receiver.closed(CLOSE_CODES.NO_STATUS.code, '')
  }
}
