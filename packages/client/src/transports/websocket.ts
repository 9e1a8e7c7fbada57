/**
 * A WebSocket as a transport: the browser's, Node's own (22 and later) or the one of the package `ws`. And two wrappers for
 * any transport, which are here because the SDK's core contains no other one.
 */
import { SDK_SUBPROTOCOLS } from '@roomful/protocol'
import type { Clock } from '../environment.ts'
import { RoomfulError } from '../errors.ts'
import { CUT_OFF, GOODBYE, type OpenTransport, type Transport, type TransportHandlers } from './transport.ts'

/** The part of a `WebSocket` that the SDK uses. */
export interface WebSocketLike {
  /** 1 when it is open. */
  readonly readyState: number
  onopen: ((event: never) => unknown) | null
  onmessage: ((event: never) => unknown) | null
  onclose: ((event: never) => unknown) | null
  onerror: ((event: never) => unknown) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

/** The `WebSocket` class of a platform, or of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike

const OPEN = 1

/**
 * @param given takes precedence over the platform's own class
 * @throws RoomfulError NO_WEBSOCKET when there is neither
 */
export function findWebSocket(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found = given ?? (globalThis.WebSocket as WebSocketConstructor | undefined)
  if (found === undefined) throw new RoomfulError('NO_WEBSOCKET')
  return found
}

/**
 * @param url of the server, with `http:`, `https:`, `ws:` or `wss:`, or relative to the page
 * @returns its WebSocket endpoint: the path `/ws` below it, unless the URL has that already
 * @throws TypeError when it is no URL
 */
export function webSocketUrl(url: string | URL): string {
  const endpoint = new URL(url, globalThis.location?.href)
  endpoint.protocol = endpoint.protocol.replace('http', 'ws')
  if (!/\/ws(\/|$)/.test(endpoint.pathname)) endpoint.pathname = `${endpoint.pathname.replace(/\/$/, '')}/ws`
  endpoint.hash = '' // a WebSocket constructor refuses one
  return endpoint.href
}

/** @param more subprotocols to offer beside the SDK's own */
export function webSocketTransport(
  url: string,
  WebSocket: WebSocketConstructor,
  more: readonly string[] = [],
): OpenTransport {
  return ({ onCarrier, onOpen, onMessage, onClose }) => {
    const socket = new WebSocket(url, [...SDK_SUBPROTOCOLS, ...more])
    socket.onopen = () => {
      onCarrier?.('websocket')
      onOpen()
    }
    socket.onmessage = ({ data }: { data: unknown }) => onMessage(typeof data === 'string' ? data : '')
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => onClose(code, reason)
    socket.onerror = ignore // the close says everything
    return {
      send(text) {
        if (socket.readyState === OPEN) socket.send(text)
      },
      close(manner) {
        socket.onopen = socket.onmessage = socket.onclose = null
        // Without a code the server sees 1005, which is not a goodbye: it keeps the session.
        if (manner === 'cut') socket.close()
        else socket.close(GOODBYE)
      },
    }
  }
}

/** Stays attached after the end: `ws` throws errors without a listener. */
function ignore(): void {}

/** While there is another transport, a silent one is given up after this long, ms. */
export const FIRST_FRAME_MS = 5_000
/** The server closes with a code from here on; smaller codes come from the network. RFC 6455 section 7.4.1. */
const SERVER_CLOSE_MIN = 1008

export interface FirstFrameOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onFirstFrame: () => void
  /** It ended before its first frame, and not by the server: another transport may be tried. */
  readonly onNoFrame: (code: number, reason: string) => void
}

/**
 * Opens a transport that counts as open after its first frame: some proxies accept the upgrade but pass no frames.
 */
export function openAtFirstFrame(
  open: OpenTransport,
  handlers: TransportHandlers,
  options: FirstFrameOptions,
): Transport {
  const { clock, timeoutMs, onFirstFrame, onNoFrame } = options
  let hasFrame = false
  const transport = open({
    ...handlers,
    onOpen: ignore,
    onMessage(text) {
      cancelTimer()
      if (!hasFrame) {
        hasFrame = true
        onFirstFrame()
        handlers.onOpen()
      }
      handlers.onMessage(text)
    },
    onClose(code, reason) {
      cancelTimer()
      if (hasFrame || code >= SERVER_CLOSE_MIN) handlers.onClose(code, reason)
      else onNoFrame(code, reason)
    },
  })
  const cancelTimer = clock.after(timeoutMs, () => {
    transport.close('cut')
    onNoFrame(CUT_OFF, 'No answer in time')
  })
  return {
    send: (text) => transport.send(text),
    close(manner) {
      cancelTimer()
      transport.close(manner)
    },
  }
}

/** The transport of a link that is tried over several, one after the other. */
export class Switch implements Transport {
  /** The one in use. */
  current: Transport | undefined
  isClosed = false

  /** Opens what has to be loaded first. Never rejects. */
  async load(handlers: TransportHandlers, load: () => Promise<OpenTransport>): Promise<void> {
    try {
      const open = await load()
      if (!this.isClosed) this.current = open(handlers)
    } catch (cause) {
      if (!this.isClosed) handlers.onClose(CUT_OFF, String(cause)) // not loaded: the next attempt may succeed
    }
  }

  get channel(): number | undefined {
    return this.current?.channel
  }

  send(text: string): void {
    this.current?.send(text)
  }

  close(manner: 'goodbye' | 'cut'): void {
    this.isClosed = true
    this.current?.close(manner)
  }
}
