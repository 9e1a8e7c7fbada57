/**
 * Which web pages may use this server. Browsers send the origin of a page, and scripts cannot change it; other programs
 * send none and are allowed. This prevents cross-site WebSocket hijacking. PROTOCOL.md, section 12. C19, R6.
 */

/** Why an origin is allowed: it is this server's own, the setting names it, or the setting allows any. */
export type OriginMatch = 'same' | 'named' | 'any'

/** An origin with an application's scheme: `capacitor://localhost`, `chrome-extension://<id>`; no path, no user name. */
const APPLICATION_ORIGIN = /^[a-z][a-z0-9+.-]{0,31}:\/\/[\w.~:[\]%-]{1,255}$/
/** Sent by some app shells for pages from their own files; browsers send `null` for such pages. */
const FILE_ORIGIN = 'file://'
const WEB_SCHEME = /^(?:https?|wss?|ftp):/
const ANY_PORT = ':*'
const ANY_OF_SCHEME = '://*'

/**
 * @param allowed origins as browsers send them; `:*` at the end stands for any port, `scheme://*` for every origin of an
 * application's scheme, a single `*` for any origin
 * @returns undefined for an origin that is not allowed; `null` never is
 */
export function matchOrigin(
  origin: string,
  host: string | undefined,
  allowed: readonly string[],
): OriginMatch | undefined {
  if (!isOrigin(origin)) return undefined
  if (allowed.some((pattern) => isNamed(origin, pattern))) return 'named'
  if (isSameHost(origin, host)) return 'same'
  return allowed.some((pattern) => pattern === '*' || isOfScheme(origin, pattern)) ? 'any' : undefined
}

/** Whether `CORS_ORIGIN` may contain this. */
export function isOriginPattern(pattern: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith(ANY_OF_SCHEME)) return !WEB_SCHEME.test(pattern) && isOrigin(`${pattern.slice(0, -1)}any`)
  const origin = withoutPort(pattern) ?? pattern
  return !origin.includes('*') && isOrigin(origin) // a URL may contain `*`, but no browser sends it
}

/** @returns the host name of a web origin, without its port */
export function hostOfOrigin(pattern: string): string | undefined {
  const origin = withoutPort(pattern) ?? pattern
  return WEB_SCHEME.test(origin) && URL.canParse(origin) ? new URL(origin).hostname : undefined
}

/** Accepts exactly the form that browsers send: no `null`, no user name, no path. */
function isOrigin(text: string): boolean {
  if (!WEB_SCHEME.test(text)) return text === FILE_ORIGIN || APPLICATION_ORIGIN.test(text)
  return URL.canParse(text) && new URL(text).origin === text
}

/** The scheme is not compared: behind a proxy that ends TLS, the server does not know it. */
function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !WEB_SCHEME.test(origin)) return false
  const page = new URL(origin)
  const own = `${page.protocol}//${host}`
  return URL.canParse(own) && new URL(own).host === page.host
}

function isNamed(origin: string, pattern: string): boolean {
  const anyPort = withoutPort(pattern)
  if (anyPort === undefined) return origin === pattern
  return origin.startsWith(anyPort) && /^(?::\d{1,5})?$/.test(origin.slice(anyPort.length))
}

function isOfScheme(origin: string, pattern: string): boolean {
  return pattern.endsWith(ANY_OF_SCHEME) && origin.startsWith(pattern.slice(0, -1))
}

function withoutPort(pattern: string): string | undefined {
  return pattern.endsWith(ANY_PORT) ? pattern.slice(0, -ANY_PORT.length) : undefined
}
