/** Uses `ws` for the handshake, for parsing frames, and for the closing handshake. It opens no port of its own. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { FlushingWebSocket, WebSocketWire } from './wire.ts'

/** A peer that does not answer the close frame is disconnected after this time. A3.5. */
const CLOSE_TIMEOUT_MS = 5_000

/** @param options.maxPayload most bytes of one message; a larger one closes the connection with 1009 */
export function createWebSocketServer(options: Pick<ServerOptions, 'maxPayload' | 'handleProtocols'>): WebSocketServer {
  const whole: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
    WebSocket: FlushingWebSocket,
    ...options,
  }
  return new WebSocketServer(whole)
}

/**
 * Completes the handshake. The answer to the upgrade and the first frames are written together. RFC 6455 section 4.2.2
 * allows that, and it halves the system calls when thousands of clients reconnect at once.
 * @param opened not called when the request is no valid handshake: `ws` has refused it
 */
export function shakeHands(
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  opened: (wire: WebSocketWire, ws: WebSocket) => void,
): void {
  socket.cork()
  server.handleUpgrade(request, socket, head, (ws) => opened(new WebSocketWire(ws, socket as Socket), ws))
  // Runs after the turn in which the link opened. If something was written by then, the socket is uncorked already.
  setImmediate(() => {
    if (socket.writableCorked > 0) socket.uncork()
  })
}
