/**
 * The wire of a client that polls. Frames wait for the next poll, or answer the one that waits. A client that stops polling
 * is treated like one that stops reading.
 */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES } from '@roomful/protocol'
import type { Timer } from '../../core/base/timer-wheel.ts'
import type { Hub } from '../../core/hub.ts'
import type { Wire } from '../../core/ports/wire.ts'
import type { WireReceiver } from './websocket/wire.ts'

/** How long a poll waits while the client probes another transport: the client switches between two polls. */
const RELEASE_MS = 100
/** How long a close waits for a poll that fetches it. */
const CLOSE_WAIT_MS = 5_000

/** How the frames of one kind of client are written. */
export interface PollingForm {
  /** The answer to a poll that ends without an event. */
  readonly noop: readonly Uint8Array[]
  readonly ping: Uint8Array
  /** The last frame before the end. */
  close(code: number, reason: string): Uint8Array
  /** Precedes the last frame where that has to wait for a poll. Both come alone then. */
  readonly beforeLateClose?: Uint8Array
  answer(response: ServerResponse, frames: readonly Uint8Array[]): void
}

export class PollingWire implements Wire {
  readonly hasPongs = false
  private readonly hub: Hub
  private readonly receiver: WireReceiver
  private readonly form: PollingForm
  private readonly waiting: Uint8Array[] = []
  private waitingBytes = 0
  private sentBytes = 0
  private parked: ServerResponse | undefined
  private state: 'open' | 'closing' | 'closed' = 'open'
  /** While the client probes another transport, polls are answered at once. */
  private isProbed = false
  private timer: Timer | undefined
  /** For the poll after the next one. */
  private goodbye: readonly Uint8Array[] | undefined

  constructor(hub: Hub, receiver: WireReceiver, form: PollingForm) {
    this.hub = hub
    this.receiver = receiver
    this.form = form
  }

  /** A poll arrived. @returns false when another one waits */
  poll(response: ServerResponse): boolean {
    if (this.parked) return false
    if (this.state === 'closed') {
      response.destroy() // it ended between the handshake and its answer
      return true
    }
    this.parked = response
    response.once('close', () => this.onResponseClose(response))
    if (this.waiting.length > 0) this.flush()
    else if (this.isProbed) this.timer = this.hub.runtime.timers.add(RELEASE_MS, () => this.release())
    return true
  }

  /** Answers the waiting poll without an event. */
  release(): void {
    if (!this.parked) return
    if (this.waiting.length === 0) for (const frame of this.form.noop) this.push(frame)
    this.flush()
  }

  /** Called when the probe of another transport begins, and when it fails. */
  probed(isProbed: boolean): void {
    this.isProbed = isProbed
    if (isProbed) this.release()
  }

  /** The client has switched to another transport. @returns frames that were not sent yet */
  handOver(): Uint8Array[] {
    this.hub.runtime.timers.cancel(this.timer)
    const rest = this.waiting.splice(0)
    this.waitingBytes = 0
    this.release()
    this.state = 'closed'
    return rest
  }

  get queuedBytes(): number {
    return this.waitingBytes + this.sentBytes
  }

  /** A poll waits for something to be sent. */
  get isPolled(): boolean {
    return this.parked !== undefined
  }

  /** What the next poll fetches. */
  get unsent(): readonly Uint8Array[] {
    return this.waiting
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state !== 'open') return
    for (const buffer of buffers) this.push(buffer)
    if (this.parked) this.flush()
  }

  pauseReading(): void {}

  resumeReading(): void {}

  ping(): void {
    this.write([this.form.ping])
  }

  close(code: number, reason: string): void {
    if (this.state !== 'open') return
    this.state = 'closing'
    this.sayGoodbye([this.form.close(code, reason)])
    this.hub.runtime.timers.cancel(this.timer)
    if (this.parked) this.flush()
    else if (this.hub.state === 'draining')
      this.end() // the next poll would find no server
    else this.timer = this.hub.runtime.timers.add(CLOSE_WAIT_MS, () => this.end())
  }

  terminate(): void {
    this.state = 'closed'
    this.hub.runtime.timers.cancel(this.timer)
    this.waiting.length = 0
    this.parked?.destroy()
    this.parked = undefined
  }

  private sayGoodbye(frames: readonly Uint8Array[]): void {
    const { beforeLateClose } = this.form
    const late = this.parked || !beforeLateClose ? frames : [beforeLateClose, ...frames]
    if (late !== frames && this.waiting.length > 0) this.goodbye = late
    else for (const frame of late) this.push(frame)
  }

  private push(frames: Uint8Array): void {
    this.waiting.push(frames)
    this.waitingBytes += frames.byteLength
  }

  private flush(): void {
    const response = this.parked
    if (!response) return
    this.parked = undefined
    this.hub.runtime.timers.cancel(this.timer)
    this.sentBytes = this.waitingBytes
    this.waitingBytes = 0
    this.form.answer(response, this.waiting.splice(0))
    const { goodbye } = this
    if (!goodbye) return
    this.goodbye = undefined
    for (const frame of goodbye) this.push(frame)
    this.timer = this.hub.runtime.timers.add(CLOSE_WAIT_MS, () => this.end())
  }

  /** The answer was sent, or the client is gone; in the latter case the answer may not have arrived. */
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
