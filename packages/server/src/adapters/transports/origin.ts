/**
 * Which web pages may talk to this server. A browser says where a page comes from and cannot be made to lie about it; what
 * is no browser says nothing and passes. This is what stops cross-site WebSocket hijacking. WIRE 1, C19, R6.
 */
import type { IncomingMessage } from 'node:http'

/**
 * @param allowed origins as browsers write them; `:*` at the end stands for any port, a single `*` for any origin
 * @returns a check that passes no origin, the same origin, and the allowed ones; never `null`
 */
export function originCheck(allowed: readonly string[]): (request: IncomingMessage) => boolean {
  return ({ headers }) => isOriginAllowed(headers.origin, headers.host, allowed)
}

export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  // Also stops `null`, `file://`, user names and paths: an origin is exactly its own normal form.
  if (page.origin !== origin) return false
  return isSameHost(page, host) || allowed.some((pattern) => matches(page, pattern))
}

/** The scheme is not compared: behind a proxy that speaks TLS, this server does not see it. */
function isSameHost(page: URL, host: string | undefined): boolean {
  const own = `${page.protocol}//${host}`
  return host !== undefined && URL.canParse(own) && new URL(own).host === page.host
}

function matches(page: URL, pattern: string): boolean {
  if (pattern === '*' || pattern === page.origin) return true
  return pattern.endsWith(':*') && pattern === `${page.protocol}//${page.hostname}:*`
}
