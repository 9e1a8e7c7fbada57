/**
 * Probes a WebSocket that shall replace the HTTP requests of a link: it asks, receives an answer and takes over, within a
 * time. Until then the link does not use it. Upgrades of Engine.IO protocol 4; PROTOCOL.md, section 17.
 */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Timer, TimerWheel } from '../../core/base/timer-wheel.ts'
import type { WebSocketWire, WireReceiver } from './websocket/wire.ts'

/** The time for all of it, by default. */
const UPGRADE_MS = 10_000

/** The messages of a probe. */
export interface ProbeMessages {
  readonly ask: string
  /** As a frame. */
  readonly answer: Uint8Array
  readonly takeOver: string
  /** The time for all of it, in ms. */
  readonly withinMs?: number
}

export interface ProbeEvents {
  onProbed(): void
  onUpgraded(): void
  onGivenUp(): void
}

export class Probe implements WireReceiver {
  private readonly timers: TimerWheel
  private readonly wire: WebSocketWire
  private readonly words: ProbeMessages
  private readonly events: ProbeEvents
  private readonly deadline: Timer
  private state: 'opened' | 'probed' | 'over' = 'opened'

  constructor(timers: TimerWheel, wire: WebSocketWire, words: ProbeMessages, events: ProbeEvents) {
    this.timers = timers
    this.wire = wire
    this.words = words
    this.events = events
    this.deadline = timers.add(words.withinMs ?? UPGRADE_MS, () => this.end())
    wire.link = this
  }

  receive(data: string | Uint8Array): void {
    if (this.state === 'opened' && data === this.words.ask) {
      this.state = 'probed'
      this.wire.write([this.words.answer])
      return this.events.onProbed()
    }
    if (this.state !== 'probed' || data !== this.words.takeOver) return this.end()
    this.state = 'over'
    this.timers.cancel(this.deadline)
    this.events.onUpgraded()
  }

  closed(): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.timers.cancel(this.deadline)
    this.events.onGivenUp()
  }

  /** Gives up: the link stays on HTTP. */
  end(): void {
    if (this.state === 'over') return
    this.wire.close(CLOSE_CODES.NORMAL.code, '')
    this.closed()
  }

  alive(): void {}

  ponged(): void {}
  send(): void {}
  flush(): void {}
  drained(): void {}
}
