/**
 * The messages of a careful client without the SDK until they are acknowledged: each has a key of its own, so that a repeat
 * after a cut is stored once.
 */
import { createKey } from '@roomful/protocol'
import type { Purpose } from '../../history/fact.ts'
import type { ActorOptions } from './actor.ts'

/** Keyed requests under way at once: more would only wait at the server. */
const WINDOW = 8

export interface Entry {
  readonly roomId: string
  readonly event: string
  readonly data: unknown
}

export class BareOutbox {
  private readonly options: ActorOptions
  private readonly entries = new Map<string, Entry>()
  private said = 0

  constructor(options: ActorOptions) {
    this.options = options
  }

  /** A text that no client has sent before. */
  nextText(): string {
    const { name, contentBytes } = this.options
    return `${name} ${++this.said}`.padEnd(contentBytes, '.')
  }

  /** @param more further fields of its `says` fact */
  add(entry: Entry, more: Purpose = {}): void {
    const { clock, random, history, name } = this.options
    const key = createKey(clock.now(), (bytes) => random.fill(bytes))
    history.record(name, { what: 'says', room: entry.roomId, key, ...more })
    this.entries.set(key, entry)
  }

  has(key: string): boolean {
    return this.entries.has(key)
  }

  /** The oldest that waits. */
  first(): string | undefined {
    const [key] = this.entries.keys()
    return key
  }

  /** It is acknowledged. @returns the entry, if it waited */
  take(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    this.entries.delete(key)
    return entry
  }

  /** Those that may be under way now. */
  *window(): Iterable<readonly [key: string, entry: Entry]> {
    let free = WINDOW
    for (const each of this.entries) {
      if (free-- === 0) return
      yield each
    }
  }

  clear(): void {
    this.entries.clear()
  }
}
