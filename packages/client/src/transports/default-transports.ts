/**
 * The SDK's own transports. A WebSocket is tried first, and is the only one in the core. When it does not work, or did not a
 * while ago, the others are loaded, and select-transport.ts chooses among all from then on. C17.
 */
import type { Environment } from '../environment.ts'
import type { OpenTransport, TransportName } from './transport.ts'
import {
  FIRST_FRAME_MS,
  findWebSocket,
  openAtFirstFrame,
  Switch,
  type WebSocketConstructor,
  webSocketTransport,
  webSocketUrl,
} from './websocket.ts'

export interface DefaultTransportsOptions {
  /** The transports to use, best first. Default: `websocket`, `sse`, `poll`. */
  transports?: readonly TransportName[]
  /** For Node before 22, or a test. Default: the global one. */
  WebSocket?: WebSocketConstructor
  /** For the transports over HTTP. Default: the global one. */
  fetch?: typeof fetch
}

export const ALL_TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'poll']

/**
 * @param timeoutMs for one transport to receive its first message
 * @throws TypeError when `url` is no URL; RoomfulError NO_WEBSOCKET when there is none and no other transport is allowed
 */
export function defaultTransports(
  url: string | URL,
  { transports = ALL_TRANSPORTS, WebSocket, fetch }: DefaultTransportsOptions,
  environment: Environment,
  timeoutMs: number,
): OpenTransport {
  const endpoint = webSocketUrl(url)
  const memoryKey = `roomful ${endpoint}`
  const openWebSocket = (more?: readonly string[]): OpenTransport =>
    webSocketTransport(endpoint, findWebSocket(WebSocket), more)
  if (transports.join() === 'websocket') return openWebSocket()
  let fallbacks: OpenTransport | undefined
  /** The last link was a WebSocket. */
  let worked = false
  return (handlers) => {
    const link = new Switch()
    /** @param skipWebSocket it failed just now */
    const fallBack = (skipWebSocket: boolean): Promise<void> =>
      link.load(handlers, async () => {
        if (!fallbacks) {
          const { openFallback } = await import('./fallbacks/index.ts')
          fallbacks ??= openFallback({
            ...{ ...environment, fetch, transports, endpoint, memoryKey },
            ...{ openWebSocket, timeoutMs, skipWebSocket },
          })
        }
        return fallbacks
      })
    try {
      if (fallbacks || transports[0] !== 'websocket' || environment.storage?.getItem(memoryKey)) fallBack(false)
      else {
        link.current = openAtFirstFrame(openWebSocket(), handlers, {
          clock: environment.clock,
          timeoutMs: Math.min(timeoutMs, FIRST_FRAME_MS),
          onFirstFrame: () => {
            worked = true
          },
          onNoFrame: (code, reason) => {
            // After a WebSocket that worked, the server is more likely down than WebSockets are blocked.
            if (worked) handlers.onClose(code, reason)
            else fallBack(true) // never rejects
            worked = false
          },
        })
      }
    } catch {
      fallBack(true) // there is no constructor, or one that throws
    }
    return link
  }
}
