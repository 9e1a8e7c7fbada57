/** Settings of the server: address, paths, origins, proxies, TLS, shutdown. */
import { CORE_DEFAULTS } from '../../core/base/settings.ts'
import {
  apiKey,
  fraction,
  hosts,
  oneOf,
  onOff,
  optional,
  origins,
  proxies,
  setting,
  text,
  url,
  urlPath,
  wholeNumber,
} from '../declaration.ts'

/** Pages of other servers on this machine, for development. */
const LOOPBACK_ORIGINS = ['localhost', '127.0.0.1', '[::1]'].flatMap((host) => [
  `http://${host}:*`,
  `https://${host}:*`,
])

export const serving = {
  port: setting({
    variable: 'PORT',
    type: wholeNumber(0, 65_535),
    default: 8080,
    sentence: 'TCP port to listen on; 0 takes a free one.',
  }),
  host: setting({
    variable: 'HOST',
    type: text,
    default: '127.0.0.1',
    sentence: 'Address to listen on; 0.0.0.0 or :: for every network of this machine.',
  }),
  basePath: setting({
    variable: 'ROOMFUL_BASE_PATH',
    type: urlPath,
    default: '',
    sentence:
      'Path below which everything is served: `/realtime` makes it `/realtime/ws`. For a proxy that does not rewrite paths.',
  }),
  socketioPath: setting({
    variable: 'ROOMFUL_SOCKETIO_PATH',
    type: urlPath,
    default: '/socket.io',
    sentence: 'Path of Socket.IO clients below the base path. Their option `path` is both paths together.',
  }),
  corsOrigin: setting({
    variable: 'CORS_ORIGIN',
    type: origins,
    default: LOOPBACK_ORIGINS,
    sentence:
      'Origins of web pages and app shells that may connect, besides pages of this server. Any scheme is possible (`capacitor://localhost`, `moz-extension://*`). `*` allows every origin except `null`, without credentials.',
  }),
  hosts: setting({
    variable: 'ROOMFUL_HOSTS',
    type: optional(hosts),
    default: undefined,
    sentence:
      'Host names of this server, against DNS rebinding; `*.` before a name allows all names below it. `localhost`, IP addresses and the hosts in CORS_ORIGIN are always allowed. If not set, names are checked only on a loopback address without TRUST_PROXY.',
  }),
  trustProxy: setting({
    variable: 'TRUST_PROXY',
    type: proxies,
    default: 'off',
    sentence:
      'Proxies whose X-Forwarded-For is trusted: their number or their addresses. It is ignored from other clients.',
  }),
  tlsCert: setting({
    variable: 'ROOMFUL_TLS_CERT',
    type: optional(text),
    default: undefined,
    sentence: 'File with the certificate chain (PEM), to serve https and wss without a proxy.',
  }),
  tlsKey: setting({
    variable: 'ROOMFUL_TLS_KEY',
    type: optional(text),
    default: undefined,
    sentence: 'File with the private key (PEM) of the certificate.',
  }),
  deflate: setting({
    variable: 'ROOMFUL_DEFLATE',
    type: onOff,
    default: false,
    sentence:
      'Compress the messages of WebSockets whose client offers it (permessage-deflate). An event is compressed once for all clients. Off because browsers then compress everything that they send, and short messages gain little: turn it on where the traffic costs more than the CPU.',
  }),
  deflateMinBytes: setting({
    variable: 'ROOMFUL_DEFLATE_MIN_BYTES',
    type: wholeNumber(1, 1_000_000_000),
    default: 512,
    unit: 'bytes',
    sentence: 'Messages that are shorter are sent uncompressed.',
  }),
  drainMs: setting({
    variable: 'ROOMFUL_DRAIN_MS',
    type: wholeNumber(0, 600_000),
    default: CORE_DEFAULTS.drainMs,
    unit: 'ms',
    sentence: 'Time over which clients are disconnected at shutdown, when there are more than 100.',
  }),
  redisUrl: setting({
    variable: 'REDIS_URL',
    type: optional(text),
    default: undefined,
    secret: true,
    sentence:
      'Redis or Valkey (7 or newer) that several nodes share: redis://host:6379, rediss:// with TLS, or redis-sentinel://host:26379/name.',
  }),
  redisCa: setting({
    variable: 'ROOMFUL_REDIS_CA',
    type: optional(text),
    default: undefined,
    sentence:
      'File with the certificates (PEM) by which the certificate of Redis is checked, where those of Node.js do not know it.',
  }),
  redisReplicas: setting({
    variable: 'ROOMFUL_REDIS_REPLICAS',
    type: wholeNumber(0, 100),
    default: 0,
    unit: 'replicas',
    sentence: 'Replicas of Redis that must have a message before it is acknowledged.',
  }),
  redisPrefix: setting({
    variable: 'ROOMFUL_REDIS_PREFIX',
    type: text,
    default: 'roomful',
    sentence: 'What all names in Redis begin with; servers with another one have nothing in common.',
  }),
  nodeUrl: setting({
    variable: 'ROOMFUL_NODE_URL',
    type: optional(url),
    default: undefined,
    sentence:
      'Where the other nodes reach this one, as `http://10.0.0.5:8080`; by default on the address and port that it listens on.',
  }),
  workers: setting({
    variable: 'ROOMFUL_WORKERS',
    type: wholeNumber(1, 256),
    default: 1,
    sentence:
      'Processes of a stand-alone server that share its port, each a node of its own; more than one needs REDIS_URL. SIGHUP replaces them one after another.',
  }),
  apiKey: setting({
    variable: 'ROOMFUL_API_KEY',
    type: optional(apiKey),
    default: undefined,
    secret: true,
    sentence: 'API key of other backends, preferably 32 random characters. Without it the server API is off.',
  }),
  stories: setting({
    variable: 'ROOMFUL_STORIES',
    type: optional(onOff),
    default: undefined,
    sentence:
      'Whether to record the story of each connection for `explain`, about 2 KB per open connection. If not set, on with an API key.',
  }),
  opentelemetry: setting({
    variable: 'ROOMFUL_OPENTELEMETRY',
    type: onOff,
    default: false,
    sentence:
      'Whether a stand-alone server makes spans and metrics for OpenTelemetry. Needs `@roomful/opentelemetry` and an SDK, which `NODE_OPTIONS` imports.',
  }),
  opentelemetryRatio: setting({
    variable: 'ROOMFUL_OPENTELEMETRY_RATIO',
    type: fraction,
    default: 1,
    sentence:
      'Which part of the requests is followed at all with ROOMFUL_OPENTELEMETRY; the others never reach the sampler of the SDK, which costs less.',
  }),
  logLevel: setting({
    variable: 'LOG_LEVEL',
    type: oneOf('silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'),
    default: 'info',
    sentence: 'What a stand-alone server logs, as JSON lines on stdout.',
  }),
}
