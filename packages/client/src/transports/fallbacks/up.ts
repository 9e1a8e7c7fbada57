/**
 * The sending half of a link over HTTP: numbered POSTs, one at a time, each with everything that waits. One that failed is
 * repeated with its number, so that its frames are handled once whether the request was lost or its response.
 */
import { MAX_FRAMES_PER_MESSAGE } from '@roomful/protocol'

export interface UpOptions {
  /** @returns the status of the response; rejects when there is none */
  readonly post: (body: string, isLast: boolean) => Promise<number>
  /** The last frames may be lost, and nothing more can be sent. */
  readonly onFailed: (status: number) => void
}

/** Attempts at one POST. */
const MAX_TRIES = 2
/** Most characters that wait. More ends the link, and the next one repeats what may be repeated. */
const MAX_WAITING = 4 * 1024 * 1024
/** A character is at most three bytes of UTF-8. */
const BYTES_PER_CHARACTER = 3
const ACCEPTED = 204

export class Up {
  readonly #options: UpOptions
  readonly #waiting: string[] = []
  #waitingLength = 0
  #link = ''
  #maxLength = 0
  #n = 0
  #isSending = false
  #isPaused = false
  /** Sends a POST although nothing waits. */
  #isDue = false
  #isLeaving = false
  #onIdle: (() => void) | undefined

  constructor(options: UpOptions) {
    this.#options = options
  }

  /** The server named the link, and the largest POST that it accepts. */
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

  /** Answers a ping with what waits, or with a POST without frames. */
  pong(): void {
    this.#isDue = true
    this.#pump()
  }

  /** Sends what waits, and ends the session; resolves when that is done. */
  leave(): Promise<void> {
    this.#isLeaving = true
    this.#isDue = true
    this.resume()
    return this.#idle()
  }

  /** Sends nothing more until `resume()`; resolves when nothing is under way. */
  pause(): Promise<void> {
    this.#isPaused = true
    return this.#idle()
  }

  resume(): void {
    this.#isPaused = false
    this.#pump()
  }

  /** @returns the frames that wait: a WebSocket sends them */
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
      const status = await this.#post([JSON.stringify(head), ...frames].join('\n'), isLast)
      if (status !== ACCEPTED) {
        if (!this.#isLeaving) this.#options.onFailed(status)
        break
      }
    }
    this.#isSending = false
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  /** As many as the server accepts in one POST, and at least one. */
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

  /** @returns the status; 0 without a response, 500 and more when a proxy responded */
  async #post(body: string, isLast: boolean): Promise<number> {
    let status = 0
    for (let tries = 0; tries < MAX_TRIES && (status === 0 || status >= 500); tries++) {
      status = await this.#options.post(body, isLast).catch(() => 0)
    }
    return status
  }
}
