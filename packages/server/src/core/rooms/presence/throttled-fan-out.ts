/**
 * Limits how fast a namespace sends arrivals and departures: at once while there are few. When everyone reconnects after a
 * restart, each arrival would cost a write to every other member. So what exceeds the budget of an interval is sent when it
 * ends, all in one turn, as one write per client. The interval grows with the number of connections, so the number of writes
 * a second has a bound. G6.
 */
import type { Runtime } from '../../base/runtime.ts'
import type { FanOut } from '../../log/fan-out.ts'
import type { NamespaceState } from '../../state/namespace-state.ts'

const INTERVAL_MS = 100
const CONNECTIONS_PER_INTERVAL = 1_000
/** Deliveries of an interval that are made at once: twenty arrivals in rooms of a hundred, say. */
const DELIVERIES_AT_ONCE = 2_000

export class ThrottledFanOut {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly fanOut: Pick<FanOut, 'together'>
  /** In the order in which it happened. Bound: one per change of an interval. */
  private waiting: (() => void)[] = []
  private spent = 0
  private isRunning = false

  constructor(runtime: Runtime, namespace: NamespaceState, fanOut: Pick<FanOut, 'together'>) {
    this.runtime = runtime
    this.namespace = namespace
    this.fanOut = fanOut
  }

  /** @param deliveries how many it is for, about */
  deliver(deliveries: number, send: () => void): void {
    this.begin()
    const isAtOnce = this.waiting.length === 0 && (this.spent === 0 || this.spent + deliveries <= DELIVERIES_AT_ONCE)
    this.spent += deliveries
    if (isAtOnce) send()
    else this.waiting.push(send)
  }

  private begin(): void {
    if (this.isRunning) return
    this.isRunning = true
    const growth = Math.max(1, this.namespace.connections.size / CONNECTIONS_PER_INTERVAL)
    this.runtime.timers.add(INTERVAL_MS * growth, this.onInterval)
  }

  private readonly onInterval = (): void => {
    this.isRunning = false
    this.spent = 0
    const waiting = this.waiting
    if (waiting.length === 0) return
    this.waiting = []
    this.spent = DELIVERIES_AT_ONCE
    this.begin() // what follows waits again
    this.fanOut.together(() => {
      for (const send of waiting) send()
    })
    this.runtime.turn.endSoon()
  }
}
