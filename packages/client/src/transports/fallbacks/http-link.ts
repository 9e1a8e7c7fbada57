/**
 * One link over HTTP: it receives by a stream or by polls, sends by POSTs, and now and then tries to upgrade to a WebSocket,
 * which the link's user does not notice. C17.
 */
import type { Clock } from '../../environment.ts'
import { CUT_OFF, type OpenTransport, type Transport, type TransportHandlers } from '../transport.ts'
import { type Down, type HttpEvent, Polls, Stream } from './down.ts'
import { Up } from './up.ts'
import { Upgrade } from './upgrade.ts'

export interface HttpLinkOptions {
  /** Where `sse`, `poll` and `send` are, with a slash at the end. */
  readonly url: string
  /** The query of the application's URL: sent with the request that opens a link. */
  readonly search: string
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly random: () => number
  /** Opens a WebSocket that offers to take over the link of this subprotocol; missing where it would not be better. */
  readonly openWebSocket: ((subprotocol: string) => OpenTransport) | undefined
  /** Called after each attempt to upgrade. */
  readonly onWebSocketTried: (worked: boolean) => void
}

/** How long the last POST may take, ms. */
const GOODBYE_MS = 5_000
/** A longer request would not outlive its page. Fetch Standard, keepalive quota: 64 KiB. */
const KEEPALIVE_MAX_LENGTH = 20_000
const TOO_LARGE = 413
const TOO_BIG_CLOSE = 1009

export class HttpLink implements Transport {
  readonly #name: 'sse' | 'poll'
  readonly #options: HttpLinkOptions
  readonly #handlers: TransportHandlers
  readonly #abort = new AbortController()
  readonly #up: Up
  readonly #down: Down
  /** Its secret, once the server sent it. */
  #link: string | undefined
  #upgrade: Upgrade | undefined
  /** The WebSocket that took over. */
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
      onEvents: (events) => this.#receive(events),
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
    this.#upgrade?.stop()
    this.#carrier?.close(manner)
    const abort = (): void => this.#abort.abort()
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
    return fetch(url + path, { ...init, signal: this.#abort.signal })
  }

  #receive(events: readonly HttpEvent[]): void {
    const frames: string[] = []
    const deliver = (): void => {
      if (frames.length > 0 && !this.#isOver) this.#handlers.onMessage(frames.splice(0).join('\n'))
    }
    for (const event of events) {
      if (event.name === '') frames.push(event.data)
      else {
        deliver()
        this.#handle(event)
      }
    }
    deliver()
  }

  #handle({ name, data }: HttpEvent): void {
    if (this.#isOver) return
    switch (name) {
      case 'link':
        return this.#opened(JSON.parse(data) as { link: string; maxBytes: number })
      case 'ping':
        if (this.#name === 'sse') this.#up.pong()
        return this.#handlers.onMessage('') // the link is alive
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
    const { openWebSocket, clock, random } = this.#options
    if (!openWebSocket) return
    this.#upgrade = new Upgrade({
      ...{ clock, random, openTransport: (handlers) => openWebSocket(`link.${link}`)(handlers) },
      pause: async () => {
        await Promise.all([this.#up.pause(), this.#down.pause()])
      },
      resume: () => {
        this.#up.resume()
        this.#down.resume()
      },
      onUpgraded: (transport) => {
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
