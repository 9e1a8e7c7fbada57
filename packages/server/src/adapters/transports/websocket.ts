/**
 * WebSocket links: the upgrade and its refusals, `ws` for the handshake and for parsing what comes in, and the port through
 * which the core writes. Frames go to the socket that the upgrade gave, so nothing calls `ws.send`; `ws` writes only the
 * close frame, behind everything else. DESIGN 5.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { BEARER_SUBPROTOCOL_PREFIX, type Credentials, PLAIN_SUBPROTOCOL, SDK_SUBPROTOCOLS } from '@roomful/protocol'
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { RoomfulError, toRoomfulError } from '../../core/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Arrival } from '../../core/lifecycle.ts'
import type { Link } from '../../core/link.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { Identity } from '../../core/ports/authenticator.ts'
import type { Dialect } from '../../core/ports/dialect.ts'
import type { Wire } from '../../core/ports/wire.ts'
import { echoDialect } from './echo.ts'
import { binaryFrame, PONG } from './frame.ts'
import { plainDialect } from './plain.ts'
import { v1Dialect } from './v1.ts'

export interface WebSocketOptions {
  /** Refuses an upgrade from a page of another site. */
  readonly isOriginAllowed: (request: IncomingMessage) => boolean
  /** The client's address, behind trusted proxies. */
  readonly clientAddress: (request: IncomingMessage) => string
  /** `http`: bad credentials are refused before the upgrade, with 401. */
  readonly authReject: 'close' | 'http'
  /** Paths that send everything back, and what goes before a text. */
  readonly echoPaths: ReadonlyMap<string, string>
}

/** How long a peer may take to answer a close frame before it is cut. A3.5. */
const CLOSE_TIMEOUT_MS = 5_000
/** A frame may be larger than a message's arguments: envelope, base64, escapes. DESIGN 3. */
const FRAME_OVERHEAD_BYTES = 4_096
const URL_MAX_LENGTH = 8_192

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export class WebSocketTransport {
  private readonly hub: Hub
  private readonly options: WebSocketOptions
  private readonly server: WebSocketServer
  private readonly echoes: ReadonlyMap<string, Dialect>

  constructor(hub: Hub, options: WebSocketOptions) {
    this.hub = hub
    this.options = options
    this.echoes = new Map(Array.from(options.echoPaths, ([path, prefix]) => [path, echoDialect(prefix)]))
    const serverOptions: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      maxPayload: hub.settings.maxMessageBytes * 2 + FRAME_OVERHEAD_BYTES,
      handleProtocols: chooseSubprotocol,
    }
    this.server = new WebSocketServer(serverOptions)
  }

  /** @returns true when the path is one of ours, whatever becomes of the upgrade. */
  owns(request: IncomingMessage): boolean {
    const path = pathOf(request)
    return path === '/' || path === '/ws' || path.startsWith('/ws/')
  }

  readonly onUpgrade: UpgradeListener = (request, socket, head) => {
    socket.on('error', ignoreSocketError) // a peer that resets during the handshake harms nobody
    this.upgrade(request, socket, head).catch((error: unknown) => {
      const { status, message } = toRoomfulError(error)
      refuse(socket, status, message)
    })
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if ((request.url ?? '').length > URL_MAX_LENGTH) return refuse(socket, 414, 'The URL is too long')
    if (!this.options.isOriginAllowed(request)) return refuse(socket, 403, 'Origin not allowed')
    const echo = this.echoes.get(pathOf(request))
    if (echo) return this.open(request, socket, head, () => echo, { namespace: undefined, credentials: {} })
    const namespace = this.hub.namespace(namespaceOf(request))
    if (!namespace) return refuse(socket, 404, 'There is no such namespace')
    const credentials = credentialsOf(request)
    let identity: Identity | undefined
    if (this.options.authReject === 'http') {
      const checked = await this.checkBeforeUpgrade(namespace, credentials)
      if (typeof checked === 'string') return refuse(socket, 401, checked)
      identity = checked
    }
    if (socket.destroyed) return
    this.open(request, socket, head, dialectOf, { namespace, credentials, identity })
  }

  private open(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    dialectOf: (ws: WebSocket) => Dialect,
    who: Pick<Arrival, 'namespace' | 'credentials' | 'identity'>,
  ): void {
    const ip = this.options.clientAddress(request)
    const userAgent = String(request.headers['user-agent'] ?? '').slice(0, 256)
    this.server.handleUpgrade(request, socket, head, (ws) => {
      const wire = new WebSocketWire(ws, socket as Socket)
      wire.link = this.hub.lifecycle.accept({ wire, dialect: dialectOf(ws), ip, userAgent, ...who })
    })
  }

  /** @returns who it is, or the sentence of the refusal. C5. */
  private async checkBeforeUpgrade(
    namespace: Namespace,
    credentials: Credentials,
  ): Promise<Identity | string | undefined> {
    const { token, ticket } = credentials
    if (token === undefined && ticket === undefined) {
      return namespace.options.guests || !this.hub.settings.authRequired ? undefined : 'Missing token'
    }
    try {
      return await this.hub.authenticator.authenticate(credentials)
    } catch (error) {
      if (error instanceof RoomfulError && error.status === 401) return 'Invalid token'
      throw error
    }
  }
}

/** The core's port over one socket. Listeners are shared functions; what they need hangs on the socket objects. */
class WebSocketWire implements Wire {
  link: Link | undefined
  private readonly ws: WebSocket
  private readonly socket: Socket

  constructor(ws: WebSocket, socket: Socket) {
    this.ws = ws
    this.socket = socket
    socket.removeListener('error', ignoreSocketError) // ws listens from here on
    carry(ws, this)
    carry(socket, this)
    ws.on('message', onMessage)
    ws.on('ping', onPing)
    ws.on('pong', onPong)
    ws.on('close', onClose)
    ws.on('error', onError)
    socket.on('drain', onDrain)
  }

  get queuedBytes(): number {
    return this.socket.writableLength
  }

  write(buffers: readonly Uint8Array[]): void {
    const { socket } = this
    if (this.ws.readyState !== WebSocket.OPEN || !socket.writable) return
    if (buffers.length === 1) return void socket.write(buffers[0] as Uint8Array)
    socket.cork()
    for (const buffer of buffers) socket.write(buffer)
    socket.uncork()
  }

  pauseReading(): void {
    if (this.ws.readyState === WebSocket.OPEN) this.ws.pause()
  }

  resumeReading(): void {
    if (this.ws.readyState === WebSocket.OPEN && this.ws.isPaused) this.ws.resume()
  }

  ping(): void {
    if (this.ws.readyState === WebSocket.OPEN) this.socket.write(PING_FRAME)
  }

  close(code: number, reason: string): void {
    this.ws.close(code, fitReason(reason))
  }

  terminate(): void {
    this.ws.terminate()
  }
}

const PING_FRAME = new Uint8Array([0x89, 0])
const REASON_MAX_BYTES = 123

/** Shared listeners find their wire on the object that they are called on: no closures per connection. */
const WIRE = Symbol('roomful wire')

function carry(carrier: object, wire: WebSocketWire): void {
  ;(carrier as { [WIRE]?: WebSocketWire })[WIRE] = wire
}

function linkOf(carrier: object): Link | undefined {
  return (carrier as { [WIRE]?: WebSocketWire })[WIRE]?.link
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  const bytes = data as Buffer
  linkOf(this)?.receive(isBinary ? bytes : bytes.toString('utf8'))
}

/** Pongs wait in the outbox like everything else, so that a flood of pings is bounded by reading being paused. */
function onPing(this: WebSocket, data: Buffer): void {
  const link = linkOf(this)
  link?.alive()
  link?.send(binaryFrame(data, PONG))
}

function onPong(this: WebSocket): void {
  linkOf(this)?.alive()
}

function onDrain(this: Socket): void {
  linkOf(this)?.drained()
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  linkOf(this)?.closed(code, reason.toString('utf8'))
}

/** `ws` closes by itself with the right code (1002, 1007, 1009); 'close' follows. A3.3. */
function onError(): void {}

function ignoreSocketError(): void {}

function dialectOf(ws: WebSocket): Dialect {
  return ws.protocol === SDK_SUBPROTOCOLS[0] ? v1Dialect : plainDialect
}

/** The newest version of the SDK's envelope that both know, else plain when it was offered; a token is never echoed. */
function chooseSubprotocol(offered: Set<string>): string | false {
  for (const version of SDK_SUBPROTOCOLS) if (offered.has(version)) return version
  return offered.has(PLAIN_SUBPROTOCOL) ? PLAIN_SUBPROTOCOL : false
}

function credentialsOf(request: IncomingMessage): Credentials {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams
  const credentials: Credentials = {}
  const bearer = bearerOf(request)
  const token = query.get('token') ?? bearer
  if (token !== undefined && token !== null) credentials.token = token
  const ticket = query.get('ticket')
  if (ticket !== null) credentials.ticket = ticket
  const name = query.get('name')
  if (name !== null) credentials.name = name
  return credentials
}

function bearerOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined && /^bearer\b/i.test(authorization)) return authorization.slice(6).trim()
  const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(',')
  const carried = offered.map((each) => each.trim()).find((each) => each.startsWith(BEARER_SUBPROTOCOL_PREFIX))
  return carried?.slice(BEARER_SUBPROTOCOL_PREFIX.length)
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function namespaceOf(request: IncomingMessage): string {
  const path = pathOf(request)
  if (path === '/' || path === '/ws') return '/'
  try {
    return decodeURIComponent(path.slice(3))
  } catch {
    return ''
  }
}

/** An HTTP answer instead of the upgrade. RFC 6455 section 4.2.2. */
function refuse(socket: Duplex, status: number, message: string): void {
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

/** A close reason has at most 123 bytes. RFC 6455 section 5.5. */
function fitReason(reason: string): string {
  if (Buffer.byteLength(reason) <= REASON_MAX_BYTES) return reason
  let cut = reason.slice(0, REASON_MAX_BYTES)
  while (Buffer.byteLength(cut) > REASON_MAX_BYTES - 1) cut = cut.slice(0, -1)
  return cut
}
