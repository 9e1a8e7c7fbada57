/**
 * The clock of one process: it tells the world's time, and whatever was to happen on it no longer does once the process is
 * killed. So a crash needs no word from the code that crashes.
 */
import { VirtualClock } from '../clock.ts'

export class LifeClock extends VirtualClock {
  private readonly world: VirtualClock
  private readonly cancels = new Set<() => void>()
  private isOver = false
  private standsUntilMs = 0

  constructor(world: VirtualClock) {
    super()
    this.world = world
  }

  /** From now on nothing happens on it. */
  end(): void {
    this.isOver = true
    for (const cancel of this.cancels) cancel()
    this.cancels.clear()
  }

  /** The process does nothing for a while, as one does that was suspended; what fell due happens then. */
  stand(ms: number): void {
    this.standsUntilMs = Math.max(this.standsUntilMs, this.world.monotonic() + ms)
  }

  get stands(): boolean {
    return this.standsUntilMs > this.world.monotonic()
  }

  get isEnded(): boolean {
    return this.isOver
  }

  override now(): number {
    return this.world.now()
  }

  override monotonic(): number {
    return this.world.monotonic()
  }

  override after(ms: number, fn: () => void): () => void {
    if (this.isOver) return () => undefined
    const run = (): void => {
      if (this.stands) {
        stop = this.world.after(this.standsUntilMs - this.world.monotonic(), run)
        return
      }
      this.cancels.delete(cancel)
      fn()
    }
    let stop = this.world.after(ms, run)
    const cancel = (): void => {
      this.cancels.delete(cancel)
      stop()
    }
    this.cancels.add(cancel)
    return cancel
  }

  /** What arrives in one instant is one turn, as what a busy process finds in its sockets is. */
  override turnEnd(fn: () => void): void {
    this.after(0, fn)
  }

  override jump(ms: number): void {
    this.world.jump(ms)
  }

  override get pendingTimers(): number {
    return this.cancels.size
  }

  override advance(ms: number): Promise<void> {
    return this.world.advance(ms)
  }

  override settle(): Promise<void> {
    return this.world.settle()
  }

  override until<T>(promise: Promise<T>, maxMs?: number): Promise<T> {
    return this.world.until(promise, maxMs)
  }

  override find<T>(look: () => T | undefined, withinMs?: number): Promise<T | undefined> {
    return this.world.find(look, withinMs)
  }
}
