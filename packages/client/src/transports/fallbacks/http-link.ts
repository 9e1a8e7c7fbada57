/**
 * One link over HTTP: it listens to a stream or polls, says what there is to say by POSTs, and now and then tries whether a
 * WebSocket gets through by now, which then takes over; whoever uses the link does not notice. C17.
 */
import type { Clock } from '../../environment.ts'
import { CUT_OFF, type OpenTransport, type Transport, type TransportHandlers } from '../transport.ts'
import { Climb } from './climb.ts'
import { type Down, Polls, Stream } from './down.ts'
import type { HttpEvent } from './events.ts'
import { Up } from './up.ts'

export interface HttpLinkOptions {
  /** Where `sse`, `poll` and `send` are, with a slash at the end. */
  readonly url: string
  /** Of the URL that the application gave: goes with what opens a link. */
  readonly search: string
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly chance: () => number
  /** A WebSocket that offers to take over the link of this subprotocol; none where it would be no gain. */
  readonly openWebSocket: ((subprotocol: string) => OpenTransport) | undefined
  /** Whether a WebSocket that tried to take the link over got through. */
  readonly onWebSocketTried: (gotThrough: boolean) => void
}

/** How long a goodbye may take. */
const GOODBYE_MS = 5_000
/** Above it the browser would not let a request outlive its page. Fetch Standard, keepalive quota: 64 KiB. */
const KEEPALIVE_MAX_LENGTH = 20_000
const TOO_LARGE = 413
const TOO_BIG_CLOSE = 1009

export class HttpLink implements Transport {
  readonly #name: 'sse' | 'poll'
  readonly #options: HttpLinkOptions
  readonly #handlers: TransportHandlers
  readonly #away = new AbortController()
  readonly #up: Up
  readonly #down: Down
  /** Its secret, once the server told it. */
  #link: string | undefined
  #climb: Climb | undefined
  /** A WebSocket that took over. */
  #carrier: Transport | undefined
  #isOver = false

  constructor(name: 'sse' | 'poll', options: HttpLinkOptions, handlers: TransportHandlers) {
    this.#name = name
    this.#options = options
    this.#handlers = handlers
    this.#up = new Up({
      post: async (body, isLast) => {
        const keepalive = isLast && body.length < KEEPALIVE_MAX_LENGTH
        return (await this.#request('send', { method: 'POST', body, keepalive })).status
      },
      onFailed: (status) => this.#end(status === TOO_LARGE ? TOO_BIG_CLOSE : CUT_OFF, `A POST was answered ${status}`),
    })
    this.#down = new (name === 'sse' ? Stream : Polls)({
      request: () => (name === 'sse' ? this.#request(`sse${options.search}`, { cache: 'no-store' }) : this.#poll()),
      onEvents: (events) => this.#take(events),
      onFailed: (cause) => this.#end(CUT_OFF, String(cause)),
    })
    this.#down.listen() // never rejects
  }

  send(text: string): void {
    if (this.#carrier) this.#carrier.send(text)
    else this.#up.send(text)
  }

  close(manner: 'goodbye' | 'cut'): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#climb?.stop()
    this.#carrier?.close(manner)
    const abort = (): void => this.#away.abort()
    if (manner === 'cut' || this.#carrier || this.#link === undefined) return abort()
    const cancelTimer = this.#options.clock.after(GOODBYE_MS, abort)
    this.#up.leave().then(() => {
      cancelTimer()
      abort()
    })
  }

  #poll(): Promise<Response> {
    const isOpen = this.#link !== undefined
    const body = isOpen ? JSON.stringify({ link: this.#link }) : ''
    return this.#request(isOpen ? 'poll' : `poll${this.#options.search}`, { method: 'POST', body })
  }

  #request(path: string, init: RequestInit): Promise<Response> {
    const { url, fetch } = this.#options
    return fetch(url + path, { ...init, signal: this.#away.signal })
  }

  #take(events: readonly HttpEvent[]): void {
    const frames: string[] = []
    const tell = (): void => {
      if (frames.length > 0 && !this.#isOver) this.#handlers.onMessage(frames.splice(0).join('\n'))
    }
    for (const event of events) {
      if (event.name === '') frames.push(event.data)
      else {
        tell()
        this.#handle(event)
      }
    }
    tell()
  }

  #handle({ name, data }: HttpEvent): void {
    if (this.#isOver) return
    switch (name) {
      case 'link':
        return this.#opened(JSON.parse(data) as { link: string; maxBytes: number })
      case 'ping':
        if (this.#name === 'sse') this.#up.pong()
        return this.#handlers.onMessage('') // something was heard
      case 'close': {
        const { code, reason } = JSON.parse(data) as { code: number; reason: string }
        return this.#end(code, reason)
      }
    }
  }

  #opened({ link, maxBytes }: { link: string; maxBytes: number }): void {
    this.#link = link
    this.#handlers.onCarrier?.(this.#name)
    this.#handlers.onOpen()
    this.#up.open(link, maxBytes)
    const { openWebSocket, clock, chance } = this.#options
    if (!openWebSocket) return
    this.#climb = new Climb({
      ...{ clock, chance, openTransport: (handlers) => openWebSocket(`link.${link}`)(handlers) },
      pause: async () => {
        await Promise.all([this.#up.pause(), this.#down.pause()])
      },
      resume: () => {
        this.#up.resume()
        this.#down.resume()
      },
      onTaken: (transport) => {
        this.#carrier = transport
        for (const text of this.#up.takeRest()) transport.send(text)
        this.#handlers.onCarrier?.('websocket')
        this.#options.onWebSocketTried(true)
        return this.#down.finish()
      },
      onMessage: (text) => this.#handlers.onMessage(text),
      onClose: (code, reason) => this.#end(code, reason),
      onFailed: () => {
        this.#handlers.onCarrier?.(this.#name)
        this.#options.onWebSocketTried(false)
      },
    })
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return
    this.close('cut')
    this.#handlers.onClose(code, reason)
  }
}
