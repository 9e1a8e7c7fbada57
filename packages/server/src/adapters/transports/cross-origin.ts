/**
 * Checks which web page sent a request, for every transport, and sets the CORS headers that let an allowed page read the
 * answer. PROTOCOL.md, section 12. C19, R6.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Observer } from '../../core/ports/observer.ts'
import { isBoundToLoopback, isKnownHost, isLocalName } from './host-names.ts'
import { hostOfOrigin, matchOrigin } from './origin.ts'

export interface CrossOriginOptions {
  /** As in `CORS_ORIGIN`. */
  readonly origins: readonly string[]
  /** As in `ROOMFUL_HOSTS`; undefined where it is not set. */
  readonly hosts: readonly string[] | undefined
  /** Names of this server besides `hosts`. */
  readonly ownHosts: readonly string[]
  /** A proxy in front has already routed by the host name. */
  readonly isBehindProxy: boolean
  readonly clientAddress: (request: IncomingMessage) => string
  readonly observer: Observer
}

/** `link`: the request itself opens a link or joins rooms. `read`: it only returns an answer. */
export type Purpose = 'link' | 'read'

type Reason = 'host' | 'origin' | 'cross-site'

const SENTENCES: Readonly<Record<Reason, string>> = {
  host: 'Host not allowed: name it in ROOMFUL_HOSTS, or set TRUST_PROXY when a proxy is in front',
  origin: 'Origin not allowed',
  'cross-site': 'Cross-site request without an Origin: use EventSource or fetch from a page of an allowed origin',
}

const ALLOWED_HEADERS = ['Authorization', 'Content-Type', 'Last-Event-ID']
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/
const REQUESTED_HEADERS_MAX = 64
/** The longest that Chromium caches a preflight. */
const PREFLIGHT_MAX_AGE_S = 7_200
/** Clients choose these values; this fits any real host with its scheme. */
const OBSERVED_MAX_LENGTH = 300

export class CrossOrigin {
  private readonly options: CrossOriginOptions
  private readonly hosts: readonly string[]

  constructor(options: CrossOriginOptions) {
    const named = options.origins.flatMap((origin) => hostOfOrigin(origin) ?? [])
    this.options = options
    this.hosts = [...(options.hosts ?? []), ...options.ownHosts, ...named]
  }

  /** @returns the sentence of a refusal (`FORBIDDEN`), or undefined when the request may go on */
  refusal(request: IncomingMessage, purpose: Purpose): string | undefined {
    const reason = this.flawOf(request, purpose)
    if (reason === undefined) return undefined
    const { origin = '', host = '' } = request.headers
    this.options.observer.observe({
      type: 'page:refused',
      reason,
      origin: origin.slice(0, OBSERVED_MAX_LENGTH),
      host: host.slice(0, OBSERVED_MAX_LENGTH),
      ip: this.options.clientAddress(request),
    })
    return SENTENCES[reason]
  }

  /** Sets the headers that let the page read the answer, and those that a preflight asks for. */
  setHeaders({ headers, method }: IncomingMessage, response: ServerResponse): void {
    const { origin } = headers
    const isPreflight = method === 'OPTIONS'
    response.setHeader('Vary', isPreflight ? 'Origin, Access-Control-Request-Headers' : 'Origin')
    if (origin === undefined) return
    response.setHeader('Access-Control-Allow-Origin', origin)
    // Only for named origins: with `*`, any site could use the credentials that the browser has for this server.
    const match = matchOrigin(origin, headers.host, this.options.origins)
    if (match === 'named') response.setHeader('Access-Control-Allow-Credentials', 'true')
    if (!isPreflight) return void response.setHeader('Access-Control-Expose-Headers', 'Retry-After')
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST')
    response.setHeader('Access-Control-Allow-Headers', allowedHeaders(headers['access-control-request-headers']))
    response.setHeader('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_S))
  }

  private flawOf(request: IncomingMessage, purpose: Purpose): Reason | undefined {
    const { headers } = request
    const { origin, host } = headers
    if (host !== undefined && !isKnownHost(host, this.hosts) && this.isHostChecked(request)) {
      // A request without an Origin does not come from a page, and tools use local names of their own.
      if (origin !== undefined || !isLocalName(host)) return 'host'
    }
    if (origin !== undefined) return matchOrigin(origin, host, this.options.origins) ? undefined : 'origin'
    return isHiddenPage(headers, purpose) ? 'cross-site' : undefined
  }

  /** Names are checked when they are configured, and on a server that only this machine can reach. */
  private isHostChecked(request: IncomingMessage): boolean {
    const { hosts, isBehindProxy } = this.options
    return hosts !== undefined || (!isBehindProxy && isBoundToLoopback(request))
  }
}

/**
 * A page of another origin can cause a request without an `Origin`: by an image, a script, a frame or a hyperlink. It
 * cannot read the answer, but the request alone would open a link. Following a hyperlink to read something is allowed.
 */
function isHiddenPage(headers: IncomingMessage['headers'], purpose: Purpose): boolean {
  const site = headers['sec-fetch-site']
  if (site !== 'cross-site' && site !== 'same-site') return false
  return purpose === 'link' || headers['sec-fetch-mode'] !== 'navigate'
}

/** The headers that Roomful reads, and the others that the page asks to send, which Roomful ignores. */
function allowedHeaders(requested: string | string[] | undefined): string {
  const names = String(requested ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => HEADER_NAME.test(name))
  const known = new Set(ALLOWED_HEADERS.map((name) => name.toLowerCase()))
  const others = names.filter((name) => !known.has(name.toLowerCase()))
  return [...ALLOWED_HEADERS, ...others.slice(0, REQUESTED_HEADERS_MAX)].join(', ')
}
