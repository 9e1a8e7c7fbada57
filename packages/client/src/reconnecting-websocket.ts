/**
 * A WebSocket that comes back, in the shape that document after document teaches, for those who speak a protocol of their
 * own over it: no rooms, no replay, no outbox. For those there is `connect`. C2.
 */
import { backoffMs } from './backoff.ts'
import { findWebSocket, type WebSocketConstructor, type WebSocketLike } from './transports/websocket.ts'

export interface ReconnectingWebSocketOptions {
  /** First wait, doubled at each failure. Default 1,000 ms. */
  reconnectInterval?: number
  /** Failures in a row after which it stays closed. Default 10. */
  maxRetries?: number
  /** Longest wait. Default 30,000 ms. */
  maxInterval?: number
  /** How much of each wait is left to chance, 0 to 1. Default 0; many clients of one server should use 1. */
  jitter?: number
  WebSocket?: WebSocketConstructor
  onopen?: () => void
  onmessage?: (event: MessageEvent) => void
  onclose?: (event: CloseEvent) => void
  onerror?: (event: Event) => void
}

type Data = string | ArrayBufferLike | Blob | ArrayBufferView

const OPEN = 1

export class ReconnectingWebSocket {
  declare readonly url: string
  declare reconnectInterval: number
  declare maxRetries: number
  declare maxInterval: number
  declare jitter: number
  /** Tries since the last connection. */
  retries = 0
  /** The present socket. */
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

  /** Opens a socket now; the one before it, if any, is let go. Also after `close()`. */
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

  /** Sends when open; what is sent at any other time is dropped. */
  send(data: Data): void {
    if (this.ws.readyState === OPEN) this.ws.send(data as string)
  }

  /** Closes it for good: it does not come back until `connect()`. */
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
