/** Keeps the list of a room's members true: applies what the server tells, and asks for the whole when something is missing. */
import type { Environment } from './environment.ts'
import { isPassing, type RoomfulError } from './errors.ts'
import type { ReceivedEvent } from './frames.ts'
import {
  applyChange,
  NOBODY,
  type Presence,
  type PresenceChange,
  type PresenceSnapshot,
  presenceOf,
} from './presence.ts'
import type { Requests } from './requests.ts'

export interface RoomPresenceOptions {
  readonly roomId: string
  readonly environment: Environment
  readonly requests: Requests
  readonly onChange: () => void
}

/** Asking for the whole list at most so often: a busy room must not eat the rate limit. */
const RESYNC_INTERVAL_MS = 1_000
const CHANGES = new Set<string>(['user:joined', 'user:left', 'presence:diff'] satisfies PresenceChange['event'][])

export class RoomPresence {
  current: Presence = NOBODY
  readonly #options: RoomPresenceOptions
  #askedAtMs = Number.NEGATIVE_INFINITY
  #isPlanned = false

  constructor(options: RoomPresenceOptions) {
    this.#options = options
  }

  /** What the answer to a join, or to `presence:get`, says. */
  replace(snapshot: PresenceSnapshot): void {
    this.current = presenceOf(snapshot)
    this.#options.onChange()
  }

  handle({ event, args }: ReceivedEvent): void {
    if (!CHANGES.has(event) || this.current === NOBODY) return // before the answer to the join there is nothing to change
    const next = applyChange(this.current, { event, data: args[0] } as PresenceChange)
    if (next === this.current) return
    if (next === 'gap') return this.#plan()
    this.current = next
    this.#options.onChange()
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    const { clock } = this.#options.environment
    const waitMs = this.#askedAtMs + RESYNC_INTERVAL_MS - clock.monotonic()
    if (waitMs <= 0)
      this.#ask() // never rejects
    else clock.after(waitMs, () => this.#ask())
  }

  async #ask(): Promise<void> {
    const { roomId, environment, requests } = this.#options
    this.#askedAtMs = environment.clock.monotonic()
    try {
      if (requests.reach !== 'now') return // joining again brings a snapshot
      const onAnswer = (snapshot: unknown): void => {
        this.#isPlanned = false
        this.replace(snapshot as PresenceSnapshot)
      }
      await requests.call('presence:get', [{ roomId }], { onAnswer, isRepeatable: true })
    } catch (thrown) {
      const error = thrown as RoomfulError // a request rejects with nothing else
      // Not allowed to look: what we know is all there is. Anything that passes is asked again at the next change.
      if (isPassing(error)) environment.tell(error)
    } finally {
      this.#isPlanned = false
    }
  }
}
