/**
 * Finds the route of a request, and handles what all routes share: origin, preflight, method, errors. Requests for other
 * paths are left to the application that embeds Roomful.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RoomfulError, toRoomfulError } from '../../core/base/errors.ts'
import { addressGroup, isLoopback } from '../../core/base/limits.ts'
import type { CrossOrigin } from '../transports/cross-origin.ts'
import { accountRoutes } from './accounts.ts'
import { clientPageRoute } from './client-page.ts'
import type { Route } from './declare.ts'
import { type Exchange, replyError } from './exchange.ts'
import type { HttpHost } from './host.ts'
import { inspectionRoutes } from './inspection.ts'
import { notificationRoutes } from './notifications.ts'
import { openApiRoute } from './openapi.ts'
import { roomRoutes } from './rooms.ts'
import { publishRoutes, redactRoute } from './server-events.ts'
import { serverRoomRoutes } from './server-rooms.ts'
import { serverUserRoutes } from './server-users.ts'
import { serverStatusRoute, statusRoutes } from './status.ts'
import { streamRoutes } from './streams.ts'
import { webhookRoutes } from './webhooks.ts'

/** What the router needs to check requests. */
export interface HttpOptions {
  readonly crossOrigin: Pick<CrossOrigin, 'refusal' | 'setHeaders'>
  readonly clientAddress: (request: IncomingMessage) => string
}

/** Every path. */
export const ROUTES: readonly Route[] = [
  ...statusRoutes,
  ...accountRoutes,
  ...roomRoutes,
  ...notificationRoutes,
  ...publishRoutes,
  ...serverRoomRoutes,
  serverStatusRoute,
  ...serverUserRoutes,
  redactRoute,
  ...webhookRoutes,
  ...inspectionRoutes,
  ...streamRoutes,
  openApiRoute(() => ROUTES),
  clientPageRoute,
]
/** The requests of an embedding application are looked up too, so a lookup must not try the regex of every route. */
const ROUTES_BY_SEGMENT = Map.groupBy(ROUTES, ({ segment }) => segment)
/** Upgrades below this path belong to the WebSocket transport. An ordinary request gets a sentence that says so. */
const WEBSOCKET_SEGMENT = 'ws'
const PATH_MAX_LENGTH = 8_192

/** Serves the HTTP API. */
export class HttpTransport {
  private readonly host: HttpHost
  private readonly options: HttpOptions

  constructor(host: HttpHost, options: HttpOptions) {
    this.host = host
    this.options = options
  }

  /** Answers a request. @returns false when the path is not Roomful's; then the response is untouched */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [path, query] = splitUrl(request)
    const routes = this.routesOf(path)
    if (routes.length === 0 && firstSegment(path) !== WEBSOCKET_SEGMENT) return false
    this.answer(request, response, path, query, routes).catch((error: unknown) => {
      const refusal = toRoomfulError(error)
      if (refusal.code === 'INTERNAL') this.report(error, `${request.method} ${path}`)
      // The unread rest of a body must not be parsed as the next request.
      if (!request.complete) response.setHeader('Connection', 'close')
      replyError(response, refusal, refusal.code === 'TIMEOUT' ? 408 : refusal.status)
    })
    return true
  }

  /** @returns true when the path is Roomful's */
  owns(request: IncomingMessage): boolean {
    const [path] = splitUrl(request)
    return firstSegment(path) === WEBSOCKET_SEGMENT || this.routesOf(path).length > 0
  }

  /** Answers a path that neither Roomful nor the application serves. */
  notFound(request: IncomingMessage, response: ServerResponse, url: string | undefined): void {
    const [path] = splitUrl({ url })
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const isPage = path === '/' && isRead && request.headers['sec-websocket-key'] === undefined
    if (isPage) return void response.writeHead(302, { Location: `${this.host.basePath}/client.html` }).end()
    replyError(response, new RoomfulError('NOT_FOUND'))
  }

  private report(error: unknown, what: string): void {
    const fact = { namespace: 'http', event: what, userId: '', connectionId: '', payload: undefined, error }
    this.host.hub.runtime.observer.observe({ type: 'handler:failed', ...fact })
  }

  private routesOf(path: string): readonly Route[] {
    const routes = ROUTES_BY_SEGMENT.get(firstSegment(path)) ?? []
    return routes.filter((route) => route.path.test(path) && (route.isServed?.(this.host) ?? true))
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    routes: readonly Route[],
  ): Promise<void> {
    if (!this.passOrigin(request, response, routes)) return
    if (path.length + query.length > PATH_MAX_LENGTH) {
      return replyError(response, new RoomfulError('TOO_LARGE', 'The URL is too long'), 414)
    }
    if (routes.length === 0) return refuseUpgradeless(response)
    const methods = allowedMethods(routes)
    if (request.method === 'OPTIONS') return void response.writeHead(204, { Allow: methods }).end()
    const wanted = request.method === 'HEAD' ? 'GET' : request.method
    const route = routes.find(({ method }) => method === wanted)
    if (!route) {
      response.setHeader('Allow', methods)
      return replyError(response, new RoomfulError('INVALID_MESSAGE', `This path takes ${methods}`), 405)
    }
    await route.answer(this.exchange(request, response, route.path.exec(path) ?? [], query), this.host)
  }

  /** Refuses other origins with 403, and sets CORS headers for allowed ones. */
  private passOrigin(request: IncomingMessage, response: ServerResponse, routes: readonly Route[]): boolean {
    const { crossOrigin } = this.options
    const sentence = crossOrigin.refusal(request, routes.some(({ opensLink }) => opensLink) ? 'link' : 'read')
    if (sentence === undefined) crossOrigin.setHeaders(request, response)
    else replyError(response.setHeader('Vary', 'Origin'), new RoomfulError('FORBIDDEN', sentence))
    return sentence === undefined
  }

  private exchange(
    request: IncomingMessage,
    response: ServerResponse,
    match: readonly string[],
    query: string,
  ): Exchange {
    const ip = this.options.clientAddress(request)
    return {
      request,
      response,
      ip,
      params: match.slice(1).map(decode),
      query: new URLSearchParams(query),
      countedAddress: isLoopback(ip) ? undefined : addressGroup(ip),
    }
  }
}

function splitUrl({ url = '' }: { url?: string | undefined }): [path: string, query: string] {
  const end = url.indexOf('?')
  return end < 0 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)]
}

function firstSegment(path: string): string {
  if (!path.startsWith('/')) return ''
  const end = path.indexOf('/', 1)
  return end < 0 ? path.slice(1) : path.slice(1, end)
}

function allowedMethods(routes: readonly Route[]): string {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...methods, 'OPTIONS'].join(', ')
}

function refuseUpgradeless(response: ServerResponse): void {
  response.setHeader('Upgrade', 'websocket')
  const sentence = 'This path speaks WebSocket; connect with ws:// or wss://'
  replyError(response, new RoomfulError('INVALID_MESSAGE', sentence), 426)
}

/** A part that cannot be decoded becomes empty, which no name is, and is refused later. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}
