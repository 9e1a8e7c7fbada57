/**
 * The event-loop turn: what became dirty in it is written once, what was submitted in it is committed once. Everything
 * that runs "when the turn ends" runs here, in this order: tasks, commits, the flush, and what follows it.
 */
import type { Clock } from '../ports/system.ts'

/** What the turn writes to: a link, as far as it is concerned here. */
export interface TurnLink {
  /** Corked: nothing may be written to it now. */
  readonly isCorked: boolean
  takeFrames(): readonly Uint8Array[]
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
  private beforeNextFlush: (() => void)[] = []
  private afterNextFlush: (() => void)[] = []

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

  /** Runs once, before links are written to the next time; it may cork some of them. */
  beforeFlush(task: () => void): void {
    this.beforeNextFlush.push(task)
    this.endSoon()
  }

  /** Runs once, when what is queued now was written. */
  afterFlush(task: () => void): void {
    this.afterNextFlush.push(task)
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
    if (this.beforeNextFlush.length > 0) {
      const tasks = this.beforeNextFlush
      this.beforeNextFlush = []
      for (const task of tasks) task()
    }
    this.writeAll()
    if (this.afterNextFlush.length > 0) {
      const tasks = this.afterNextFlush
      this.afterNextFlush = []
      for (const task of tasks) task()
    }
  }

  private writeAll(): void {
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
    if (this.tasks.length > 0) {
      const tasks = this.tasks
      this.tasks = []
      for (const task of tasks) task()
    }
    if (this.pending.size > 0) {
      const pending = this.pending
      this.pending = new Set()
      for (const work of pending) work.run()
    }
    this.flush()
  }
}

/** Most bytes that are copied for a single link. */
const COPY_MAX_BYTES = 16_384

/**
 * Joins what waits for a link into one buffer: a copy of a few small frames costs less than one write each. In a room
 * everyone has the same frames, so they are compared with the last ones first (frames are shared objects, so that compares
 * pointers), and a thousand links cost one copy. Large frames stay as they are: a copy for each link would cost the memory
 * that sharing saves.
 */
export function joinFrames(): (frames: readonly Uint8Array[]) => readonly Uint8Array[] {
  let lastFrames: readonly Uint8Array[] = []
  let lastJoined: readonly Uint8Array[] = []
  let repeats = 0
  return (frames) => {
    if (frames.length === 1) return frames
    if (!isSame(frames, lastFrames)) {
      lastFrames = frames
      repeats = 0
      lastJoined = frames
    } else repeats++
    // The second link with the same frames shows that they are shared.
    if (lastJoined !== lastFrames) return lastJoined
    const length = lengthOf(frames)
    if (length > COPY_MAX_BYTES && repeats === 0) return frames
    lastJoined = [concat(frames, length)]
    return lastJoined
  }
}

function lengthOf(frames: readonly Uint8Array[]): number {
  let length = 0
  for (const frame of frames) length += frame.byteLength
  return length
}

/** Small copies are cut from one piece of memory: to allocate each by itself costs more than to fill it. */
const SLAB_BYTES = 16_384
/** A link that drains slowly keeps the slab of its last copy, so larger copies have memory of their own. */
const FROM_SLAB_MAX_BYTES = 2_048
let slab = new Uint8Array(0)
let slabUsed = 0

function allocate(length: number): Uint8Array {
  if (length > FROM_SLAB_MAX_BYTES) return new Uint8Array(length)
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES)
    slabUsed = 0
  }
  slabUsed += length
  return slab.subarray(slabUsed - length, slabUsed)
}

function concat(frames: readonly Uint8Array[], length: number): Uint8Array {
  const joined = allocate(length)
  let at = 0
  for (const frame of frames) {
    joined.set(frame, at)
    at += frame.byteLength
  }
  return joined
}

/** Whether two lists have the same objects in the same order. */
export function isSame(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
