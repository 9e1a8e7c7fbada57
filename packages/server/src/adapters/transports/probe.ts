/**
 * A WebSocket that offers to carry a link which HTTP requests carry so far: it asks, is answered, and takes over, each
 * within a time. Until then the link knows nothing of it. Engine.IO protocol 4, upgrade; PROTOCOL.md 17.
 */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Timer, TimerWheel } from '../../core/base/timer-wheel.ts'
import type { WebSocketWire, WireReceiver } from './websocket/wire.ts'

/** How long an upgrade may take. */
const UPGRADE_MS = 10_000

/** What the two say to each other. */
export interface ProbeMessages {
  readonly ask: string
  /** As a frame. */
  readonly answer: Uint8Array
  readonly takeOver: string
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
    this.deadline = timers.add(UPGRADE_MS, () => this.end())
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

  /** Gives up: the link goes on as it is. */
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
