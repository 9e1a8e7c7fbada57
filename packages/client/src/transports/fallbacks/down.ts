/**
 * The receiving half of a link over HTTP: a stream that is read to its end, or polls, one at a time. Both carry the form of
 * `text/event-stream`: frames, and a few events with a name. PROTOCOL.md 17.
 */

export interface DownOptions {
  /** Requests the stream, or one poll. */
  readonly request: () => Promise<Response>
  readonly onEvents: (events: readonly HttpEvent[]) => void
  /** It was cut off, or refused. */
  readonly onFailed: (cause: unknown) => void
}

export interface Down {
  /** Begins, or continues. Never rejects. */
  listen(): Promise<void>
  /** Resolves when nothing more arrives until a WebSocket takes over. */
  pause(): Promise<void>
  /** No WebSocket took over. */
  resume(): void
  /** Resolves when everything was delivered that was sent before the WebSocket took over. */
  finish(): Promise<void>
}

export class Stream implements Down {
  readonly #options: DownOptions
  readonly #end: Promise<void>
  #onEnd: () => void = () => undefined

  constructor(options: DownOptions) {
    this.#options = options
    this.#end = new Promise((resolve) => {
      this.#onEnd = resolve
    })
  }

  async listen(): Promise<void> {
    const { request, onEvents, onFailed } = this.#options
    try {
      const { ok, status, body } = await request()
      if (!ok || !body) throw new Error(`The stream was answered ${status}`)
      const [reader, utf8, events] = [body.getReader(), new TextDecoder(), new EventReader()]
      let isMoved = false
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        const read = events.read(utf8.decode(piece.value, { stream: true }))
        isMoved = read.some(({ name }) => name === 'moved')
        onEvents(read)
      }
      if (!isMoved) throw new Error('The stream was cut off')
      this.#onEnd()
    } catch (cause) {
      onFailed(cause)
    }
  }

  /** The server ends it when the WebSocket takes over. */
  async pause(): Promise<void> {}

  resume(): void {}

  finish(): Promise<void> {
    return this.#end
  }
}

export class Polls implements Down {
  readonly #options: DownOptions
  #isPaused = false
  #isPolling = false
  #onQuiet: (() => void) | undefined

  constructor(options: DownOptions) {
    this.#options = options
  }

  async listen(): Promise<void> {
    const { request, onEvents, onFailed } = this.#options
    this.#isPolling = true
    try {
      while (!this.#isPaused) {
        const response = await request()
        if (!response.ok) throw new Error(`The poll was answered ${response.status}`)
        onEvents(new EventReader().read(await response.text()))
      }
    } catch (cause) {
      onFailed(cause)
    }
    this.#isPolling = false
    this.#onQuiet?.()
  }

  pause(): Promise<void> {
    this.#isPaused = true
    if (!this.#isPolling) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onQuiet = resolve
    })
  }

  resume(): void {
    this.#isPaused = false
    if (!this.#isPolling) this.listen() // never rejects
  }

  async finish(): Promise<void> {}
}

export interface HttpEvent {
  /** Empty for a frame. */
  readonly name: string
  readonly data: string
}

/** Assembles events from pieces that end anywhere. */
class EventReader {
  #rest = ''

  read(piece: string): HttpEvent[] {
    const blocks = (this.#rest + piece).split('\n\n')
    this.#rest = blocks.pop() as string
    return blocks.map(readEvent)
  }
}

function readEvent(block: string): HttpEvent {
  const field = (name: string): string =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2) ?? ''
  return { name: field('event'), data: field('data') }
}
