/**
 * The way up of a link over HTTP: numbered POSTs, one at a time, each with everything that waits. One that failed is
 * repeated under its number, so that its frames are taken once whether it was the request that was lost or the answer.
 */
import { MAX_FRAMES_PER_MESSAGE } from '@roomful/protocol'

export interface UpOptions {
  /** @returns the status of the answer; rejects when there is none */
  readonly post: (body: string, isLast: boolean) => Promise<number>
  /** What was taken last may be lost, and nothing more can be sent. */
  readonly onFailed: (status: number) => void
}

/** Times that one POST is sent. */
const MAX_TRIES = 2
/** Characters that wait; more ends the link, and what may be repeated is. What a page can hold without notice. */
const MAX_WAITING = 4 * 1024 * 1024
/** A character is at most three bytes of UTF-8. */
const BYTES_PER_CHARACTER = 3
const TAKEN = 204

export class Up {
  readonly #options: UpOptions
  readonly #waiting: string[] = []
  #waitingLength = 0
  #link = ''
  #maxLength = 0
  #n = 0
  #isSending = false
  #isPaused = false
  /** A POST is due although nothing waits. */
  #isDue = false
  #isLeaving = false
  #onIdle: (() => void) | undefined

  constructor(options: UpOptions) {
    this.#options = options
  }

  /** The server said how the link is named, and how much it takes at once. */
  open(link: string, maxBytes: number): void {
    this.#link = link
    this.#maxLength = maxBytes / BYTES_PER_CHARACTER - 200 // the first line
    this.#pump()
  }

  send(text: string): void {
    this.#waiting.push(text)
    this.#waitingLength += text.length
    if (this.#waitingLength > MAX_WAITING) this.#options.onFailed(0)
    else this.#pump()
  }

  /** A sign of life: whatever waits, or a POST without a frame. */
  pong(): void {
    this.#isDue = true
    this.#pump()
  }

  /** Sends what waits and says goodbye; resolves when that is done. */
  leave(): Promise<void> {
    this.#isLeaving = true
    this.#isDue = true
    this.resume()
    return this.#idle()
  }

  /** Resolves when nothing is under way; until `resume()` nothing more is sent then. */
  pause(): Promise<void> {
    this.#isPaused = true
    return this.#idle()
  }

  resume(): void {
    this.#isPaused = false
    this.#pump()
  }

  /** What was not sent and never will be from here. */
  takeRest(): string[] {
    return this.#waiting.splice(0)
  }

  #idle(): Promise<void> {
    if (!this.#isSending) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  async #pump(): Promise<void> {
    if (this.#isSending || this.#link === '') return
    this.#isSending = true
    while (!this.#isPaused && (this.#isDue || this.#waiting.length > 0)) {
      const frames = this.#takeBatch()
      const isLast = this.#isLeaving && this.#waiting.length === 0
      this.#isDue = this.#isLeaving && !isLast
      const head = { link: this.#link, n: ++this.#n, ...(isLast ? { bye: true } : {}) }
      const status = await this.#deliver([JSON.stringify(head), ...frames].join('\n'), isLast)
      if (status !== TAKEN) {
        if (!this.#isLeaving) this.#options.onFailed(status)
        break
      }
    }
    this.#isSending = false
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  /** As many as one POST takes: at least one. */
  #takeBatch(): string[] {
    let count = 0
    let length = 0
    for (const text of this.#waiting) {
      length += text.length + 1
      if (count > 0 && (length > this.#maxLength || count === MAX_FRAMES_PER_MESSAGE)) break
      count++
    }
    const batch = this.#waiting.splice(0, count)
    for (const text of batch) this.#waitingLength -= text.length
    return batch
  }

  /** @returns the status; 0 when there was no answer, 500 and more when it was none of the server's */
  async #deliver(body: string, isLast: boolean): Promise<number> {
    let status = 0
    for (let tries = 0; tries < MAX_TRIES && (status === 0 || status >= 500); tries++) {
      status = await this.#options.post(body, isLast).catch(() => 0)
    }
    return status
  }
}
