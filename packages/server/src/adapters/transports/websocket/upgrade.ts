/** The handshake of WebSockets. RFC 6455 section 4.2. */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { refuse } from '../upgrade-request.ts'
import { WebSocketWire } from './wire.ts'

export interface HandshakeOptions {
  /** Most bytes of one message; a larger one closes the connection with 1009. */
  readonly maxPayload: number
  /** @returns the subprotocol that is spoken, of those that the client offers */
  readonly chooseSubprotocol?: (offered: ReadonlySet<string>) => string | undefined
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[+/0-9A-Za-z]{22}==$/
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const VERSIONS = { 'Sec-WebSocket-Version': '13, 8' }

/**
 * Completes the handshake. The answer to the upgrade and the first frames are written together. RFC 6455 section 4.2.2
 * allows that, and it halves the system calls when thousands of clients reconnect at once.
 * @param opened not called when the request is no valid handshake, which is refused
 */
export function shakeHands(
  { maxPayload, chooseSubprotocol }: HandshakeOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  opened: (wire: WebSocketWire, subprotocol: string | undefined) => void,
): void {
  const { headers, method } = request
  const key = headers['sec-websocket-key']
  const version = headers['sec-websocket-version']
  if (method !== 'GET') return refuse(socket, 405, 'Invalid HTTP method')
  if (key === undefined || !KEY.test(key)) return refuse(socket, 400, 'Missing or invalid Sec-WebSocket-Key header')
  if (version !== '13' && version !== '8')
    return refuse(socket, 400, 'Missing or invalid Sec-WebSocket-Version header', VERSIONS)
  const offered = readSubprotocols(headers['sec-websocket-protocol'])
  if (offered === undefined) return refuse(socket, 400, 'Invalid Sec-WebSocket-Protocol header')
  if (!socket.readable || !socket.writable) return void socket.destroy()
  const chosen = chooseSubprotocol?.(offered)
  socket.cork()
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${hash('sha1', key + GUID, 'base64')}\r\n${
      chosen === undefined ? '' : `Sec-WebSocket-Protocol: ${chosen}\r\n`
    }\r\n`,
    'latin1',
  )
  const wire = new WebSocketWire(socket as Socket, maxPayload)
  if (head.length > 0) socket.unshift(head)
  opened(wire, chosen)
  // Runs after the turn in which the link opened. If something was written by then, the socket is uncorked already.
  setImmediate(uncork, socket)
}

function uncork(socket: Duplex): void {
  if (socket.writableCorked > 0) socket.uncork()
}

const NONE: ReadonlySet<string> = new Set()

/** @returns nothing for what is no list of different tokens */
function readSubprotocols(header: string | undefined): ReadonlySet<string> | undefined {
  if (header === undefined) return NONE
  const offered = header.split(',').map((each) => each.trim())
  const names = new Set(offered)
  return names.size === offered.length && offered.every((each) => TOKEN.test(each)) ? names : undefined
}
