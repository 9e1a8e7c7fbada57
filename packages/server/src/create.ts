/** Creates a server from settings. This is the only place that chooses which adapter implements a port. */
import { Accounts } from './adapters/auth/accounts.ts'
import { ApiKey } from './adapters/auth/api-key.ts'
import { AccountAuthenticator } from './adapters/auth/authenticator.ts'
import { askIdentityService } from './adapters/auth/identity-service.ts'
import { TokenIssuer, TokenVerifier } from './adapters/auth/jwt.ts'
import { type Authenticate, type KeepingAuthenticate, OwnIdentity } from './adapters/auth/own-identity.ts'
import { Passwords } from './adapters/auth/passwords.ts'
import { findSecret, SECRET_MIN_BYTES, type Secret } from './adapters/auth/secret.ts'
import { SignInPlaces } from './adapters/auth/sign-in-places.ts'
import { createHttpHost } from './adapters/http/host.ts'
import { answerInspection } from './adapters/http/inspection.ts'
import { HttpTransport } from './adapters/http/router.ts'
import { answerRoomLists } from './adapters/http/server-rooms.ts'
import { answerStatus } from './adapters/http/status.ts'
import { openMetrics } from './adapters/observe/metrics.ts'
import { composeObservers } from './adapters/observe/observers.ts'
import { Stories } from './adapters/observe/stories.ts'
import { systemClock, systemRandom } from './adapters/system/clock-and-random.ts'
import { CrossOrigin } from './adapters/transports/cross-origin.ts'
import { ClusterNode } from './adapters/transports/forwarding/cluster-node.ts'
import { addressReader } from './adapters/transports/request-info.ts'
import { DeflateNegotiator } from './adapters/transports/websocket/deflate.ts'
import { Wanted } from './adapters/webhooks/events.ts'
import { readKeys } from './adapters/webhooks/post.ts'
import type { Roomful } from './api.ts'
import { ConfigError } from './config/config-error.ts'
import { resolveSettings } from './config/load.ts'
import type { Settings } from './config/settings-type.ts'
import { readTlsFiles } from './config/tls-files.ts'
import { CORE_DEFAULTS } from './core/base/settings.ts'
import { SlidingWindowLimiter } from './core/base/sliding-window.ts'
import type { NodeRegistry } from './core/ports/node-registry.ts'
import type { Observer } from './core/ports/observer.ts'
import type { Clock } from './core/ports/system.ts'
import { openAccounts, openAttempts, openBroker, openNodeRegistry, openTickets, withRedisCa } from './open-broker.ts'
import type { RedisStorage, RoomfulParts } from './parts.ts'
import { RoomfulServer } from './roomful.ts'
import { version } from './version.ts'
import { isWorker } from './workers.ts'

/** Settings, by the names in `docs/settings.md`, and what only a program can give. */
export interface CreateOptions extends Partial<Settings> {
  /**
   * Says who a client is, by its cookies, headers or token. Where it answers nothing, the server's own tokens count, and then
   * guests where a namespace allows them.
   * @example
   * createRoomful({
   *   async authenticate({ headers }) {
   *     const session = await sessions.find(headers.cookie)
   *     return session && { sub: session.userId, name: session.name, role: session.role }
   *   },
   * })
   */
  readonly authenticate?: Authenticate
  /** Receives every fact that the server reports. Without one, a server in an application logs nothing. */
  readonly observer?: Observer
  /** Paths that send every message back, each with a prefix for texts. Default: `/ws/echo` with `Server echo: `. */
  readonly echo?: Readonly<Record<string, string>>
  /** Largest WebSocket message or POST of a Socket.IO client, in bytes. Default: twice `maxMessageBytes` and 4 KiB. */
  readonly socketioMaxPayloadBytes?: number
  /** The pause after a delivery of webhooks that failed, which doubles with each further one. Default: 1000 ms. */
  readonly webhookRetryMs?: number
  /** Where the nodes that share this server's log find each other. Default: in Redis, with `redisUrl`; else none. */
  readonly nodeRegistry?: NodeRegistry
}

/** Shorter ones can be guessed. */
const API_KEY_LENGTH = 16
const SHORT_API_KEY = `ROOMFUL_API_KEY has fewer than ${API_KEY_LENGTH} characters; take 32 random ones.`

const NO_WORKERS =
  'ROOMFUL_WORKERS is for roomful serve and runServer. In a server of your own, start the processes yourself: each is a node.'

const ECHO = { '/ws/echo': 'Server echo: ' }

/**
 * Creates a server. Declare namespaces, then call `listen()` or `attach(server)`.
 * @throws ConfigError for a setting that is unknown, of the wrong type or contradictory
 * @throws RoomfulError when the data folder is another server's, of a newer version, or cannot be used
 * @example
 * const roomful = createRoomful({ data: './data', jwtSecret: process.env.JWT_SECRET })
 * roomful.namespace('/tasks').on('task:add', (context, { title }) => {
 *   context.append('tasks', 'task:added', { title })
 * })
 * const { url } = await roomful.listen({ port: 8080 })
 */
export function createRoomful(options: CreateOptions = {}): Roomful {
  return createServer(options, undefined)
}

/**
 * The same for a server whose secret is known late: it starts when it is.
 * @param late the secret, of 32 bytes
 */
export function createRoomfulLate(options: CreateOptions, late: Promise<Uint8Array>): Roomful {
  return createServer(options, late)
}

function createServer(options: CreateOptions, late: Promise<Uint8Array> | undefined): Roomful {
  const {
    authenticate,
    observer,
    echo = ECHO,
    socketioMaxPayloadBytes,
    webhookRetryMs,
    nodeRegistry,
    ...given
  } = options
  const settings = withRedisCa(resolveSettings(given))
  if (settings.workers > 1 && !isWorker()) throw new ConfigError(NO_WORKERS)
  const secret: Secret = late
    ? { bytes: new Uint8Array(SECRET_MIN_BYTES) }
    : findSecret(settings.jwtSecret, settings.data)
  // In its place: the parts have it already, and do not use it before the start.
  const ready = late?.then((bytes) => void secret.bytes.set(bytes))
  ready?.catch(() => undefined) // the start fails with it
  const otherSecret = otherSecretOf(settings)
  const tls = readTlsFiles(settings.tlsCert, settings.tlsKey)
  const clock = systemClock
  const random = systemRandom
  const metrics = openMetrics()
  const stories = new Stories(clock.now)
  const keepsStories = settings.stories ?? settings.apiKey !== undefined
  const readers = [metrics, keepsStories ? stories : undefined, observer]
  const observers = composeObservers(readers.filter((reader) => reader !== undefined))
  const users = openAccounts(settings, clock)
  const broker = openOrClose(() => openBroker(settings, { clock, random, observer: observers }, secret.bytes), users)
  const tickets = openTickets(settings, { clock, random })
  if (secret.notice !== undefined) {
    observers.observe({ type: 'notice', message: secret.notice, isRisky: secret.isRisky ?? false })
  }
  const { jwksUrl, jwtAudience: audience, jwtIssuer, basePath } = settings
  const verifier = new TokenVerifier({
    secret: secret.bytes,
    otherSecret,
    jwksUrl,
    audience,
    issuer: jwtIssuer,
    now: clock.now,
    monotonic: clock.monotonic,
  })
  const attempts = openAttempts(settings, clock, secret.bytes)
  const issuer = new TokenIssuer({ secret: secret.bytes, audience, issuer: jwtIssuer, now: clock.now })
  const accounts = new Accounts({
    store: users,
    places: new SignInPlaces(users, secret.bytes),
    passwords: new Passwords(),
    issuer,
    attempts,
    random,
    now: clock.now,
  })
  const apiKey =
    settings.apiKey === undefined ? undefined : new ApiKey(settings.apiKey, { attempts, observer: observers })
  if (settings.apiKey !== undefined && settings.apiKey.length < API_KEY_LENGTH) {
    observers.observe({ type: 'notice', message: SHORT_API_KEY, isRisky: true })
  }
  const byAccount = new AccountAuthenticator({ verifier, tickets, users, unknownUsers: settings.users })
  const own = authenticate ?? identityService(settings, clock)
  const node = new ClusterNode({
    registry: nodeRegistry ?? openNodeRegistry(settings, clock),
    secret,
    otherSecret,
    clientAddress: addressReader(settings.trustProxy, (address) => {
      observers.observe({ type: 'notice', message: unknownProxy(address), isRisky: true })
    }),
    basePath,
    clock,
    random,
    observer: observers,
  })
  const { clientAddress } = node
  const crossOrigin = new CrossOrigin({
    origins: settings.corsOrigin,
    hosts: settings.hosts,
    ownHosts: [settings.host],
    isBehindProxy: settings.trustProxy !== 'off',
    clientAddress,
    observer: observers,
  })
  const requestChecks = { crossOrigin, clientAddress }
  const deflate = settings.deflate
    ? new DeflateNegotiator({
        minBytes: settings.deflateMinBytes,
        onDeflated: (plainBytes, bytes) => observers.observe({ type: 'deflated', plainBytes, bytes }),
      })
    : undefined
  return new RoomfulServer({
    core: {
      ...CORE_DEFAULTS,
      ...settings,
      historySize: Math.min(settings.historySize, settings.retention), // see Namespace.openRoom
      authRequired: settings.auth === 'required',
      hasOutbox: settings.webhookUrl !== undefined && new Wanted(settings.webhookEvents).ofLog,
    },
    ports: {
      broker,
      authenticator: own
        ? new OwnIdentity({ authenticate: own, accounts: byAccount, clock, observer: observers })
        : byAccount,
      limiter: new SlidingWindowLimiter(clock),
      clock,
      random,
      observer: observers,
    },
    users,
    unknownUsers: settings.users,
    storage: { folder: settings.data, sync: settings.sync, redis: redisOf(settings) },
    ready,
    accounts,
    webSocket: {
      ...requestChecks,
      authReject: settings.authReject,
      deflate,
      echoPaths: new Map(Object.entries(echo)),
    },
    socketIo: {
      ...requestChecks,
      ids: node.ids,
      pingIntervalMs: settings.socketioPingIntervalMs,
      pingTimeoutMs: settings.socketioPingTimeoutMs,
      recovery: settings.socketioRecovery,
      path: settings.socketioPath,
      deflate,
      maxPayloadBytes: socketioMaxPayloadBytes,
    },
    node,
    nodeUrl: settings.nodeUrl,
    http: (hub, links, administration, webhooks) => {
      const host = createHttpHost({
        version: version(),
        hub,
        links,
        administration,
        webhooks,
        accounts,
        tickets,
        metrics,
        stories,
        keepsStories,
        apiKey,
        basePath,
      })
      answerInspection(host)
      answerStatus(host)
      answerRoomLists(hub)
      return new HttpTransport(host, requestChecks)
    },
    tls,
    webhooks: webhooksOf(settings, webhookRetryMs),
    isWorker: settings.workers > 1,
    port: settings.port,
    host: settings.host,
    basePath,
    closeParts: () => {
      users.close()
      tickets.close?.()
      attempts.close?.()
    },
  })
}

const unknownProxy = (address: string): string =>
  `A proxy at ${address} forwards requests, but TRUST_PROXY does not name it: all of its clients have its address, so limits ` +
  `per address do not hold. Set TRUST_PROXY=${address} if the proxy is yours.`

/** @throws ConfigError for one beside no other */
function otherSecretOf({ jwtSecret, jwtSecretOther }: Settings): Uint8Array | undefined {
  if (jwtSecretOther === undefined) return undefined
  if (
    jwtSecret !== undefined &&
    jwtSecretOther !== jwtSecret &&
    Buffer.byteLength(jwtSecretOther) >= SECRET_MIN_BYTES
  ) {
    return Buffer.from(jwtSecretOther)
  }
  throw new ConfigError('JWT_SECRET_OTHER is a second secret beside JWT_SECRET: of at least 32 bytes, and another one.')
}

function redisOf({ redisUrl, redisPrefix }: Settings): RedisStorage | undefined {
  return redisUrl === undefined ? undefined : { url: redisUrl, prefix: redisPrefix }
}

function webhooksOf(settings: Settings, retryMinMs: number | undefined): RoomfulParts['webhooks'] {
  const { webhookUrl, webhookSecret = '', webhookEvents: events, webhookPrivate, webhookQueue: retention } = settings
  const keys = readKeys(webhookSecret)
  if (webhookUrl === undefined || keys === undefined) return undefined
  return { target: { url: new URL(webhookUrl), keys, isPrivateAllowed: webhookPrivate }, events, retention, retryMinMs }
}

/** The backend that the settings name as the one that knows users. @throws ConfigError for an address without a secret */
function identityService({ identityUrl, identitySecret }: Settings, clock: Clock): KeepingAuthenticate | undefined {
  if (identityUrl === undefined) return undefined
  if (identitySecret === undefined) {
    throw new ConfigError(
      'ROOMFUL_IDENTITY_URL is set, so ROOMFUL_IDENTITY_SECRET must be too: requests to it are signed.',
    )
  }
  return askIdentityService({ url: identityUrl, secret: identitySecret, clock })
}

/** Closes what was opened before, if opening this fails. */
function openOrClose<T>(open: () => T, before: { close(): void }): T {
  try {
    return open()
  } catch (error) {
    before.close()
    throw error
  }
}
