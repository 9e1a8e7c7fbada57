/**
 * A wire that can change its transport: HTTP requests first, later a WebSocket that passed a probe. The link does not
 * notice the change, and no message is lost, repeated or reordered.
 */
import type { Hub } from '../../core/hub.ts'
import type { Link } from '../../core/link/link.ts'
import type { Wire } from '../../core/ports/wire.ts'
import { Probe, type ProbeMessages } from './probe.ts'
import type { WebSocketWire, WireReceiver } from './websocket/wire.ts'

/** Carries a link until a WebSocket takes over. */
export interface FirstTransport extends Wire {
  /** Called when the probe of a WebSocket begins, and when it fails. */
  probed(isProbed: boolean): void
  /** A WebSocket takes over. @returns frames that were not sent yet */
  handOver(): Uint8Array[]
}

export abstract class CarriedWire implements Wire, WireReceiver {
  readonly hub: Hub
  /** Set as soon as the core has accepted the link. */
  link: Link | undefined
  protected carrier: Wire | undefined
  private probe: Probe | undefined
  private isPaused = false
  private onResume: (() => void) | undefined

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** Called when the link must no longer be found by its id. May be called again. */
  protected abstract forget(): void

  /** Receives a message of a WebSocket. */
  abstract receive(data: string | Uint8Array): void

  /** Sets the first transport; called by the constructors of subclasses. */
  protected beginWith(carrier: Wire): void {
    this.carrier = carrier
  }

  /** Probes a WebSocket that shall replace `first`. @returns false when another probe is under way */
  protected tryWebSocket(
    webSocket: WebSocketWire,
    first: FirstTransport,
    words: ProbeMessages,
    onUpgraded: () => void,
  ): boolean {
    if (this.probe || this.link?.state !== 'open') return false
    this.probe = new Probe(this.hub.runtime.timers, webSocket, words, {
      onProbed: () => {
        first.probed(true)
        this.onProbing(true)
      },
      onUpgraded: () => {
        this.probe = undefined
        this.carrier = webSocket
        webSocket.link = this
        onUpgraded()
        if (this.isPaused) webSocket.pauseReading()
        const rest = first.handOver()
        if (rest.length > 0) webSocket.write(rest)
        this.resume()
        this.drained()
      },
      onGivenUp: () => {
        this.probe = undefined
        first.probed(false)
        this.onProbing(false)
      },
    })
    return true
  }

  /** A WebSocket is being probed, and no longer is where that failed. */
  protected onProbing(_isProbing: boolean): void {}

  /** A POST was processed, and its response waits until the core resumes reading. */
  protected get isAwaitingReading(): boolean {
    return this.onResume !== undefined
  }

  /** Resolves when the core reads: then a POST may be acknowledged, and its client may send the next one. */
  protected whenReading(): Promise<void> {
    this.resume() // only one POST waits: a repeated one replaces the first
    if (!this.isPaused) return Promise.resolve()
    return new Promise((resolve) => {
      this.onResume = resolve
    })
  }

  // Called by the transport.

  alive(): void {
    this.link?.alive()
  }

  ponged(): void {
    this.link?.ponged()
  }

  send(bytes: Uint8Array): void {
    this.link?.send(bytes)
  }

  flush(): void {
    this.link?.flush()
  }

  drained(): void {
    this.link?.drained()
  }

  closed(code: number, reason: string): void {
    this.gone()
    this.link?.closed(code, reason)
  }

  // Called by the link.

  get hasPongs(): boolean {
    return this.carrier?.hasPongs === true
  }

  get queuedBytes(): number {
    return this.carrier?.queuedBytes ?? 0
  }

  pack(frames: readonly Uint8Array[]): readonly Uint8Array[] {
    return this.carrier?.pack?.(frames) ?? frames
  }

  write(buffers: readonly Uint8Array[]): void {
    this.carrier?.write(buffers)
  }

  pauseReading(): void {
    this.isPaused = true
    this.carrier?.pauseReading()
  }

  resumeReading(): void {
    this.isPaused = false
    this.resume()
    this.carrier?.resumeReading()
  }

  ping(): void {
    this.carrier?.ping()
  }

  close(code: number, reason: string): void {
    this.carrier?.close(code, reason)
  }

  terminate(): void {
    this.gone()
    this.carrier?.terminate()
  }

  private resume(): void {
    const { onResume } = this
    this.onResume = undefined
    onResume?.()
  }

  private gone(): void {
    this.probe?.end()
    this.resume()
    this.forget()
  }
}
