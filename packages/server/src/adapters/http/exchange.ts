/** One HTTP request on its way to an answer, and what handlers of several resources need. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { toJson } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Groups of the route's path, decoded. */
  readonly params: readonly string[]
  readonly query: URLSearchParams
  /** The client's address, behind trusted proxies. */
  readonly ip: string
  /** Whose attempts to sign in count together; undefined for this machine, which may be a proxy that hides everyone. */
  readonly countedAddress: string | undefined
}

export function userAgentOf({ request }: Exchange): string {
  return String(request.headers['user-agent'] ?? '')
}

/** A number in a URL, in digits. @throws RoomfulError INVALID_MESSAGE naming the parameter */
export function wholeNumber(
  field: string,
  text: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: { readonly minimum?: number; readonly maximum?: number },
): number {
  const value = Number(text)
  if (/^\d{1,16}$/.test(text) && value >= minimum && value <= maximum) return value
  throw new RoomfulError('INVALID_MESSAGE', `${field} must be a whole number from ${minimum} to ${maximum}`, { field })
}

/** @throws RoomfulError NOT_FOUND */
export function findNamespace(hub: Hub, name: string): Namespace {
  const namespace = hub.namespace(name)
  if (namespace) return namespace
  throw new RoomfulError('NOT_FOUND', `There is no namespace ${JSON.stringify(name)}`, { field: 'namespace' })
}

/** Counts a user's requests over HTTP together. @throws RoomfulError RATE_LIMITED */
export function takeRate(hub: Hub, userId: string): void {
  const retryAfterMs = hub.runtime.limiter.take(rateKey(userId), hub.runtime.settings.ratePerSecond, 1_000)
  if (retryAfterMs === 0) return
  hub.runtime.observer.observe({ type: 'rate-limited', scope: 'user' })
  throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
}

/** A request that was taken counts as `cost` of them, since its answer is large. */
export function chargeRate(hub: Hub, userId: string, cost: number): void {
  for (let i = 1; i < cost; i++) hub.runtime.limiter.take(rateKey(userId), hub.runtime.settings.ratePerSecond, 1_000)
}

// No user id begins with a control character, so these are counted apart from messages.
function rateKey(userId: string): string {
  return `\u0000http ${userId}`
}

/** For everything that is no page: an answer is nobody's to keep, and is what it says it is. */
const HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const

/** @param body bytes in it are written as `{"$binary": …}` */
export function replyJson(response: ServerResponse, status: number, body: unknown): void {
  replyJsonText(response, status, toJson(body))
}

/** As {@link replyJson}, for what is JSON already. */
export function replyJsonText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

/** Of the same kind, for what is no JSON. */
export function replyText(response: ServerResponse, status: number, text: string): void {
  const own = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) }
  response.writeHead(status, { ...HEADERS, ...own }).end(text)
}

/** @param status when it is another one than the catalogue gives the code */
export function replyError(response: ServerResponse, error: RoomfulError, status: number = error.status): void {
  if (response.headersSent) return void response.destroy() // too late to say anything
  const wire = error.toWire()
  if (wire.retryAfter !== undefined) response.setHeader('Retry-After', wire.retryAfter)
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  replyJson(response, status, { error: wire })
}
