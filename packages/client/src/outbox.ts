/**
 * Messages that must arrive, exactly once and in order, whatever happens to the connection: each has a key, is sent until
 * the server has answered it, and is forgotten only then. Bounded in count, bytes and age; what does not fit is refused
 * at once, with a code.
 */
import { createKey, toJson } from '@roomful/protocol'
import { backoffMs } from './backoff.ts'
import { type Deferred, defer } from './deferred.ts'
import type { Environment } from './environment.ts'
import { isPassing, RoomfulError } from './errors.ts'
import type { OutboxEntry, OutboxStorage } from './outbox-storage.ts'
import type { RequestOptions, Requests } from './requests.ts'
import type { ServerFacts } from './server-facts.ts'

export interface OutboxLimits {
  /** Messages that wait. Default 1,000. */
  maxCount?: number
  /** Their arguments together. Default 1 MiB. */
  maxBytes?: number
  /** How long one may wait; never longer than the server recognises repeats. Default 24 h. */
  maxAgeMs?: number
  /**
   * Messages under way at once. With 1, the default, nothing can overtake; more is faster on a slow network, and lets a
   * message that the server refused for a moment arrive after its successors.
   */
  maxInFlight?: number
  storage?: OutboxStorage
}

export interface OutboxOptions extends OutboxLimits {
  readonly environment: Environment
  readonly server: ServerFacts
  readonly namespace: string
  readonly requests: Requests
  readonly onChange: () => void
}

interface Item {
  readonly entry: OutboxEntry
  /** Safe in the storage. */
  isReady: boolean
  isInFlight: boolean
  readonly settle: Deferred['settle']
}

const DAY_MS = 24 * 60 * 60_000

export class Outbox {
  readonly #options: OutboxOptions
  readonly #items: Item[] = []
  #snapshot: readonly OutboxEntry[] | undefined
  #bytes = 0
  /** Passing refusals in a row. */
  #failures = 0
  #cancelPause: (() => void) | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** What waits, oldest first; the same array until something changes. */
  get entries(): readonly OutboxEntry[] {
    this.#snapshot ??= this.#items.map(({ entry }) => entry)
    return this.#snapshot
  }

  /** Takes up what an earlier life left. Never rejects. */
  async restore(): Promise<void> {
    try {
      const left = (await this.#options.storage?.load()) ?? []
      for (const entry of left) {
        const isKnown = this.#items.some((item) => item.entry.key === entry.key)
        if (entry.v !== 1 || entry.namespace !== this.#options.namespace || isKnown) continue
        const item: Item = {
          ...{ entry, isReady: true, isInFlight: false },
          settle: (error) => {
            this.#forget(item)
            if (error !== undefined) this.#tell(error) // whoever waited for it is gone
          },
        }
        this.#items.push(item)
        this.#bytes += entry.bytes
      }
      this.#items.sort((a, b) => a.entry.createdMs - b.entry.createdMs)
      this.#changed()
    } catch (error) {
      this.#tell(error)
    }
    this.#pump()
  }

  /** @returns the server's answer, however long it takes; rejects with QUEUE_FULL, EXPIRED, the server's refusal, … */
  async add(event: string, args: readonly unknown[], options: RequestOptions): Promise<unknown> {
    const { environment, server, namespace, requests, maxCount = 1_000, maxBytes = 1024 * 1024 } = this.#options
    if (requests.reach === 'never') throw new RoomfulError('CLOSED')
    const bytes = toJson(args).length
    if (this.#items.length >= maxCount || this.#bytes + bytes > maxBytes) throw new RoomfulError('QUEUE_FULL')
    const createdMs = server.now()
    const { key = createKey(createdMs, environment.fillRandom), timeoutMs, signal } = options
    const { promise, settle } = defer({
      ...{ clock: environment.clock, timeoutMs, signal },
      timeoutError: () => new RoomfulError('TIMEOUT', `No answer to ${event} within ${timeoutMs} ms`),
      onSettled: () => this.#forget(item),
    })
    const entry: OutboxEntry = { v: 1, key, namespace, event, args, createdMs, bytes }
    const item: Item = { entry, settle, isReady: false, isInFlight: false }
    this.#items.push(item)
    this.#bytes += bytes
    this.#changed()
    this.#keep(item) // never rejects
    return promise
  }

  /** The connection is open. */
  handleOpen(): void {
    this.#failures = 0
    this.#resume()
  }

  /** There will be no connection any more; what the storage holds stays there. */
  rejectAll(error: RoomfulError): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#bytes = 0
    for (const item of this.#items.splice(0)) item.settle(error)
    this.#changed()
  }

  async #keep(item: Item): Promise<void> {
    const { storage } = this.#options
    if (storage) {
      try {
        await storage.put(item.entry)
      } catch (error) {
        this.#tell(error) // it still waits here, and arrives if this page lives long enough
      }
    }
    item.isReady = true
    this.#pump()
  }

  #pump(): void {
    const { maxInFlight = 1, requests } = this.#options
    if (this.#cancelPause || requests.reach !== 'now') return
    for (const item of this.#items.slice(0, maxInFlight)) {
      if (!item.isReady) return
      if (!item.isInFlight) this.#deliver(item) // never rejects
    }
  }

  async #deliver(item: Item): Promise<void> {
    const { event, args, key, createdMs } = item.entry
    const { server, maxAgeMs = DAY_MS, requests } = this.#options
    if (server.now() - createdMs > Math.min(maxAgeMs, server.limits.dedupeWindowMs || DAY_MS)) {
      return item.settle(new RoomfulError('EXPIRED', `${event} waited too long`))
    }
    item.isInFlight = true
    try {
      const answer = await requests.call(event, args, { key })
      this.#failures = 0
      item.settle(undefined, answer)
    } catch (thrown) {
      const error = thrown as RoomfulError // a request rejects with nothing else
      item.isInFlight = false
      if (isPassing(error)) this.#pause(error)
      else item.settle(error)
    }
  }

  /** The same message again, later. */
  #pause({ retryAfterMs, code }: RoomfulError): void {
    const isDown = code === 'DISCONNECTED' || code === 'NOT_CONNECTED'
    if (isDown && this.#options.requests.reach !== 'now') return // the next connection goes on
    const { clock, chance } = this.#options.environment
    this.#cancelPause ??= clock.after(retryAfterMs ?? backoffMs(this.#failures++, chance()), () => this.#resume())
  }

  #resume(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#pump()
  }

  #forget(item: Item): void {
    const index = this.#items.indexOf(item)
    if (index < 0) return
    this.#items.splice(index, 1)
    this.#bytes -= item.entry.bytes
    this.#options.storage?.remove(item.entry.key).catch((error: unknown) => this.#tell(error))
    this.#changed()
    this.#pump()
  }

  #changed(): void {
    this.#snapshot = undefined
    this.#options.onChange()
  }

  #tell(error: unknown): void {
    const { tell } = this.#options.environment
    tell(error instanceof RoomfulError ? error : new RoomfulError('OUTBOX', String(error), { cause: error }))
  }
}
