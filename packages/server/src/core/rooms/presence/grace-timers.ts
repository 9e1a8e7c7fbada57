/** Keeps users in a room, or online at all, for a while after they were cut off: they may come back. G6. */

import type { Timer, TimerWheel } from '../../base/timer-wheel.ts'
import type { Connection } from '../../state/namespace-state.ts'

/** A connection that was cut off. */
export interface CutOff {
  readonly sign: string
  /** That its session had, or has by now; 0 without a session. */
  readonly fence: number
}

interface Grace {
  readonly timer: Timer
  /** Of the session that was cut off; 0 without one. */
  readonly fence: number
}

export class GraceTimers {
  private readonly timers: TimerWheel
  /** By what is kept, and for whom. Bound: one per connection that was cut off, for its grace. */
  private readonly running = new Map<string, Grace>()

  constructor(timers: TimerWheel) {
    this.timers = timers
  }

  /** @returns false when it is kept already: then only for how long is new */
  keep(name: string, { ms, fence, onEnd }: { ms: number; fence: number; onEnd(): void }): boolean {
    const known = this.running.get(name)
    this.timers.cancel(known?.timer)
    const timer = this.timers.add(ms, () => {
      this.running.delete(name)
      onEnd()
    })
    this.running.set(name, { timer, fence })
    return known === undefined
  }

  /**
   * @param before the fence that the session has by now: when it was cut off with that one, or a later one, it is kept
   * @returns whether it was kept, and is no more
   */
  release(name: string, before = Number.POSITIVE_INFINITY): boolean {
    const known = this.running.get(name)
    if (!known || known.fence >= before) return false
    this.timers.cancel(known.timer)
    return this.running.delete(name)
  }
}

export function cutOff(connection: Connection): CutOff {
  return { sign: signOf(connection), fence: connection.session?.fence ?? 0 }
}

/** Identifies a connection when it is back: its session, or else its user. */
export function signOf({ session, user }: Pick<Connection, 'session' | 'user'>): string {
  return session?.id ?? `user:${user.sub}`
}
