/** What single values cannot show: settings that contradict each other. */
import { ConfigError } from './config-error.ts'
import type { Settings } from './settings.ts'

/** What is served beside Socket.IO. PROTOCOL.md, sections 1 and 12. */
const OWN_PATHS = /^\/(?:ws|sse|poll|send|link|api|health|ready|metrics|client\.html)(?:\/|$)/

/** @throws ConfigError */
export function checkTogether(settings: Settings): void {
  for (const complaint of complaints(settings)) throw new ConfigError(complaint)
}

function* complaints(settings: Settings): Iterable<string> {
  const { workers, redisUrl, tlsCert, tlsKey, outboxBytes, outboxMaxBytes, maxMessageBytes } = settings
  if (workers > 1 && redisUrl === undefined) {
    yield `ROOMFUL_WORKERS is ${workers}, but more than one process needs REDIS_URL to share rooms.`
  }
  if (tlsCert !== undefined && tlsKey === undefined) yield 'ROOMFUL_TLS_CERT is set, but ROOMFUL_TLS_KEY is not.'
  if (tlsKey !== undefined && tlsCert === undefined) yield 'ROOMFUL_TLS_KEY is set, but ROOMFUL_TLS_CERT is not.'
  if (outboxMaxBytes < outboxBytes) {
    yield `ROOMFUL_OUTBOX_MAX_BYTES (${outboxMaxBytes}, all clients) must not be less than ROOMFUL_OUTBOX_BYTES (${outboxBytes}, one client).`
  }
  if (outboxMaxBytes < maxMessageBytes) {
    yield `ROOMFUL_OUTBOX_MAX_BYTES (${outboxMaxBytes}) must not be less than ROOMFUL_MAX_MESSAGE_BYTES (${maxMessageBytes}), or the largest message could not be delivered.`
  }
  if (settings.basePath.split('/').includes('ws')) {
    yield `ROOMFUL_BASE_PATH (${settings.basePath}) must not have a part named ws, which clients take for the WebSocket's.`
  }
  if (settings.socketioPath === '') yield 'ROOMFUL_SOCKETIO_PATH must not be /, or nothing else could be served.'
  if (OWN_PATHS.test(settings.socketioPath)) {
    yield `ROOMFUL_SOCKETIO_PATH (${settings.socketioPath}) is a path that Roomful serves otherwise; choose another one.`
  }
  if (settings.corsOrigin.includes('*') && settings.corsOrigin.length > 1) {
    yield 'CORS_ORIGIN is "*" and names origins as well; write one or the other.'
  }
}
