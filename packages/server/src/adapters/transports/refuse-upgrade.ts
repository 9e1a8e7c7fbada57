/** What can go wrong with an upgrade before there is a WebSocket. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  return /[^/]\/$/.test(path) ? path.slice(0, -1) : path
}

/** An HTTP answer instead of the upgrade. RFC 6455 section 4.2.2. */
export function refuse(socket: Duplex, status: number, message: string): void {
  if (!socket.writable) return void socket.destroy()
  const body = Buffer.from(message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
  ]
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${message}`)
}
