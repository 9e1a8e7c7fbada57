/**
 * The request with which a client came. Node's object for it takes more memory than all of Roomful's for a connection, so one that
 * only Roomful has seen is let go once its client is connected, and made again when the application asks for it.
 */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { EngineRequest } from './server.ts'

/** What is left of a request: lines that no part of a request can contain a line break in. */
export type PackedRequest = string

/** An internal of Node that has been there since its first versions. */
interface WithRawHeaders {
  _addHeaderLines(headers: string[], count: number): void
}

/** Everything that a request has by itself; with anything else, someone has added to it. */
const known = new Set<string | symbol>([
  ...Reflect.ownKeys(new IncomingMessage(new Socket())),
  // Of upgrades, of listeners, and of the engine.
  ...['parser', '_events', '_eventsCount', '_maxListeners', '_query', 'res'],
])

/** @returns nothing where the request is not as Node has made it */
export function packRequest(request: EngineRequest): PackedRequest | undefined {
  if (Object.getPrototypeOf(request) !== IncomingMessage.prototype) return undefined
  for (const key of Reflect.ownKeys(request)) if (!known.has(key)) return undefined
  return [request.method, request.url, request.httpVersion, ...request.rawHeaders].join('\n')
}

/** @param socket the one that carries the client now */
export function unpackRequest(packed: PackedRequest, socket: Socket): EngineRequest {
  const [method, url = '/', httpVersion = '', ...rawHeaders] = packed.split('\n')
  const request = new IncomingMessage(socket) as EngineRequest
  const [major, minor] = httpVersion.split('.').map(Number)
  Object.assign(request, { method, url, httpVersion, httpVersionMajor: major, httpVersionMinor: minor })
  ;(request as unknown as WithRawHeaders)._addHeaderLines(rawHeaders, rawHeaders.length)
  request.complete = true
  request.push(null)
  request._query = queryOf(request)
  return request
}

/** Reading a whole URL would be a twentieth of what a connect costs. */
export function queryOf({ url = '/' }: IncomingMessage): Record<string, string> {
  const [, search = ''] = /\?([^#]*)/.exec(url) ?? []
  return Object.fromEntries(new URLSearchParams(search))
}
