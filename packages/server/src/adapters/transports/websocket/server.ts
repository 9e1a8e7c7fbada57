/** Accepts and refuses WebSocket upgrades, and opens a link for each accepted one. Frames are written by wire.ts. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  CLOSE_CODES,
  type Credentials,
  LINK_SUBPROTOCOL_PREFIX,
  PLAIN_SUBPROTOCOL,
  SDK_SUBPROTOCOLS,
} from '@roomful/protocol'
import { RoomfulError, toRoomfulError } from '../../../core/base/errors.ts'
import type { Hub } from '../../../core/hub.ts'
import type { LinkOwner } from '../../../core/link/link.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { Dialect } from '../../../core/ports/dialect.ts'
import { acceptProtocolLink, type Protocol, type ProtocolArrival } from '../../../core/raw-protocol.ts'
import type { Verified } from '../../../core/sessions/identities.ts'
import type { Arrival } from '../../../core/sessions/links.ts'
import type { CrossOrigin } from '../cross-origin.ts'
import { plainDialect, v1Dialect } from '../dialects.ts'
import { pathOf } from '../http-request.ts'
import { echo, echoDialect, type Mounted, Protocols, sharedFrame } from '../protocols.ts'
import { clientRequest, credentialsOf, offeredSubprotocols, subprotocolValue } from '../request-info.ts'
import { offersWebSocket, refuse } from '../upgrade-request.ts'
import type { DeflateNegotiator } from './deflate.ts'
import { FrameForms, type HandshakeOptions, shakeHands } from './upgrade.ts'
import { ignoreSocketError, type WebSocketWire } from './wire.ts'

export interface WebSocketOptions {
  /** Refuses an upgrade from a page of another site. */
  readonly crossOrigin: Pick<CrossOrigin, 'refusal'>
  /** The address of the client behind trusted proxies. */
  readonly clientAddress: (request: IncomingMessage) => string
  /** `http`: bad credentials are refused with 401 instead of an upgrade. `close`: with a close code after it. */
  readonly authReject: 'close' | 'http'
  /** Compresses the messages of clients that offer it; undefined for none. */
  readonly deflate: DeflateNegotiator | undefined
  /** Paths that send every message back, each with the prefix of a text. */
  readonly echoPaths: ReadonlyMap<string, string>
}

/** How much larger than a message's arguments a frame may be: envelope, base64, escapes. L1. */
export const FRAME_OVERHEAD_BYTES = 4_096
export const URL_MAX_LENGTH = 8_192

/** The path of the default namespace, and of every v1 client. */
const WEBSOCKET_PATH = '/ws'

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** A link over HTTP that a WebSocket may take over. */
export interface Upgradable {
  /** @returns false when another WebSocket is being probed */
  upgrade(wire: WebSocketWire): boolean
}

export class WebSocketTransport {
  private readonly hub: Hub
  private readonly options: WebSocketOptions
  /** Protocols that the application added. */
  readonly protocols = new Protocols()
  private readonly findLink: (id: string) => Upgradable | undefined
  private readonly handshake: HandshakeOptions
  private readonly protocolHandshakes = new Map<Protocol, HandshakeOptions>()
  private readonly echoes: ReadonlyMap<string, LinkOwner>

  /** @param findLink finds a v1 link over HTTP by its secret, for a WebSocket that shall take it over */
  constructor(hub: Hub, options: WebSocketOptions, findLink: (id: string) => Upgradable | undefined) {
    this.hub = hub
    this.options = options
    this.findLink = findLink
    this.echoes = new Map(Array.from(options.echoPaths, ([path, prefix]) => [path, echo(prefix)]))
    this.handshake = this.handshakeOf(hub.runtime.settings.maxMessageBytes * 2 + FRAME_OVERHEAD_BYTES)
  }

  /**
   * Other WebSocket servers also have clients on `/`, such as Vite's reload. So `/` is Roomful's only if the namespace `/`
   * exists and the client offers a subprotocol of Roomful, or none.
   * @returns true for an upgrade that Roomful answers, even with a refusal
   */
  owns(request: IncomingMessage): boolean {
    if (!offersWebSocket(request)) return false
    const path = pathOf(request)
    if (path === '/') return this.hub.namespace('/') !== undefined && offersOurSubprotocol(request)
    return path === WEBSOCKET_PATH || path.startsWith(`${WEBSOCKET_PATH}/`) || this.protocols.find(path) !== undefined
  }

  readonly onUpgrade: UpgradeListener = (request, socket, head) => {
    socket.on('error', ignoreSocketError) // a reset during the handshake needs no handling
    this.upgrade(request, socket, head).catch((error: unknown) => {
      const { status, message } = toRoomfulError(error)
      refuse(socket, status, message)
    })
  }

  /** The v1 link over HTTP that an upgrade is to take over. */
  linkIdOf(request: IncomingMessage): string | undefined {
    return subprotocolValue(request, LINK_SUBPROTOCOL_PREFIX)
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if ((request.url ?? '').length > URL_MAX_LENGTH) return refuse(socket, 414, 'The URL is too long')
    const foreign = this.options.crossOrigin.refusal(request, 'link')
    if (foreign !== undefined) return refuse(socket, 403, foreign)
    const path = pathOf(request)
    const echoing = this.echoes.get(path)
    if (echoing) return this.echo(request, socket, head, echoing)
    const linkId = this.linkIdOf(request)
    if (linkId !== undefined) return this.takeOver(request, socket, head, linkId)
    const spoken = this.protocols.find(path)
    if (spoken && spoken.roomId === undefined) return refuse(socket, 404, 'There can be nothing of this name')
    // A v1 client names its namespaces in frames, so its path exists when any namespace does.
    const opensByFrame = path === WEBSOCKET_PATH && isV1(request)
    const named = opensByFrame ? this.hub.defaultNamespace : this.hub.namespace(namespaceOf(path))
    const namespace = spoken?.mounted.namespace ?? named
    if (!namespace) return refuse(socket, 404, 'There is no such namespace')
    const credentials = credentialsOf(request)
    const from = this.clientOf(request)
    let identity: Verified | undefined
    if (this.options.authReject === 'http' && !(opensByFrame && hasNone(credentials))) {
      const checked = await this.checkBeforeUpgrade(namespace, credentials, from)
      if (typeof checked === 'string') return refuse(socket, 401, checked)
      identity = checked
    }
    if (socket.destroyed) return
    const who = { namespace, credentials, identity, ...from }
    if (spoken?.roomId !== undefined)
      return this.openProtocol(request, socket, head, spoken.mounted, spoken.roomId, who)
    shakeHands(this.handshake, request, socket, head, (wire, subprotocol) => {
      wire.link = this.hub.links.accept({ wire, dialect: dialectOf(subprotocol), ...who })
    })
  }

  private echo(request: IncomingMessage, socket: Duplex, head: Buffer, owner: LinkOwner): void {
    shakeHands(this.handshake, request, socket, head, (wire) => {
      const anonymous = { namespace: undefined, credentials: {}, ...this.clientOf(request) }
      const link = this.hub.links.accept({ wire, dialect: echoDialect, ...anonymous })
      link.owner = owner
      wire.link = link
    })
  }

  private openProtocol(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { protocol, dialect }: Mounted,
    roomId: string,
    who: Omit<ProtocolArrival, 'wire' | 'dialect' | 'protocol' | 'roomId' | 'frame'>,
  ): void {
    shakeHands(this.handshakeOfProtocol(protocol), request, socket, head, (wire) => {
      acceptProtocolLink(this.hub, { wire, dialect, protocol, roomId, frame: sharedFrame, ...who }, (link) => {
        wire.link = link
      })
    })
  }

  private handshakeOfProtocol(protocol: Protocol): HandshakeOptions {
    const known = this.protocolHandshakes.get(protocol)
    if (known) return known
    const handshake = this.handshakeOf(protocol.maxMessageBytes)
    this.protocolHandshakes.set(protocol, handshake)
    return handshake
  }

  private handshakeOf(maxPayload: number): HandshakeOptions {
    return { forms: new FrameForms(maxPayload, this.options.deflate), chooseSubprotocol }
  }

  /** Continues an open link. Its secret is proof enough: the client was authenticated when it opened the link. */
  private takeOver(request: IncomingMessage, socket: Duplex, head: Buffer, linkId: string): void {
    const link = this.findLink(linkId)
    if (!link) return refuse(socket, 404, 'There is no such link')
    shakeHands(this.handshake, request, socket, head, (wire) => {
      if (!link.upgrade(wire)) wire.close(CLOSE_CODES.NORMAL.code, '')
    })
  }

  private clientOf(request: IncomingMessage): Pick<Arrival, 'ip' | 'userAgent' | 'openingRequest'> {
    const userAgent = String(request.headers['user-agent'] ?? '').slice(0, 256)
    const ip = this.options.clientAddress(request)
    return { ip, userAgent, openingRequest: clientRequest(request, ip) }
  }

  /** @returns the identity, or the sentence of the refusal. C5. */
  private async checkBeforeUpgrade(
    namespace: Namespace,
    credentials: Credentials,
    from: Pick<Arrival, 'ip' | 'userAgent' | 'openingRequest'>,
  ): Promise<Verified | string | undefined> {
    if (hasNone(credentials)) {
      const known = namespace.state.options.anonymous
        ? undefined
        : await this.hub.identities.recognise(credentials, { ...from, id: '' })
      if (known) return known
      return namespace.state.options.guests || !this.hub.runtime.settings.authRequired ? undefined : 'Missing token'
    }
    try {
      return await this.hub.identities.verify(credentials, { ...from, id: '' })
    } catch (error) {
      if (error instanceof RoomfulError && error.status === 401) return 'Invalid token'
      throw error
    }
  }
}

/** Whether the client offers a subprotocol of Roomful, or none. */
function offersOurSubprotocol(request: IncomingMessage): boolean {
  const offered = offeredSubprotocols(request)
  return offered.length === 0 || offered.some((each) => /^(roomful|bearer|link)\./.test(each))
}

/** Whether {@link chooseSubprotocol} will choose the SDK's v1. */
function isV1(request: IncomingMessage): boolean {
  const offered = offeredSubprotocols(request)
  return SDK_SUBPROTOCOLS.some((version) => offered.includes(version))
}

const hasNone = ({ token, ticket }: Credentials): boolean => token === undefined && ticket === undefined

function dialectOf(subprotocol: string | undefined): Dialect {
  return subprotocol === SDK_SUBPROTOCOLS[0] ? v1Dialect : plainDialect
}

/** The newest SDK version that was offered, else plain if it was offered. A token among them is never returned. */
function chooseSubprotocol(offered: ReadonlySet<string>): string | undefined {
  for (const version of SDK_SUBPROTOCOLS) if (offered.has(version)) return version
  return offered.has(PLAIN_SUBPROTOCOL) ? PLAIN_SUBPROTOCOL : undefined
}

function namespaceOf(path: string): string {
  if (path === '/' || path === WEBSOCKET_PATH) return '/'
  try {
    return decodeURIComponent(path.slice(3))
  } catch {
    return ''
  }
}
