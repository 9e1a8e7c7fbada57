/**
 * Upgrade requests: which protocol a client offers to switch to, and the HTTP answer when the server refuses. A server may
 * ignore the offer and answer over HTTP/1.1 (RFC 9110 section 7.8). It must ignore `Upgrade: h2c`, which curl and Java's
 * HTTP client send with every request.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** The handshake of RFC 6455. An offer in an HTTP/1.0 request does not count. */
export function offersWebSocket({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' && headers.upgrade?.toLowerCase() === 'websocket'
}

/** HTTP/2 without TLS, which Node's server does not support. */
export function offersHttp2({ headers }: IncomingMessage): boolean {
  return /\bh2c\b/i.test(headers.upgrade ?? '')
}

/** The head of a request without its upgrade offer, for the HTTP parser to read again. */
export function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    const value = rawHeaders[at + 1] as string
    switch (name.toLowerCase()) {
      case 'upgrade':
      case 'http2-settings':
        break
      case 'connection': {
        const kept = value.split(',').filter((option) => !/^\s*(upgrade|http2-settings)\s*$/i.test(option))
        if (kept.length > 0) lines.push(`${name}: ${kept.join(',')}`)
        break
      }
      default:
        lines.push(`${name}: ${value}`)
    }
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Answers an upgrade with an HTTP status and closes. RFC 6455 section 4.2.2. */
export function refuse(
  socket: Duplex,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (!socket.writable) return void socket.destroy()
  const body = Buffer.from(message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${message}`)
}
