/**
 * The ways to a server that the SDK brings along. A WebSocket is tried first, and is all that is in the core; when none gets
 * through, or none did a while ago, the fallbacks are loaded, and choose from then on. C17.
 */
import type { Environment } from '../environment.ts'
import { openHeard, PATIENCE_MS } from './heard.ts'
import { CUT_OFF, type OpenTransport, type Transport, type TransportName } from './transport.ts'
import { findWebSocket, type WebSocketConstructor, webSocketTransport, webSocketUrl } from './websocket.ts'

export interface OwnWaysOptions {
  /** Which, the best first. Default: `websocket`, `sse`, `poll`. */
  transports?: readonly TransportName[]
  /** For Node before 22, or a test. Default: the global one. */
  WebSocket?: WebSocketConstructor
  /** Default: the global one. */
  fetch?: typeof fetch
}

export const ALL_TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'poll']

/**
 * @param timeoutMs for one way to bring its first message
 * @throws TypeError when `url` is none; RoomfulError NO_WEBSOCKET when there is no other way
 */
export function ownWays(
  url: string | URL,
  { transports = ALL_TRANSPORTS, WebSocket, ...options }: OwnWaysOptions,
  environment: Environment,
  timeoutMs: number,
): OpenTransport {
  const endpoint = webSocketUrl(url)
  const memoryKey = `roomful ${endpoint}`
  const openWebSocket = (more?: readonly string[]): OpenTransport =>
    webSocketTransport(endpoint, findWebSocket(WebSocket), more)
  if (transports.join() === 'websocket') return openWebSocket()
  let fallbacks: OpenTransport | undefined
  /** @param missed a WebSocket was tried, and need not be again at once */
  const load = async (missed: boolean): Promise<OpenTransport> => {
    const { anyWay } = await import('./fallbacks/index.ts')
    fallbacks ??= anyWay({
      ...environment,
      ...options,
      transports,
      endpoint,
      memoryKey,
      openWebSocket,
      timeoutMs,
      missed,
    })
    return fallbacks
  }
  /** A WebSocket carried the last link. */
  let worked = false
  return (handlers) => {
    let current: Transport | undefined
    let isOver = false
    const fallBack = async (missed: boolean): Promise<void> => {
      try {
        const open = fallbacks ?? (await load(missed))
        if (!isOver) current = open(handlers)
      } catch (cause) {
        if (!isOver) handlers.onClose(CUT_OFF, String(cause)) // could not be loaded: the next try may
      }
    }
    try {
      if (fallbacks || transports[0] !== 'websocket' || environment.storage?.getItem(memoryKey)) fallBack(false)
      else {
        current = openHeard(openWebSocket(), handlers, {
          clock: environment.clock,
          timeoutMs: Math.min(timeoutMs, PATIENCE_MS),
          onHeard: () => {
            worked = true
          },
          onMissed: (code, reason) => {
            // What has carried us and now fails once is more likely down than blocked.
            if (worked) handlers.onClose(code, reason)
            else fallBack(true) // never rejects
            worked = false
          },
        })
      }
    } catch {
      fallBack(true) // there is no constructor, or one that throws
    }
    return {
      send: (text) => current?.send(text),
      close(manner) {
        isOver = true
        current?.close(manner)
      },
    }
  }
}
