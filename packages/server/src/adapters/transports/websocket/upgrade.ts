/** `ws` without a port of its own: it shakes hands, parses, and says goodbye. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { FlushingWebSocket, WebSocketWire } from './wire.ts'

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
    WebSocket: FlushingWebSocket,
    ...options,
  }
  return new WebSocketServer(whole)
}

/**
 * Shakes hands. What the link is told at once goes out together with the answer to the upgrade: when thousands come back in
 * one moment, half the system calls. RFC 6455 section 4.2.2 lets frames follow it directly.
 * @param opened not called when the request is no handshake: `ws` has answered that
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
  // After the turn that the link has just begun; a write by then has done it already.
  setImmediate(() => {
    if (socket.writableCorked > 0) socket.uncork()
  })
}
