/**
 * Tries again and again, ever less often, whether a WebSocket gets through by now. One that does takes the link over: when
 * nothing is under way over HTTP any more it says so, and what comes over it is kept back until HTTP has told everything.
 */
import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../environment.ts'
import { CUT_OFF, type OpenTransport, type Transport } from '../transport.ts'

export interface ClimbOptions {
  readonly clock: Clock
  readonly chance: () => number
  /** A WebSocket that offers to take this link over. */
  readonly openTransport: OpenTransport
  /** Resolves when nothing is under way over HTTP; begins nothing there either. */
  readonly pause: () => Promise<void>
  /** Nothing came of it. */
  readonly resume: () => void
  /** It takes over now. Resolves when HTTP has told everything. */
  readonly onTaken: (transport: Transport) => Promise<void>
  readonly onMessage: (text: string) => void
  /** The WebSocket is over that had taken over. */
  readonly onClose: (code: number, reason: string) => void
  readonly onFailed: () => void
}

/** From a quarter of a minute to ten minutes, half of it left to chance. */
const PAUSES = { baseMs: 15_000, maxMs: 600_000, jitter: 0.5 }
/** For the WebSocket to open and answer, and for HTTP to come to rest; the server waits a little longer. */
const TRY_MS = 8_000

export class Climb {
  readonly #options: ClimbOptions
  #failures = 0
  #cancelTimer: (() => void) | undefined
  #transport: Transport | undefined
  /** `asking`: whether a message gets through. `pausing`: HTTP comes to rest. `taken`: for good. */
  #state: 'waiting' | 'asking' | 'pausing' | 'taken' = 'waiting'
  #isStopped = false
  /** What came over the WebSocket too early. */
  #early: string[] | undefined = []

  constructor(options: ClimbOptions) {
    this.#options = options
    this.#wait()
  }

  /** The link is over. */
  stop(): void {
    this.#cancelTimer?.()
    this.#isStopped = true
    if (this.#state === 'taken') return // its owner closes it
    this.#transport?.close('cut')
    this.#state = 'waiting'
  }

  #wait(): void {
    const { clock, chance } = this.#options
    this.#state = 'waiting'
    this.#cancelTimer = clock.after(backoffMs(this.#failures, chance(), PAUSES), () => this.#try())
  }

  #try(): void {
    const { clock, openTransport, onMessage, onClose } = this.#options
    this.#state = 'asking'
    this.#cancelTimer = clock.after(TRY_MS, () => this.#fail())
    try {
      const transport = openTransport({
        onOpen: () => transport.send('probe'),
        onMessage: (text) => {
          if (this.#state === 'asking' && text === 'probed') this.#takeOver(transport)
          else if (this.#early) this.#early.push(text)
          else onMessage(text)
        },
        onClose: (code, reason) => (this.#state === 'taken' ? onClose(code, reason) : this.#fail()),
      })
      this.#transport = transport
    } catch {
      this.#fail() // no constructor, or one that refuses
    }
  }

  async #takeOver(transport: Transport): Promise<void> {
    const { clock, pause, onTaken, onMessage, onClose } = this.#options
    this.#state = 'pausing'
    await pause()
    if (this.#state !== 'pausing' || this.#transport !== transport) return
    this.#cancelTimer?.()
    this.#state = 'taken'
    transport.send('upgrade')
    this.#cancelTimer = clock.after(TRY_MS, () => onClose(CUT_OFF, 'What came over HTTP has no end'))
    await onTaken(transport)
    this.#cancelTimer()
    if (this.#isStopped) return
    const early = this.#early ?? []
    this.#early = undefined
    for (const text of early) onMessage(text)
  }

  #fail(): void {
    const state = this.#state
    if (state !== 'asking' && state !== 'pausing') return
    this.#cancelTimer?.()
    this.#transport?.close('cut')
    this.#transport = undefined
    this.#failures++
    this.#wait()
    if (state === 'pausing') this.#options.resume()
    this.#options.onFailed()
  }
}
