/** Keeps users in a room, or online at all, for a while after they were cut off: they may come back. G6. */

import type { Timer, TimerWheel } from '../../base/timer-wheel.ts'
import type { Connection } from '../../state/namespace-state.ts'

export class GraceTimers {
  private readonly timers: TimerWheel
  /** By what is kept, and for whom. Bound: one per connection that was cut off, for its grace. */
  private readonly running = new Map<string, Timer>()

  constructor(timers: TimerWheel) {
    this.timers = timers
  }

  /** @returns false when it is kept already: then only for how long is new */
  keep(name: string, ms: number, onEnd: () => void): boolean {
    const known = this.running.get(name)
    this.timers.cancel(known)
    const timer = this.timers.add(ms, () => {
      this.running.delete(name)
      onEnd()
    })
    this.running.set(name, timer)
    return known === undefined
  }

  /** @returns whether it was kept */
  release(name: string): boolean {
    const known = this.running.get(name)
    this.timers.cancel(known)
    return this.running.delete(name)
  }
}

/** Identifies a connection when it is back: its session, or else its user. */
export function signOf({ session, user }: Pick<Connection, 'session' | 'user'>): string {
  return session?.id ?? `user:${user.sub}`
}
