/**
 * A WebSocket that reconnects, with the members of the platform's own, for protocols other than Roomful's: no rooms, no
 * replay, no outbox. C2.
 */
import { backoffMs } from './backoff.ts'
import { findWebSocket, type WebSocketConstructor, type WebSocketLike } from './transports/websocket.ts'

/** How a {@link ReconnectingWebSocket} reconnects, and its handlers. */
export interface ReconnectingWebSocketOptions {
  /** First wait, ms, doubled at each failure. Default 1,000. */
  reconnectInterval?: number
  /** It stays closed after this many failures in a row. Default 10. */
  maxRetries?: number
  /** Longest wait, ms. Default 30,000. */
  maxInterval?: number
  /** The random part of each wait, 0 to 1. Default 0; many clients of one server should use 1. */
  jitter?: number
  /** Default: the global one. */
  WebSocket?: WebSocketConstructor
  onopen?: () => void
  onmessage?: (event: MessageEvent) => void
  onclose?: (event: CloseEvent) => void
  onerror?: (event: Event) => void
}

type Data = string | ArrayBufferLike | Blob | ArrayBufferView

const OPEN = 1

/**
 * A WebSocket that reconnects by itself.
 * @throws RoomfulError NO_WEBSOCKET where the platform has none and the options neither
 * @example
 * const socket = new ReconnectingWebSocket('wss://example.org/feed', { onmessage: ({ data }) => show(data) })
 */
export class ReconnectingWebSocket {
  declare readonly url: string
  declare reconnectInterval: number
  declare maxRetries: number
  declare maxInterval: number
  declare jitter: number
  /** Attempts since the last connection. */
  retries = 0
  /** The current socket. */
  declare ws: WebSocketLike
  declare onopen: (() => void) | undefined
  declare onmessage: ((event: MessageEvent) => void) | undefined
  declare onclose: ((event: CloseEvent) => void) | undefined
  declare onerror: ((event: Event) => void) | undefined
  readonly #options: ReconnectingWebSocketOptions
  #isStopped = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(url: string, options: ReconnectingWebSocketOptions = {}) {
    const { reconnectInterval = 1_000, maxRetries = 10, maxInterval = 30_000, jitter = 0 } = options
    const { onopen, onmessage, onclose, onerror } = options
    Object.assign(this, {
      url,
      reconnectInterval,
      maxRetries,
      maxInterval,
      jitter,
      onopen,
      onmessage,
      onclose,
      onerror,
    })
    this.#options = options
    this.connect()
  }

  /** Opens a socket now, and closes the current one. Also after `close()`. */
  connect(): void {
    const WebSocket = findWebSocket(this.#options.WebSocket)
    this.#isStopped = false
    clearTimeout(this.#timer)
    const before = this.ws as WebSocketLike | undefined
    const ws = new WebSocket(this.url)
    this.ws = ws
    if (before) {
      before.onopen = before.onmessage = before.onclose = null
      before.close()
    }
    ws.onopen = () => {
      this.retries = 0
      this.onopen?.()
    }
    ws.onmessage = (event: MessageEvent) => this.onmessage?.(event)
    ws.onerror = (event: Event) => this.onerror?.(event)
    ws.onclose = (event: CloseEvent) => {
      this.onclose?.(event)
      if (this.ws === ws) this.#connectLater()
    }
  }

  /** Sends when the socket is open; otherwise drops the data. */
  send(data: Data): void {
    if (this.ws.readyState === OPEN) this.ws.send(data as string)
  }

  /** Closes it, without reconnecting until `connect()`. */
  close(code?: number, reason?: string): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.ws.close(code, reason)
  }

  #connectLater(): void {
    if (this.#isStopped || this.retries >= this.maxRetries) return
    const { reconnectInterval: baseMs, maxInterval: maxMs, jitter } = this
    const delayMs = backoffMs(this.retries, Math.random(), { baseMs, maxMs, jitter })
    this.#timer = setTimeout(() => {
      this.retries++
      this.connect()
    }, delayMs)
  }
}
