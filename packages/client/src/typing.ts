/**
 * Typing notices in both directions: keystrokes of this user become one `typing:start` every few seconds and a `typing:stop`
 * after a pause; the notices of other users become a list whose entries expire. B19.
 */
import type { Clock } from './environment.ts'
import type { ReceivedEvent } from './events.ts'
import type { Typist } from './types.ts'

/** Shorter than the 5 s after which the server ends it without another start. */
const REPEAT_MS = 3_000
/** B19: stop after 2 s without a keystroke. */
const PAUSE_MS = 2_000
/** A little longer than the server's own 5 s, for a `stop` that never came. */
const FORGET_MS = 6_000
/** More are not listed: a page cannot show so many names. */
const MAX_TYPISTS = 100
/** A user who posted a message, or left, is not writing any more. */
const STOPS = new Set(['user:stop-typing', 'user:left', 'message:new'])

export class TypingSignal {
  readonly #clock: Clock
  readonly #emit: (event: 'typing:start' | 'typing:stop') => void
  #startedAtMs: number | undefined
  #cancelPause: (() => void) | undefined

  constructor(clock: Clock, emit: (event: 'typing:start' | 'typing:stop') => void) {
    this.#clock = clock
    this.#emit = emit
  }

  /** A keystroke. */
  handleInput(): void {
    const now = this.#clock.monotonic()
    if (this.#startedAtMs === undefined || now - this.#startedAtMs >= REPEAT_MS) {
      this.#startedAtMs = now
      this.#emit('typing:start')
    }
    this.#cancelPause?.()
    this.#cancelPause = this.#clock.after(PAUSE_MS, () => this.stop())
  }

  stop(): void {
    if (this.#startedAtMs === undefined) return
    this.forget()
    this.#emit('typing:stop')
  }

  /** Sends nothing: the connection was lost, and the notice with it. */
  forget(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#startedAtMs = undefined
  }
}

export class Typists {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #entries = new Map<string, { typist: Typist; cancel: () => void }>()

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  list(): readonly Typist[] {
    return Array.from(this.#entries.values(), ({ typist }) => typist)
  }

  handle({ event, args }: ReceivedEvent): void {
    const { userId, name } = (args[0] ?? {}) as { userId?: string; name?: string }
    if (typeof userId !== 'string') return
    if (event === 'user:typing') this.#add({ userId, name: name ?? userId })
    else if (STOPS.has(event)) this.#remove(userId)
  }

  clear(): void {
    if (this.#entries.size === 0) return
    for (const { cancel } of this.#entries.values()) cancel()
    this.#entries.clear()
    this.#onChange()
  }

  #add({ userId, name }: Typist): void {
    const known = this.#entries.get(userId)
    if (!known && this.#entries.size >= MAX_TYPISTS) return
    known?.cancel()
    const cancel = this.#clock.after(FORGET_MS, () => this.#remove(userId))
    this.#entries.set(userId, { typist: { userId, name }, cancel })
    if (known?.typist.name !== name) this.#onChange()
  }

  #remove(userId: string): void {
    const known = this.#entries.get(userId)
    if (!known) return
    known.cancel()
    this.#entries.delete(userId)
    this.#onChange()
  }
}
