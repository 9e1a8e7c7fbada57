/** Which way to a server worked, for a while: a page that is loaded again need not find out anew what is blocked. */
import type { Clock, TextStorage } from '../../environment.ts'
import type { TransportName } from '../transport.ts'

/** Somewhat longer than the pauses between tries of a better way. */
const MEMORY_MS = 15 * 60_000

export class WayMemory {
  readonly #key: string
  readonly #clock: Clock
  readonly #storage: TextStorage | undefined
  #kept: string | null | undefined

  /** @param key names the server whose ways these are */
  constructor(key: string, clock: Clock, storage: TextStorage | undefined) {
    this.#key = key
    this.#clock = clock
    this.#storage = storage
    this.#kept = storage?.getItem(key)
  }

  recall(): TransportName | undefined {
    const [name, untilMs] = (this.#kept ?? '').split(' ')
    return Number(untilMs) > this.#clock.now() ? (name as TransportName) : undefined
  }

  keep(name: TransportName): void {
    this.#kept = `${name} ${this.#clock.now() + MEMORY_MS}`
    try {
      this.#storage?.setItem(this.#key, this.#kept)
    } catch {
      // full, or not for us: then the next page finds out for itself
    }
  }
}
