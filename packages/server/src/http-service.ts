/** Routes each request and upgrade of an HTTP server to its transport. PROTOCOL.md, sections 1 and 12. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { replyError } from './adapters/http/exchange.ts'
import type { ClusterNode } from './adapters/transports/forwarding/cluster-node.ts'
import { findBadRequest, urlBelow } from './adapters/transports/http-request.ts'
import type { SocketIoTransport } from './adapters/transports/socketio/transport.ts'
import { refuse } from './adapters/transports/upgrade-request.ts'
import type { WebSocketTransport } from './adapters/transports/websocket/server.ts'
import type { HttpService } from './attachment.ts'
import { RoomfulError } from './core/base/errors.ts'
import type { HttpHandler } from './parts.ts'

/** The transports. */
export interface HttpServiceParts {
  readonly webSocket: WebSocketTransport
  readonly socketIo: SocketIoTransport
  readonly http: HttpHandler
  readonly node: ClusterNode
  /** The storage is waited for: only the state of the server is answered. */
  readonly isWaiting: () => boolean
  /** This node is about to end, and the others take what comes. */
  readonly isDraining: () => boolean
  /** The path below which everything is served, such as `/realtime`, or empty. */
  readonly basePath: string
}

const WAITING = 'The server is starting; try again later'
const WAITING_PATHS = /^\/(?:health|metrics)(?:\?|$)/

const NODES_ONLY = 'Only other nodes may ask here'

/** Puts the transports together. */
export function createHttpService({
  webSocket,
  socketIo,
  http,
  node,
  isWaiting,
  isDraining,
  basePath,
}: HttpServiceParts): HttpService {
  /** Removes the base path from the URL for the routes. It stays removed in requests that they answer. */
  const take = (request: IncomingMessage, handle: () => boolean): boolean => {
    const given = request.url
    const below = urlBelow(basePath, given ?? '/')
    if (below === undefined) return false
    request.url = below
    if (handle()) return true
    if (given !== undefined) request.url = given
    return false
  }
  const ask = (request: IncomingMessage, owns: (request: IncomingMessage) => boolean): boolean => {
    let isOwn = false
    take(request, () => {
      isOwn = owns(request)
      return false
    })
    return isOwn
  }
  const ownsRequest = (request: IncomingMessage): boolean => socketIo.owns(request) || http.owns(request)
  const ownsUpgrade = (request: IncomingMessage): boolean => webSocket.owns(request) || socketIo.ownsUpgrade(request)
  const isStream = (request: IncomingMessage): boolean =>
    http.owns(request) && /^\/sse(?:\/|\?|$)/.test(request.url ?? '')
  const cut = (request: IncomingMessage): true => {
    request.socket.destroy()
    return true
  }
  /** It belongs to no session and is soon answered. */
  const isForAnyNode = (request: IncomingMessage): boolean =>
    socketIo.owns(request)
      ? socketIo.sidOf(request) === undefined
      : http.owns(request) && /^\/(?:api\/|(?:send|poll)(?:\/|\?|$))/.test(request.url ?? '')
  const handle = (request: IncomingMessage, response: ServerResponse): boolean =>
    socketIo.handle(request, response) || http.handle(request, response)
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (webSocket.owns(request)) webSocket.onUpgrade(request, socket, head)
    else socketIo.onUpgrade(request, socket, head)
  }
  return {
    ownsRequest: (request) => ask(request, ownsRequest),
    ownsUpgrade: (request) => ask(request, ownsUpgrade),
    handleRequest: (request, response) => {
      if (isWaiting() && !WAITING_PATHS.test(urlBelow(basePath, request.url ?? '/') ?? '')) {
        // Another node serves its own client then, as it does when this one is gone.
        if (node.isFromNode(request)) return cut(request)
        response.setHeader('Connection', 'close')
        replyError(response, new RoomfulError('UNAVAILABLE', WAITING, { retryAfterMs: 1_000 }))
        return true
      }
      // The client sends its next request on a new connection, which is another node's.
      if (isDraining()) response.shouldKeepAlive = false
      return take(request, () => {
        const bad = findBadRequest(request)
        const foreign = node.refusal(request)
        if (bad || foreign !== undefined) {
          if (!ownsRequest(request)) return false
          response.setHeader('Connection', 'close')
          if (bad) replyError(response, new RoomfulError('INVALID_MESSAGE', bad.message), bad.status)
          else replyError(response, new RoomfulError('FORBIDDEN', foreign))
          return true
        }
        const owner = request.method === 'OPTIONS' ? undefined : node.ownerOf(request, socketIo.sidOf(request))
        if (owner !== undefined) {
          node.pass(request, response, owner).then((isThere) => isThere || handle(request, response))
          return true
        }
        if (!isDraining()) return handle(request, response)
        // An EventSource that is answered with an error never comes back; one that is cut does.
        if (isStream(request)) return cut(request)
        if (!isForAnyNode(request)) return handle(request, response)
        node.passToOther(request, response).then((isThere) => isThere || handle(request, response))
        return true
      })
    },
    handleUpgrade: (request, socket, head) =>
      take(request, () => {
        if (!ownsUpgrade(request)) return false
        if (isWaiting()) {
          refuse(socket, 503, WAITING)
          return true
        }
        const bad = findBadRequest(request)
        const foreign = node.refusal(request)
        if (bad) refuse(socket, bad.status, bad.message)
        else if (foreign !== undefined) refuse(socket, 403, foreign)
        else {
          const id = webSocket.owns(request) ? webSocket.linkIdOf(request) : socketIo.sidOf(request)
          const owner = node.ownerOf(request, id)
          if (owner === undefined) upgrade(request, socket, head)
          else {
            node.passUpgrade(request, socket, head, owner).then((isThere) => isThere || upgrade(request, socket, head))
          }
        }
        return true
      }),
    notFound(request, response) {
      http.notFound(request, response, urlBelow(basePath, request.url ?? '/'))
    },
  }
}

/** What other nodes pass on, and nothing of anyone else: for an address that is not meant for clients. */
export function forNodesOnly(service: HttpService, node: ClusterNode): HttpService {
  return {
    ...service,
    handleRequest(request, response) {
      if (node.isFromNode(request)) return service.handleRequest(request, response)
      response.setHeader('Connection', 'close')
      replyError(response, new RoomfulError('FORBIDDEN', NODES_ONLY))
      return true
    },
    handleUpgrade(request, socket, head) {
      if (node.isFromNode(request)) return service.handleUpgrade(request, socket, head)
      refuse(socket, 403, NODES_ONLY)
      return true
    },
  }
}
