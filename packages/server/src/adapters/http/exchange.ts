/** A request with its response, and what handlers of several resources share: JSON answers, errors, rates. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { toJson } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'

/** A request with its response. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Parameters of the path, decoded. */
  readonly params: readonly string[]
  readonly query: URLSearchParams
  /** The address of the client behind trusted proxies. */
  readonly ip: string
  /** The key under which sign-in attempts are counted; undefined for this machine, which may be a proxy for all clients. */
  readonly countedAddress: string | undefined
}

/** The user agent, possibly empty. */
export function userAgentOf({ request }: Exchange): string {
  return String(request.headers['user-agent'] ?? '')
}

/** Reads a number from a URL. @throws RoomfulError INVALID_MESSAGE naming the parameter */
export function wholeNumber(
  field: string,
  text: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: { readonly minimum?: number; readonly maximum?: number },
): number {
  const value = Number(text)
  if (/^\d{1,16}$/.test(text) && value >= minimum && value <= maximum) return value
  throw new RoomfulError('INVALID_MESSAGE', `${field} must be a whole number from ${minimum} to ${maximum}`, { field })
}

/** A namespace by any of its names. @throws RoomfulError NOT_FOUND */
export function findNamespace(hub: Hub, name: string): Namespace {
  const namespace = hub.namespace(name)
  if (namespace) return namespace
  throw new RoomfulError('NOT_FOUND', `There is no namespace ${JSON.stringify(name)}`, { field: 'namespace' })
}

/** Counts all HTTP requests of a user towards one limit. @throws RoomfulError RATE_LIMITED */
export function takeRate(hub: Hub, userId: string): void {
  const retryAfterMs = hub.runtime.limiter.take(rateKey(userId), hub.runtime.settings.ratePerSecond, 1_000)
  if (retryAfterMs === 0) return
  hub.runtime.observer.observe({ type: 'rate-limited', scope: 'user' })
  throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
}

/** Counts a request with a large answer as `cost` requests. */
export function chargeRate(hub: Hub, userId: string, cost: number): void {
  for (let i = 1; i < cost; i++) hub.runtime.limiter.take(rateKey(userId), hub.runtime.settings.ratePerSecond, 1_000)
}

// User ids do not begin with a control character, so these keys differ from those of messages.
function rateKey(userId: string): string {
  return `\u0000http ${userId}`
}

/** Headers of every answer except pages: it must not be cached, and its type must not be guessed. */
const HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * Answers with JSON.
 * @param body bytes in it are written as `{"$binary": …}`
 */
export function replyJson(response: ServerResponse, status: number, body: unknown): void {
  replyJsonText(response, status, toJson(body))
}

/** As {@link replyJson}, for text that is JSON already. */
export function replyJsonText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

/** Answers with plain text. */
export function replyText(response: ServerResponse, status: number, text: string): void {
  const own = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) }
  response.writeHead(status, { ...HEADERS, ...own }).end(text)
}

/**
 * Answers with an error, in the form of PROTOCOL.md, sections 10 and 12.
 * @param status when it differs from the code's status in the catalogue
 */
export function replyError(response: ServerResponse, error: RoomfulError, status: number = error.status): void {
  if (response.headersSent) return void response.destroy() // the answer has begun, so it can only be cut off
  const wire = error.toWire()
  if (wire.retryAfter !== undefined) response.setHeader('Retry-After', wire.retryAfter)
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  replyJson(response, status, { error: wire })
}
