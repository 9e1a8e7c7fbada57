/** Requests of a client without the SDK that must be answered: each keeps its key, and is repeated until then. */
import { createKey } from '@roomful/protocol'
import type { VirtualClock } from '../../clock.ts'
import type { SeededRandom } from '../../random.ts'
import type { Message, OnAnswer } from './companion.ts'

/** Refusals that a retry may overcome. */
export const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'RATE_LIMITED', 'TIMEOUT'])
/** Requests under way at once. */
const WINDOW = 8
/** Without an answer it is sent again after this time, then after twice that, and so on. */
export const PATIENCE_MS = 2_000

interface Kept {
  readonly event: string
  readonly data: Message
  readonly onAnswer: OnAnswer
  /** Of the latest try on this connection. */
  id: number | undefined
  tries: number
  atMs: number
}

export interface KeptRequestsOptions {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  /** Sends one, if there is a connection. @returns its id */
  readonly send: (event: string, data: Message, key: string) => number | undefined
}

export class KeptRequests {
  private readonly options: KeptRequestsOptions
  private readonly kept = new Map<string, Kept>()

  constructor(options: KeptRequestsOptions) {
    this.options = options
  }

  add(event: string, data: Message, onAnswer: OnAnswer): void {
    const { clock, random } = this.options
    const key = createKey(clock.now(), (bytes) => random.fill(bytes))
    this.kept.set(key, { event, data, onAnswer, id: undefined, tries: 0, atMs: 0 })
    this.send()
  }

  /** What was sent has no answer on the next connection. */
  closed(): void {
    for (const kept of this.kept.values()) kept.id = undefined
  }

  /** Sends what waits, oldest first, and what was not answered for too long. */
  send(): void {
    const now = this.options.clock.monotonic()
    let free = WINDOW
    for (const [key, kept] of this.kept) {
      if (free-- === 0) return
      if (kept.id !== undefined && now - kept.atMs < PATIENCE_MS * kept.tries) continue
      const id = this.options.send(kept.event, kept.data, key)
      if (id === undefined) return
      kept.id = id
      kept.tries++
      kept.atMs = now
    }
  }

  /** @returns whether it was one of these */
  answered(id: number, data: Message | undefined, error: Message | undefined): boolean {
    for (const [key, kept] of this.kept) {
      if (kept.id !== id) continue
      if (error && PASSING.has(error.code)) return true
      this.kept.delete(key)
      kept.onAnswer(data, error)
      this.send()
      return true
    }
    return false
  }

  /** One that waits. */
  first(): string | undefined {
    const [kept] = this.kept.values()
    return kept?.event
  }

  clear(): void {
    this.kept.clear()
  }
}
