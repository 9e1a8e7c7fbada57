/**
 * Which web pages may talk to this server. A browser states a page's origin and scripts cannot change it; programs that are
 * not browsers send none and pass. This stops cross-site WebSocket hijacking. PROTOCOL.md 12, C19, R6.
 */

/** Why an origin passes: it is this server's own, the setting names it, or the setting lets in any. */
export type OriginMatch = 'same' | 'named' | 'any'

/** Of an application's own scheme: `capacitor://localhost`, `chrome-extension://<id>`; no path, no user name. */
const APPLICATION_ORIGIN = /^[a-z][a-z0-9+.-]{0,31}:\/\/[\w.~:[\]%-]{1,255}$/
/** Pages that some shells load from their own files; browsers say `null` there. */
const FILE_ORIGIN = 'file://'
const WEB_SCHEME = /^(?:https?|wss?|ftp):/
const ANY_PORT = ':*'
const ANY_OF_SCHEME = '://*'

/**
 * @param allowed origins as browsers write them; `:*` at the end stands for any port, `scheme://*` for all of an
 * application's scheme, a single `*` for any origin
 * @returns undefined for an origin that may not pass, always so for `null`
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

/** What `CORS_ORIGIN` may list. */
export function isOriginPattern(pattern: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith(ANY_OF_SCHEME)) return !WEB_SCHEME.test(pattern) && isOrigin(`${pattern.slice(0, -1)}any`)
  const origin = withoutPort(pattern) ?? pattern
  return !origin.includes('*') && isOrigin(origin) // no browser sends one, though a URL may have it
}

/** @returns the host that an origin of the web names, without its port */
export function hostOfOrigin(pattern: string): string | undefined {
  const origin = withoutPort(pattern) ?? pattern
  return WEB_SCHEME.test(origin) && URL.canParse(origin) ? new URL(origin).hostname : undefined
}

/** Exactly in the form that browsers send, which excludes `null`, user names and paths. */
function isOrigin(text: string): boolean {
  if (!WEB_SCHEME.test(text)) return text === FILE_ORIGIN || APPLICATION_ORIGIN.test(text)
  return URL.canParse(text) && new URL(text).origin === text
}

/** The scheme is not compared: behind a proxy that speaks TLS, this server does not see it. */
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
