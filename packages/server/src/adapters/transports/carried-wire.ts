/**
 * The wire of a link that stays the same while what carries it changes: HTTP requests at first, later a WebSocket that
 * offered itself and was probed. Nothing above it notices, and nothing that was said is lost, doubled or out of order.
 */
import type { Hub } from '../../core/hub.ts'
import type { Link } from '../../core/link/link.ts'
import type { Wire } from '../../core/ports/wire.ts'
import { Probe, type ProbeMessages } from './probe.ts'
import type { WebSocketWire, WireReceiver } from './websocket/wire.ts'

/** What carries a link until a WebSocket does. */
export interface FirstTransport extends Wire {
  /** A WebSocket is being tried, or no longer. */
  probed(isProbed: boolean): void
  /** A WebSocket takes over. @returns what still waits to be told */
  handOver(): Uint8Array[]
}

export abstract class CarriedWire implements Wire, WireReceiver {
  readonly hub: Hub
  /** Set as soon as the core has accepted it. */
  link: Link | undefined
  private carrier: Wire | undefined
  private probe: Probe | undefined
  private isPaused = false
  private onResume: (() => void) | undefined
  private readonly onGone: () => void

  /** @param onGone called when nothing may be asked of it any more by its id */
  constructor(hub: Hub, onGone: () => void) {
    this.hub = hub
    this.onGone = onGone
  }

  /** What came over a WebSocket. */
  abstract receive(data: string | Uint8Array): void

  /** From the constructor of what extends this. */
  protected beginWith(carrier: Wire): void {
    this.carrier = carrier
  }

  /** A WebSocket offers itself in place of `first`. @returns false when one does already */
  protected tryWebSocket(
    webSocket: WebSocketWire,
    first: FirstTransport,
    words: ProbeMessages,
    onUpgraded: () => void,
  ): boolean {
    if (this.probe || this.link?.state !== 'open') return false
    this.probe = new Probe(this.hub.runtime.timers, webSocket, words, {
      onProbed: () => first.probed(true),
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
      },
    })
    return true
  }

  /** What a POST brought was taken, and its answer waits until the core wants to read again. */
  protected get isAwaitingReading(): boolean {
    return this.onResume !== undefined
  }

  /** Resolves once reading is wanted: what a POST brought may be acknowledged then, and the next one come. */
  protected whenReading(): Promise<void> {
    this.resume() // one waits at a time: a repeat takes the place of what it repeats
    if (!this.isPaused) return Promise.resolve()
    return new Promise((resolve) => {
      this.onResume = resolve
    })
  }

  // From what carries it.

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

  // From the link.

  get hasPongs(): boolean {
    return this.carrier?.hasPongs === true
  }

  get queuedBytes(): number {
    return this.carrier?.queuedBytes ?? 0
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
    this.onGone()
  }
}
