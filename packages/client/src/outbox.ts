/**
 * Durable requests, which must arrive exactly once and in order: each has a key, is repeated until the server has
 * acknowledged it, and is forgotten only then. Bounded in count, bytes and age; a request beyond a bound is refused at once.
 */
import { createKey, toJson } from '@roomful/protocol'
import { backoffMs } from './backoff.ts'
import type { ServerFacts } from './connection.ts'
import type { Environment } from './environment.ts'
import { isPassing, RoomfulError } from './errors.ts'
import { type Deferred, defer, type RequestOptions, type Requests } from './requests.ts'

/** One durable request. Plain data, so that any storage can keep it. */
export interface OutboxEntry {
  /** Version of this shape. */
  readonly v: 1
  /** Its idempotency key, and its key in the storage: a UUIDv7 in server time. */
  readonly key: string
  readonly namespace: string
  readonly event: string
  readonly args: readonly unknown[]
  /** When it was added, ms since 1970 in server time. */
  readonly createdMs: number
  /** Length of the arguments as JSON. */
  readonly bytes: number
}

/** Where an outbox keeps its entries. Use one storage per user: entries of one must not be sent as another (D12). */
export interface OutboxStorage {
  /** @returns the entries that an earlier page or process left, oldest first */
  load(): Promise<readonly OutboxEntry[]>
  /** Resolves when the entry is stored; it is not sent before. */
  put(entry: OutboxEntry): Promise<void>
  /** The entry was acknowledged or refused. */
  remove(key: string): Promise<void>
}

/** Bounds of the outbox, and where it keeps its entries. */
export interface OutboxLimits {
  /** Requests that wait. Default 1,000. */
  maxCount?: number
  /** Length of their arguments together, as JSON. Default 1 MiB. */
  maxBytes?: number
  /** How long one may wait, ms; never longer than the server recognises repeats. Default 24 h. */
  maxAgeMs?: number
  /**
   * Requests under way at once. With 1, the default, the order is kept; more is faster on a slow network, but a request that
   * the server refused temporarily may arrive after later ones.
   */
  maxInFlight?: number
  /** Default: memory, so that entries are lost with the page. `@roomful/client/indexeddb` has one that survives it. */
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
  /** It is in the storage, if there is one. */
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
  /** Temporary refusals in a row. */
  #failures = 0
  #cancelPause: (() => void) | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Entries that wait, oldest first; the same array until something changes. */
  get entries(): readonly OutboxEntry[] {
    this.#snapshot ??= this.#items.map(({ entry }) => entry)
    return this.#snapshot
  }

  /** Takes over entries that an earlier page or process left. Never rejects. */
  async restore(): Promise<void> {
    try {
      const entries = (await this.#options.storage?.load()) ?? []
      for (const entry of entries) {
        const isKnown = this.#items.some((item) => item.entry.key === entry.key)
        if (entry.v !== 1 || entry.namespace !== this.#options.namespace || isKnown) continue
        const item: Item = {
          ...{ entry, isReady: true, isInFlight: false },
          settle: (error) => {
            this.#forget(item)
            if (error !== undefined) this.#reportError(error) // the page that waited for it is gone
          },
        }
        this.#items.push(item)
        this.#bytes += entry.bytes
      }
      this.#items.sort((a, b) => a.entry.createdMs - b.entry.createdMs)
      this.#changed()
    } catch (error) {
      this.#reportError(error)
    }
    this.#pump()
  }

  /** @returns the acknowledgement, however long it takes; rejects with QUEUE_FULL, EXPIRED, the server's refusal, … */
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

  /** The client is closed; entries in a storage stay there. */
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
        this.#reportError(error) // it still waits in memory
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
      if (!item.isInFlight) this.#send(item) // never rejects
    }
  }

  async #send(item: Item): Promise<void> {
    const { event, args, key, createdMs } = item.entry
    const { server, maxAgeMs = DAY_MS, requests } = this.#options
    if (server.now() - createdMs > Math.min(maxAgeMs, server.limits.dedupeWindowMs || DAY_MS)) {
      return item.settle(new RoomfulError('EXPIRED', `${event} waited too long`))
    }
    item.isInFlight = true
    try {
      const ack = await requests.call(event, args, { key })
      this.#failures = 0
      item.settle(undefined, ack)
    } catch (thrown) {
      const error = thrown as RoomfulError // a request rejects with nothing else
      item.isInFlight = false
      if (isPassing(error)) this.#pause(error)
      else item.settle(error)
    }
  }

  /** Sends the same request again, later. */
  #pause({ retryAfterMs, code }: RoomfulError): void {
    const isDown = code === 'DISCONNECTED' || code === 'NOT_CONNECTED'
    if (isDown && this.#options.requests.reach !== 'now') return // the next connection continues
    const { clock, random } = this.#options.environment
    this.#cancelPause ??= clock.after(retryAfterMs ?? backoffMs(this.#failures++, random()), () => this.#resume())
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
    this.#options.storage?.remove(item.entry.key).catch((error: unknown) => this.#reportError(error))
    this.#changed()
    this.#pump()
  }

  #changed(): void {
    this.#snapshot = undefined
    this.#options.onChange()
  }

  #reportError(error: unknown): void {
    const { onError } = this.#options.environment
    onError(error instanceof RoomfulError ? error : new RoomfulError('OUTBOX', String(error), { cause: error }))
  }
}
