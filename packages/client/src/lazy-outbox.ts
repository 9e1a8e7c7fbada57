/**
 * The outbox, which is not needed in order to connect: it is loaded once the connection is open, or earlier for the first
 * message that needs it and for a storage that may hold some.
 */
import { backoffMs } from './backoff.ts'
import { RoomfulError } from './errors.ts'
import type { Outbox, OutboxOptions } from './outbox.ts'
import type { OutboxEntry } from './outbox-storage.ts'
import type { RequestOptions } from './requests.ts'

const NOTHING: readonly OutboxEntry[] = []

export class LazyOutbox {
  readonly #options: OutboxOptions
  #outbox: Outbox | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
    if (options.storage) this.#prepare()
  }

  /** @see Outbox.entries */
  get entries(): readonly OutboxEntry[] {
    return this.#outbox?.entries ?? NOTHING
  }

  /** @see Outbox.add */
  async add(event: string, args: readonly unknown[], options: RequestOptions): Promise<unknown> {
    // Without a pause when it is there, so that what waits is seen at once.
    return (this.#outbox ?? (await this.#load())).add(event, args, options)
  }

  handleOpen(): void {
    if (this.#outbox) this.#outbox.handleOpen()
    else this.#prepare()
  }

  rejectAll(error: RoomfulError): void {
    this.#outbox?.rejectAll(error)
  }

  #prepare(): void {
    this.#load().catch(() => undefined) // nobody waits for it yet
  }

  /** What cannot be loaded now is tried again, as a connection is. @throws RoomfulError CLOSED */
  async #load(): Promise<Outbox> {
    const { environment, requests, storage } = this.#options
    for (let failures = 0; ; failures++) {
      try {
        const { Outbox } = await import('./on-demand.ts')
        if (this.#outbox) return this.#outbox
        this.#outbox = new Outbox(this.#options)
        if (storage) this.#outbox.restore() // never rejects
        return this.#outbox
      } catch {
        if (requests.reach === 'never') throw new RoomfulError('CLOSED')
        const delayMs = backoffMs(failures, environment.chance())
        await new Promise<void>((resolve) => environment.clock.after(delayMs, resolve))
      }
    }
  }
}
