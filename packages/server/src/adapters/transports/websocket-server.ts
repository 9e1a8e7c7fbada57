/** `ws` without a port of its own: it shakes hands, parses, and says goodbye. */
import { type ServerOptions, WebSocketServer } from 'ws'
import { PoliteWebSocket } from './websocket-wire.ts'

/** A peer that does not answer the close frame is cut after this long. A3.5. */
const CLOSE_TIMEOUT_MS = 5_000

/** @param options.maxPayload bytes of one message; a larger one closes with 1009 */
export function createWebSocketServer(options: Pick<ServerOptions, 'maxPayload' | 'handleProtocols'>): WebSocketServer {
  const whole: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
    WebSocket: PoliteWebSocket,
    ...options,
  }
  return new WebSocketServer(whole)
}
