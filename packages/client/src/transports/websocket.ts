/** One WebSocket as a transport. Works with the browser's, Node's own (22 and later) and the one of the package `ws`. */
import { SDK_SUBPROTOCOLS } from '@roomful/protocol'
import { RoomfulError } from '../errors.ts'
import { GOODBYE, type OpenTransport } from './transport.ts'

/** The part of a `WebSocket` that is used. */
export interface WebSocketLike {
  readonly readyState: number
  onopen: ((event: never) => unknown) | null
  onmessage: ((event: never) => unknown) | null
  onclose: ((event: never) => unknown) | null
  onerror: ((event: never) => unknown) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike

const OPEN = 1

/** @throws RoomfulError NO_WEBSOCKET */
export function findWebSocket(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found = given ?? (globalThis.WebSocket as WebSocketConstructor | undefined)
  if (found === undefined) throw new RoomfulError('NO_WEBSOCKET')
  return found
}

/**
 * @param url of the server, with `http:`, `https:`, `ws:` or `wss:`, or relative to the page
 * @returns its WebSocket endpoint: the path `/ws` below it, unless it names that already
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
    socket.onerror = ignore // says nothing that the close does not say
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

/** Stays attached after the end: `ws` throws an error that nobody listens for. */
function ignore(): void {}
