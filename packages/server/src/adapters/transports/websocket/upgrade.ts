/** The handshake of WebSockets. RFC 6455 section 4.2. */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { refuse } from '../upgrade-request.ts'
import type { DeflateNegotiator, Deflater } from './deflate.ts'
import type { FrameForm } from './frame-reader.ts'
import { WebSocketWire } from './wire.ts'

/** What the clients of one path may agree on. Connections that agree on the same share one object. */
export class FrameForms {
  private readonly plain: FrameForm
  private readonly negotiator: DeflateNegotiator | undefined
  private readonly deflated = new Map<Deflater, FrameForm>()

  /**
   * @param maxPayload most bytes of one message; a larger one closes the connection with 1009
   * @param negotiator undefined where nothing is compressed
   */
  constructor(maxPayload: number, negotiator: DeflateNegotiator | undefined) {
    this.plain = { maxPayload, deflater: undefined }
    this.negotiator = negotiator
  }

  /** @param extensions the header `Sec-WebSocket-Extensions` of the client */
  choose(extensions: string | undefined): FrameForm {
    const deflater = this.negotiator?.choose(extensions)
    if (!deflater) return this.plain
    const known = this.deflated.get(deflater)
    if (known) return known
    const form = { maxPayload: this.plain.maxPayload, deflater }
    this.deflated.set(deflater, form)
    return form
  }
}

export interface HandshakeOptions {
  readonly forms: FrameForms
  /** @returns the subprotocol that is spoken, of those that the client offers */
  readonly chooseSubprotocol?: (offered: ReadonlySet<string>) => string | undefined
  /** @returns lines of the answer to the upgrade, each with its line break */
  readonly headers?: (request: IncomingMessage) => string
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[+/0-9A-Za-z]{22}==$/
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: '
const VERSIONS = { 'Sec-WebSocket-Version': '13, 8' }

/**
 * Completes the handshake. The answer to the upgrade and the first frames are written together. RFC 6455 section 4.2.2
 * allows that, and it halves the system calls when thousands of clients reconnect at once.
 * @param opened not called when the request is no valid handshake, which is refused
 */
export function shakeHands(
  { forms, chooseSubprotocol, headers: additional }: HandshakeOptions,
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
  const form = forms.choose(headers['sec-websocket-extensions'])
  const accepted = hash('sha1', key + GUID, 'base64')
  const subprotocol = chosen === undefined ? '' : `Sec-WebSocket-Protocol: ${chosen}\r\n`
  const extensions = form.deflater ? `Sec-WebSocket-Extensions: ${form.deflater.answer}\r\n` : ''
  const more = `${subprotocol}${extensions}${additional?.(request) ?? ''}`
  const wire = new WebSocketWire(socket as Socket, form, `${SWITCHING}${accepted}\r\n${more}\r\n`)
  opened(wire, chosen)
  // Read at once where the handshake waited for something, so not before there is a link.
  if (head.length > 0 && !socket.destroyed) socket.unshift(head)
  // The frames of the turn in which the link opens take the answer along. The end of that turn may be planned only later.
  setImmediate(answerNextTurn, wire)
}

function answerNextTurn(wire: WebSocketWire): void {
  setImmediate(answer, wire)
}

function answer(wire: WebSocketWire): void {
  wire.answer()
}

const NONE: ReadonlySet<string> = new Set()

/** @returns nothing for what is no list of different tokens */
function readSubprotocols(header: string | undefined): ReadonlySet<string> | undefined {
  if (header === undefined) return NONE
  const offered = header.split(',').map((each) => each.trim())
  const names = new Set(offered)
  return names.size === offered.length && offered.every((each) => TOKEN.test(each)) ? names : undefined
}
