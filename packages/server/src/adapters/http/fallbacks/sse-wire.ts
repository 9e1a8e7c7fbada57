/**
 * The wire of an event stream: an HTTP response that does not end. Nothing is written before the rooms are joined, because
 * until then the answer may be an error. Clients send by `POST`, so the wire reads nothing.
 *
 * Over HTTP/1.1 the body is chunked, because proxies buffer other bodies. The dialect encodes each event as a whole chunk,
 * so every stream is written the same bytes; chunks made by Node for each stream cost three times as much. Over HTTP/1.0
 * the body ends with its connection.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterClose, CLOSE_CODES } from '@roomful/protocol'
import type { Timer, TimerWheel } from '../../../core/base/timer-wheel.ts'
import type { Link } from '../../../core/link/link.ts'
import type { Wire } from '../../../core/ports/wire.ts'
import type { Connection } from '../../../core/state/namespace-state.ts'
import { writeSocket } from '../../transports/websocket/wire.ts'
import { bodyPart } from './sse-dialect.ts'

/** Comments keep proxies from closing a quiet stream. PROTOCOL.md, section 13. */
const COMMENT_INTERVAL_MS = 25_000
/** How long the client may take to read the end of its stream. */
const CLOSE_TIMEOUT_MS = 5_000
/** Transient events that are kept while the rooms are joined; more are dropped. */
const EARLY_MAX = 64

/** One line and no empty line after it: some readers report a block without data as an empty message. */
const COMMENT = ':\n'
const COMMENT_BODY = bodyPart(COMMENT, false)
const COMMENT_CHUNK = bodyPart(COMMENT, true)
const NOTHING = new Uint8Array()

/** Headers of a stream. */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
  // Otherwise nginx buffers events.
  'X-Accel-Buffering': 'no',
} as const

/** The wire of one stream. */
export class SseWire implements Wire {
  readonly hasPongs = false
  /** Whether bytes that are written must be chunks. */
  readonly isChunked: boolean
  private readonly response: ServerResponse
  private readonly timers: TimerWheel
  private link: Link<Connection> | undefined
  /** The response's socket, once the head is written. */
  private socket: Socket | undefined
  private state: 'entering' | 'open' | 'over' = 'entering'
  private early: Uint8Array[] = []
  private timer: Timer | undefined

  constructor(response: ServerResponse, timers: TimerWheel) {
    this.response = response
    this.timers = timers
    this.isChunked = response.useChunkedEncodingByDefault
    response.on('close', this.onClose)
    response.on('error', ignoreError) // 'close' follows
  }

  attach(link: Link<Connection>): void {
    this.link = link
    if (this.response.destroyed) this.onClose()
  }

  /** The rooms are joined: writes the head, the opening and the events that came meanwhile. */
  open(opening: Uint8Array): void {
    if (this.state !== 'entering') return
    this.state = 'open'
    const { early } = this
    this.early = []
    const { response } = this
    response.writeHead(200, SSE_HEADERS)
    response.flushHeaders()
    this.socket = response.socket ?? undefined
    this.socket?.on('drain', this.onDrain)
    this.write([opening, ...early])
    this.timer = this.timers.add(COMMENT_INTERVAL_MS, this.onComment)
  }

  get queuedBytes(): number {
    return this.socket?.writableLength ?? 0
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state === 'entering') {
      const room = EARLY_MAX - this.early.length
      this.early.push(...buffers.slice(0, room))
      return
    }
    if (this.state === 'open' && this.socket) writeSocket(this.socket, buffers, this.onDrain)
  }

  pauseReading(): void {}

  resumeReading(): void {}

  /** Streams have no pongs: a client is alive for as long as its TCP connection, which the comments keep testing. */
  ping(): void {
    this.link?.alive()
  }

  close(code: number, reason: string): void {
    this.timers.cancel(this.timer)
    if (this.state === 'open') {
      this.timer = this.timers.add(CLOSE_TIMEOUT_MS, () => this.response.destroy())
      this.write([this.lastWords(code, reason)])
      this.state = 'over'
      if (afterClose(code) === 'reconnect') this.cut()
      else this.response.end()
    } else {
      this.state = 'over'
      queueMicrotask(() => this.link?.closed(code, reason))
    }
  }

  terminate(): void {
    this.state = 'over'
    this.timers.cancel(this.timer)
    this.response.destroy()
  }

  /**
   * Ends the connection but not the body: after a complete body, some readers do not reconnect. In HTTP/1.0 the end of the
   * connection is the end of the body, so the connection is reset instead.
   */
  private cut(): void {
    const { socket } = this
    if (this.isChunked) socket?.end()
    else socket?.write(NOTHING, () => reset(socket))
  }

  /** The last block: when to reconnect, or the error that makes reconnecting useless. */
  private lastWords(code: number, message: string): Uint8Array {
    const dueBackAt = this.link?.connections[0]?.expectedBackAt
    // Browsers count `retry` from the end of the stream. G7.
    if (this.link && dueBackAt !== undefined) {
      const retryMs = Math.max(0, Math.round(dueBackAt - this.link.runtime.clock.now()))
      return bodyPart(`retry: ${retryMs}\n`, this.isChunked) // read without an empty line after it
    }
    const error = LAST_WORDS[code]
    return error === undefined || !this.link
      ? NOTHING
      : this.link.dialect.fail(0, { code: error, message }, undefined, undefined)
  }

  private readonly onComment = (): void => {
    if (this.queuedBytes === 0) this.socket?.write(this.isChunked ? COMMENT_CHUNK : COMMENT_BODY)
    this.timer = this.timers.add(COMMENT_INTERVAL_MS, this.onComment)
  }

  private readonly onDrain = (): void => {
    if (this.state === 'open' && this.queuedBytes === 0) this.link?.drained()
  }

  private readonly onClose = (): void => {
    this.state = 'over'
    this.timers.cancel(this.timer)
    this.socket?.off('drain', this.onDrain) // the socket may serve another request
    this.link?.closed(CLOSE_CODES.NO_STATUS.code, '')
  }
}

const LAST_WORDS: Readonly<Record<number, string>> = {
  [CLOSE_CODES.TOKEN_EXPIRED.code]: 'TOKEN_EXPIRED',
  [CLOSE_CODES.AUTH_FAILED.code]: 'TOKEN_INVALID',
  [CLOSE_CODES.FORBIDDEN.code]: 'FORBIDDEN',
  [CLOSE_CODES.KICKED.code]: 'FORBIDDEN',
}

function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy() // TLS and pipes cannot be reset
  }
}

function ignoreError(): void {}
