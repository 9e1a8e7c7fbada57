/**
 * Upgrades a link over HTTP to a WebSocket: tries again and again, ever less often, whether one works now. One that does
 * takes the link over once nothing is under way over HTTP; its messages wait until HTTP has delivered everything.
 */
import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../environment.ts'
import { CUT_OFF, type OpenTransport, type Transport } from '../transport.ts'

export interface UpgradeOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Opens a WebSocket that offers to take this link over. */
  readonly openTransport: OpenTransport
  /** Resolves when nothing is under way over HTTP; nothing new begins there. */
  readonly pause: () => Promise<void>
  /** The WebSocket did not take over: HTTP continues. */
  readonly resume: () => void
  /** The WebSocket takes over now. Resolves when HTTP has delivered everything. */
  readonly onUpgraded: (transport: Transport) => Promise<void>
  readonly onMessage: (text: string) => void
  /** The WebSocket that took over ended. */
  readonly onClose: (code: number, reason: string) => void
  readonly onFailed: () => void
}

/** From a quarter of a minute to ten minutes, half of it random. */
const PAUSES = { baseMs: 15_000, maxMs: 600_000, jitter: 0.5 }
/** For the WebSocket to open and answer, and for HTTP to finish, ms; the server waits a little longer. */
const TRY_MS = 8_000

export class Upgrade {
  readonly #options: UpgradeOptions
  #failures = 0
  #cancelTimer: (() => void) | undefined
  #transport: Transport | undefined
  /** `probing`: does a message get through? `pausing`: HTTP finishes. `upgraded`: the WebSocket carries the link. */
  #state: 'waiting' | 'probing' | 'pausing' | 'upgraded' = 'waiting'
  #isStopped = false
  /** Messages of the WebSocket that wait for HTTP. */
  #early: string[] | undefined = []

  constructor(options: UpgradeOptions) {
    this.#options = options
    this.#wait()
  }

  /** The link is over. */
  stop(): void {
    this.#cancelTimer?.()
    this.#isStopped = true
    if (this.#state === 'upgraded') return // its owner closes it
    this.#transport?.close('cut')
    this.#state = 'waiting'
  }

  #wait(): void {
    const { clock, random } = this.#options
    this.#state = 'waiting'
    this.#cancelTimer = clock.after(backoffMs(this.#failures, random(), PAUSES), () => this.#try())
  }

  #try(): void {
    const { clock, openTransport, onMessage, onClose } = this.#options
    this.#state = 'probing'
    this.#cancelTimer = clock.after(TRY_MS, () => this.#fail())
    try {
      const transport = openTransport({
        onOpen: () => transport.send('probe'),
        onMessage: (text) => {
          if (this.#state === 'probing' && text === 'probed') this.#takeOver(transport)
          else if (this.#early) this.#early.push(text)
          else onMessage(text)
        },
        onClose: (code, reason) => (this.#state === 'upgraded' ? onClose(code, reason) : this.#fail()),
      })
      this.#transport = transport
    } catch {
      this.#fail() // no constructor, or one that throws
    }
  }

  async #takeOver(transport: Transport): Promise<void> {
    const { clock, pause, onUpgraded, onMessage, onClose } = this.#options
    this.#state = 'pausing'
    await pause()
    if (this.#state !== 'pausing' || this.#transport !== transport) return
    this.#cancelTimer?.()
    this.#state = 'upgraded'
    transport.send('upgrade')
    this.#cancelTimer = clock.after(TRY_MS, () => onClose(CUT_OFF, 'What came over HTTP has no end'))
    await onUpgraded(transport)
    this.#cancelTimer()
    if (this.#isStopped) return
    const early = this.#early ?? []
    this.#early = undefined
    for (const text of early) onMessage(text)
  }

  #fail(): void {
    const state = this.#state
    if (state !== 'probing' && state !== 'pausing') return
    this.#cancelTimer?.()
    this.#transport?.close('cut')
    this.#transport = undefined
    this.#failures++
    this.#wait()
    if (state === 'pausing') this.#options.resume()
    this.#options.onFailed()
  }
}
