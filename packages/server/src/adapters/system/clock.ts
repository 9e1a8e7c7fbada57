/** The machine's own time. */
import type { Clock } from '../../core/ports/clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn, mustCome = false) {
    const timer = setTimeout(fn, ms)
    if (!mustCome) timer.unref()
    return () => clearTimeout(timer)
  },
  // After the poll phase: everything that was readable in this turn has been read.
  turnEnd: (fn) => void setImmediate(fn),
}
