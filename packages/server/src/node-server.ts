/** The HTTP server under Roomful: the limits of one of its own, and what somebody else's has to be. */
import { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Against requests that never end, slow handshakes and endless headers. */
export const SERVER_LIMITS = { maxHeaderSize: 16_384, requestTimeout: 30_000, headersTimeout: 10_000 }

/** Express, Connect, Koa and Hono applications look like servers to a hurried reader. */
export function checkIsServer(server: unknown): asserts server is Server {
  if (server instanceof Server || (isEmitter(server) && 'listening' in server)) return
  const what = typeof server === 'function' ? 'an application (a function)' : `${typeof server}`
  throw new TypeError(
    `attach() needs the HTTP server, but was given ${what}. ` +
      'Create the server first and give it to both: const server = createServer(app); roomful.attach(server); server.listen(8080) — ' +
      'and call server.listen, not app.listen, which would make another server.',
  )
}

function isEmitter(value: unknown): value is { on: unknown; listening?: unknown } {
  return typeof value === 'object' && value !== null && 'on' in value
}

/** Answers what is no request, where that can still be heard. */
export function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET' || (socket as Socket).bytesWritten > 0)
    return void socket.destroy()
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
}
