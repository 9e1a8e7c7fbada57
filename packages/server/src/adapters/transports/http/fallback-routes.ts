/**
 * Rooms for clients without a WebSocket: a stream of events, polls, and single ones the other way. The namespace stands in
 * the path, as in `/ws/<namespace>`. WIRE 1, 6. And whole v1 links, for the SDK.
 */
import type { Route } from './route.ts'

export const fallbackRoutes: readonly Route[] = [
  { method: 'GET', path: /^\/sse(?:\/|$)(.*?)\/?$/, answer: (exchange) => exchange.host.fallbacks.sse(exchange) },
  { method: 'GET', path: /^\/poll(?:\/|$)(.*?)\/?$/, answer: (exchange) => exchange.host.fallbacks.poll(exchange) },
  { method: 'POST', path: /^\/send(?:\/|$)(.*?)\/?$/, answer: (exchange) => exchange.host.fallbacks.send(exchange) },
  { method: 'GET', path: /^\/link\/sse$/, answer: (exchange) => exchange.host.fallbacks.links.stream(exchange) },
  { method: 'POST', path: /^\/link\/poll$/, answer: (exchange) => exchange.host.fallbacks.links.poll(exchange) },
  { method: 'POST', path: /^\/link\/send$/, answer: (exchange) => exchange.host.fallbacks.links.send(exchange) },
]
