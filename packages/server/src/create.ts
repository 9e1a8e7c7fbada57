/** Puts a server together from settings: which adapters stand behind the core's ports. Nothing else chooses. */
import { AccountAuthenticator } from './adapters/auth/authenticator.ts'
import { TokenVerifier } from './adapters/auth/jwt.ts'
import { SlidingWindowLimiter } from './adapters/auth/limiter.ts'
import { findSecret, type Secret } from './adapters/auth/secret.ts'
import { Tickets } from './adapters/auth/tickets.ts'
import { UserStore } from './adapters/auth/user-store.ts'
import { createLocalBroker, createMemoryLog } from './adapters/brokers/local/index.ts'
import { systemClock } from './adapters/system/clock.ts'
import { systemRandom } from './adapters/system/random.ts'
import { resolveSettings } from './config/load.ts'
import type { Settings } from './config/settings.ts'
import type { Observer } from './core/ports/observer.ts'
import { CORE_DEFAULTS } from './core/settings.ts'
import { Roomful } from './roomful.ts'

export interface CreateOptions extends Partial<Settings> {
  /** Told of everything that happens; a library is silent without one. */
  readonly observer?: Observer
  /** Paths that send back what they get, and what goes before a text. Default: `/ws/echo`, with `Server echo: `. */
  readonly echo?: Readonly<Record<string, string>>
}

const ECHO = { '/ws/echo': 'Server echo: ' }
const SILENT: Observer = { observe: () => undefined }

/**
 * Makes a server. Declare namespaces, then `listen()` or `attach(server)`.
 * @throws ConfigError for a setting that is unknown, of the wrong kind or contradictory
 */
export function createRoomful({ observer = SILENT, echo = ECHO, ...given }: CreateOptions = {}): Roomful {
  const settings = resolveSettings(given)
  const secret: Secret = findSecret(settings.jwtSecret, settings.data)
  const clock = systemClock
  const random = systemRandom
  const users = new UserStore(settings.data, clock.now)
  const tickets = new Tickets(clock, random)
  const { jwksUrl, jwtAudience: audience, jwtIssuer: issuer } = settings
  const verifier = new TokenVerifier({ secret: secret.bytes, jwksUrl, audience, issuer, now: clock.now })
  const limits = {
    retention: settings.retention,
    retentionMs: settings.retentionDays * DAY_MS,
    dedupeWindowMs: settings.dedupeWindowMs,
    dedupeMax: settings.dedupeMax,
  }
  const log = createMemoryLog({
    clock,
    random,
    ...limits,
    ...(settings.dataMaxBytes > 0 ? { dataMaxBytes: settings.dataMaxBytes } : {}),
  })
  return new Roomful({
    core: { ...CORE_DEFAULTS, ...settings, authRequired: settings.auth === 'required' },
    ports: {
      broker: createLocalBroker({ log, clock }),
      authenticator: new AccountAuthenticator({ verifier, tickets, users, unknownUsers: settings.users }),
      limiter: new SlidingWindowLimiter(clock),
      clock,
      random,
      observer,
    },
    users,
    webSocket: {
      isOriginAllowed: () => true,
      clientAddress: (request) => request.socket.remoteAddress ?? '',
      authReject: settings.authReject,
      echoPaths: new Map(Object.entries(echo)),
    },
    http: (hub) => ({
      handle: (request, response) => {
        const answers: Record<string, unknown> = {
          '/health': { status: 'ok', clients: hub.links.size },
          '/ready': { status: 'ready' },
          '/api/status': { status: 'online' },
        }
        const answer = answers[request.url ?? '']
        if (answer) response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
        return answer !== undefined
      },
    }),
    port: settings.port,
    host: settings.host,
    closeParts: () => users.close(),
  })
}

const DAY_MS = 86_400_000
