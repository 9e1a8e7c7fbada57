/**
 * The type of the settings. Each docstring is the sentence of the setting's declaration in `declared/`, and its default:
 * `npm run docs:settings` writes it.
 */
import type { TrustProxy } from '../adapters/transports/request-info.ts'
import type { LoopbackLimit } from '../core/base/settings.ts'

/** The values of all settings, as `loadSettings` and `resolveSettings` return them. See also `docs/settings.md`. */
export interface Settings {
  /** TCP port to listen on; 0 takes a free one. Default: `8080`. */
  readonly port: number
  /** Address to listen on; 0.0.0.0 or :: for every network of this machine. Default: `127.0.0.1`. */
  readonly host: string
  /**
   * Path below which everything is served: `/realtime` makes it `/realtime/ws`. For a proxy that does not rewrite
   * paths. Default: `/`.
   */
  readonly basePath: string
  /**
   * Path of Socket.IO clients below the base path. Their option `path` is both paths together. Default: `/socket.io`.
   */
  readonly socketioPath: string
  /**
   * Origins of web pages and app shells that may connect, besides pages of this server. Any scheme is possible
   * (`capacitor://localhost`, `moz-extension://*`). `*` allows every origin except `null`, without credentials.
   * Default:
   * `http://localhost:*,https://localhost:*,http://127.0.0.1:*,https://127.0.0.1:*,http://[::1]:*,https://[::1]:*`.
   */
  readonly corsOrigin: readonly string[]
  /**
   * Host names of this server, against DNS rebinding; `*.` before a name allows all names below it. `localhost`, IP
   * addresses and the hosts in CORS_ORIGIN are always allowed. If not set, names are checked only on a loopback address
   * without TRUST_PROXY.
   */
  readonly hosts: readonly string[] | undefined
  /**
   * Proxies whose X-Forwarded-For is trusted: their number or their addresses. It is ignored from other clients.
   * Default: `off`.
   */
  readonly trustProxy: TrustProxy
  /** File with the certificate chain (PEM), to serve https and wss without a proxy. */
  readonly tlsCert: string | undefined
  /** File with the private key (PEM) of the certificate. */
  readonly tlsKey: string | undefined
  /**
   * Compress the messages of WebSockets whose client offers it (permessage-deflate). An event is compressed once for
   * all clients. Off because browsers then compress everything that they send, and short messages gain little: turn it
   * on where the traffic costs more than the CPU. Default: `off`.
   */
  readonly deflate: boolean
  /** Messages that are shorter are sent uncompressed. Default: `512` bytes. */
  readonly deflateMinBytes: number
  /** Time over which clients are disconnected at shutdown, when there are more than 100. Default: `10000` ms. */
  readonly drainMs: number
  /**
   * Redis or Valkey (7 or newer) that several nodes share: redis://host:6379, rediss:// with TLS, or
   * redis-sentinel://host:26379/name.
   */
  readonly redisUrl: string | undefined
  /**
   * File with the certificates (PEM) by which the certificate of Redis is checked, where those of Node.js do not know
   * it.
   */
  readonly redisCa: string | undefined
  /** Replicas of Redis that must have a message before it is acknowledged. Default: `0` replicas. */
  readonly redisReplicas: number
  /** What all names in Redis begin with; servers with another one have nothing in common. Default: `roomful`. */
  readonly redisPrefix: string
  /**
   * Where the other nodes reach this one, as `http://10.0.0.5:8080`; by default on the address and port that it listens
   * on.
   */
  readonly nodeUrl: string | undefined
  /**
   * Processes of a stand-alone server that share its port, each a node of its own; more than one needs REDIS_URL.
   * SIGHUP replaces them one after another. Default: `1`.
   */
  readonly workers: number
  /** API key of other backends, preferably 32 random characters. Without it the server API is off. */
  readonly apiKey: string | undefined
  /**
   * Whether to record the story of each connection for `explain`, about 2 KB per open connection. If not set, on with
   * an API key.
   */
  readonly stories: boolean | undefined
  /**
   * Whether a stand-alone server makes spans and metrics for OpenTelemetry. Needs `@roomful/opentelemetry` and an SDK,
   * which `NODE_OPTIONS` imports. Default: `off`.
   */
  readonly opentelemetry: boolean
  /**
   * Which part of the requests is followed at all with ROOMFUL_OPENTELEMETRY; the others never reach the sampler of the
   * SDK, which costs less. Default: `1`.
   */
  readonly opentelemetryRatio: number
  /** What a stand-alone server logs, as JSON lines on stdout. Default: `info`. */
  readonly logLevel: 'debug' | 'error' | 'fatal' | 'info' | 'silent' | 'trace' | 'warn'
  /**
   * Secret that signs tokens (HS256), at least 32 bytes. Without it a random one is stored in ROOMFUL_DATA; with
   * REDIS_URL it is required, and the same on all nodes.
   */
  readonly jwtSecret: string | undefined
  /**
   * A second secret whose tokens are accepted too, while JWT_SECRET is changed: see docs/operations.md. Needs
   * JWT_SECRET.
   */
  readonly jwtSecretOther: string | undefined
  /** URL of the public keys of an identity provider, for tokens signed with RS, PS, ES or EdDSA. */
  readonly jwksUrl: string | undefined
  /**
   * Your backend, which is asked who a client is, by its cookies, headers and token; see docs/identity.md. Needs
   * ROOMFUL_IDENTITY_SECRET.
   */
  readonly identityUrl: string | undefined
  /** Signs what is sent to ROOMFUL_IDENTITY_URL, as Standard Webhooks does. */
  readonly identitySecret: string | undefined
  /** Only tokens for this audience (aud) are accepted. */
  readonly jwtAudience: string | undefined
  /** Only tokens of this issuer (iss) are accepted. */
  readonly jwtIssuer: string | undefined
  /** Whether connections need a token; "optional" allows guests in every namespace. Default: `required`. */
  readonly auth: 'optional' | 'required'
  /** Whether a connection without a token may send it in its first message. Default: `on`. */
  readonly firstMessageAuth: boolean
  /**
   * How a bad token is refused: "close" opens the WebSocket and closes it with 4001, "http" answers 401 instead.
   * Default: `close`.
   */
  readonly authReject: 'close' | 'http'
  /** How long a connection may wait before it authenticates. Default: `5000` ms. */
  readonly authDeadlineMs: number
  /** Whether a valid token of an unknown user creates the user ("open") or is refused ("strict"). Default: `open`. */
  readonly users: 'open' | 'strict'
  /** Folder of all stored data; ":memory:" stores nothing. Default: `./data`. */
  readonly data: string
  /**
   * What an acknowledged message survives: a killed process ("normal"), or a power failure too ("full"). Default:
   * `normal`.
   */
  readonly sync: 'full' | 'normal'
  /** Latest events of each room that are kept in memory. Default: `100` events. */
  readonly historySize: number
  /** Memory for these events, all rooms together. Default: `67108864` bytes. */
  readonly hotBytes: number
  /** Events of each room that are stored; older ones are trimmed. Default: `10000` events. */
  readonly retention: number
  /** How long events are stored; 0 = no limit. Default: `30` days. */
  readonly retentionDays: number
  /**
   * Approximate size of all stored events. Above it the oldest events of the largest writers are removed. 0 = until the
   * disk is full. In memory 256 MiB, unless this is set. Default: `4294967296` bytes.
   */
  readonly dataMaxBytes: number
  /** Most missed events of a room that a client receives when it reconnects. Default: `1000` events. */
  readonly replayMax: number
  /** How long a repeated request with the same key is recognised. Default: `86400000` ms. */
  readonly dedupeWindowMs: number
  /** Most idempotency keys that are remembered. Default: `5000000` keys. */
  readonly dedupeMax: number
  /** How often each client is pinged. Default: `30000` ms. */
  readonly pingIntervalMs: number
  /** How long a client may take to answer a ping before it is disconnected. Default: `5000` ms. */
  readonly pongTimeoutMs: number
  /** How often each Socket.IO client is pinged. Default: `10000` ms. */
  readonly socketioPingIntervalMs: number
  /** How long a Socket.IO client may take to answer. Default: `5000` ms. */
  readonly socketioPingTimeoutMs: number
  /** Whether Socket.IO clients receive missed events when they reconnect. Default: `on`. */
  readonly socketioRecovery: boolean
  /** Largest message: its arguments as UTF-8 JSON, and its attachments. Default: `65536` bytes. */
  readonly maxMessageBytes: number
  /** Events that a connection may send in any second; 0 = off. Default: `10` events. */
  readonly ratePerSecond: number
  /**
   * Messages that a user may send in any minute, over all connections; 0 = off. Guests keep their count when they
   * reconnect, and all guests of one address together may send 20 times as many. If set, this also applies to guests on
   * this machine (loopback). Default: `30` messages.
   */
  readonly ratePerMinute: number
  /**
   * Connections from one address; 0 = off. If set, this also applies to this machine (loopback). Default: `50`
   * connections.
   */
  readonly maxConnectionsPerIp: number
  /**
   * New connections from one address, and of one user, in any minute; 0 = off. If set, this also applies to this
   * machine (loopback). Default: `600` connections.
   */
  readonly connectsPerMinute: number
  /**
   * Rooms that a user, or the guests of one address, may create in any minute; 0 = off. If set, this also applies to
   * this machine (loopback). Default: `300` rooms.
   */
  readonly newRoomsPerMinute: number
  /**
   * Changes that a connection makes of its presence data in any second, outside of its events; 0 = off. Default: `20`
   * changes.
   */
  readonly presencePerSecond: number
  /** How long a message that is written in pieces may get none before it is interrupted. Default: `30000` ms. */
  readonly streamIdleMs: number
  /** Longest message that is written in pieces. Default: `1048576` characters. */
  readonly streamMaxLength: number
  /**
   * Pieces of messages that a connection may send in any second, outside of its events; 0 = off. Default: `100` pieces.
   */
  readonly streamPiecesPerSecond: number
  /** Characters that the pieces of a second may have together; 0 = off. Default: `65536` characters. */
  readonly streamCharsPerSecond: number
  /** Rooms that one connection may be in. Default: `200` rooms. */
  readonly maxRooms: number
  /**
   * Unsent bytes of one client above which its events wait in the log instead of in memory. Default: `131072` bytes.
   */
  readonly outboxBytes: number
  /** Unsent bytes of all clients together. Default: `268435456` bytes. */
  readonly outboxMaxBytes: number
  /**
   * Your backend, which is sent what happens: messages, who is in a room, bans; see docs/webhooks.md. Needs
   * ROOMFUL_WEBHOOK_SECRET.
   */
  readonly webhookUrl: string | undefined
  /**
   * Signs what is sent to ROOMFUL_WEBHOOK_URL, as Standard Webhooks does: whsec_ and 24 to 64 bytes in base64. Several
   * with spaces between them all sign, to change it without a gap.
   */
  readonly webhookSecret: string | undefined
  /**
   * Types of events that are sent. Default:
   * `room.occupied,room.vacated,member.entered,member.exited,event.stored,message.private,user.mentioned,user.banned,user.unbanned`.
   */
  readonly webhookEvents: readonly string[]
  /**
   * Whether ROOMFUL_WEBHOOK_URL may be in a private network. `localhost` always may; link-local addresses never.
   * Default: `off`.
   */
  readonly webhookPrivate: boolean
  /**
   * Events of each namespace that are kept for a receiver that is away, and to be sent again. Default: `100000` events.
   */
  readonly webhookQueue: number
  /** Whether `maxConnectionsPerIp` ignores connections from this machine: true unless that setting was given. */
  readonly loopbackExempt: boolean
  /** Limits that also apply to connections from this machine: those that were given. */
  readonly loopbackCounted: readonly LoopbackLimit[]
}
