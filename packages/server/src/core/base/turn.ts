/**
 * The event-loop turn: what became dirty in it is written once, what was submitted in it is committed once. Everything
 * that runs "when the turn ends" runs here, in this order: tasks, commits, the flush.
 */

import type { Clock } from '../ports/clock.ts'
import { joinFrames } from './join-frames.ts'

/** What the turn writes to: a link, as far as it is concerned here. */
export interface TurnLink {
  /** Corked: nothing may be written to it now. */
  readonly isCorked: boolean
  takeFrames(): Uint8Array[]
  write(buffers: readonly Uint8Array[]): void
}

/** What collects work during a turn and does it at its end. */
export interface TurnWork {
  run(): void
}

export class Turn {
  private readonly clock: Clock
  private dirty: TurnLink[] = []
  private pending = new Set<TurnWork>()
  private tasks: (() => void)[] = []
  private isPlanned = false
  /** Runs before links are written to; it may cork some of them. */
  beforeFlush: () => void = () => undefined

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** The link has something to write. */
  markDirty(link: TurnLink): void {
    this.dirty.push(link)
    this.endSoon()
  }

  /** Something was submitted. */
  markPending(work: TurnWork): void {
    this.pending.add(work)
    this.endSoon()
  }

  /** Runs when the turn ends, before commits and the flush. */
  after(task: () => void): void {
    this.tasks.push(task)
    this.endSoon()
  }

  /** Plans the end of this turn. */
  endSoon(): void {
    if (this.isPlanned) return
    this.isPlanned = true
    this.clock.turnEnd(this.onEnd)
  }

  /** One write per link; links with the same frames share one buffer. */
  flush(): void {
    this.beforeFlush()
    const links = this.dirty
    if (links.length === 0) return
    this.dirty = []
    const join = joinFrames()
    for (const link of links) {
      if (link.isCorked) continue // marked again when it is uncorked
      const frames = link.takeFrames()
      if (frames.length > 0) link.write(join(frames))
    }
  }

  /** Writes what waits for one link, out of turn: before it closes, or between two pages. */
  flushLink(link: TurnLink): void {
    if (link.isCorked) return
    const frames = link.takeFrames()
    if (frames.length > 0) link.write(frames)
  }

  private readonly onEnd = (): void => {
    this.isPlanned = false
    const tasks = this.tasks
    this.tasks = []
    for (const task of tasks) task()
    const pending = this.pending
    this.pending = new Set()
    for (const work of pending) work.run()
    this.flush()
  }
}
