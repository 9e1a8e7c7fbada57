/**
 * The table of all settings. Variables, flags, config-file keys, `--help` and `docs/settings.md` are derived from it.
 * Nothing else in the server reads the environment.
 */
import { readKeys } from '../adapters/webhooks/post.ts'
import { ConfigError } from './config-error.ts'
import { type Declaration, flagOf } from './declaration.ts'
import { access } from './declared/access.ts'
import { limits } from './declared/limits.ts'
import { serving } from './declared/serving.ts'
import { storage } from './declared/storage.ts'
import { webhooks } from './declared/webhooks.ts'
import type { Settings } from './settings-type.ts'

/** The settings by heading, in the order of the documentation and `--help`. */
export const SETTING_GROUPS = {
  Serving: serving,
  Access: access,
  Storage: storage,
  Limits: limits,
  Webhooks: webhooks,
} as const

/** All settings by name. */
export const SETTINGS = { ...serving, ...access, ...storage, ...limits, ...webhooks } satisfies {
  readonly [Name in Exclude<keyof Settings, 'loopbackExempt' | 'loopbackCounted'>]: Declaration<Settings[Name]>
}

/** The name of a setting in a config file and in `createRoomful`. */
export type SettingName = keyof typeof SETTINGS

/** An entry of the table, without the type of its value. */
export interface AnySetting extends Declaration<unknown> {
  readonly name: SettingName
  readonly flag: string
}

/** All settings of a group, in order. */
export function allSettings(group: Readonly<Record<string, unknown>> = SETTINGS): AnySetting[] {
  const names = Object.keys(group) as SettingName[]
  return names.map((name) => ({ ...(SETTINGS[name] as Declaration<unknown>), name, flag: flagOf(name) }))
}

/** Paths that Roomful serves itself, which Socket.IO cannot have. PROTOCOL.md, sections 1 and 12. */
const OWN_PATHS = /^\/(?:ws|sse|poll|send|link|api|health|ready|metrics|client\.html)(?:\/|$)/

/** Checks settings that contradict each other. @throws ConfigError */
export function checkTogether(settings: Settings): void {
  for (const complaint of contradictions(settings)) throw new ConfigError(complaint)
}

function* contradictions(settings: Settings): Iterable<string> {
  const { workers, redisUrl, tlsCert, tlsKey, outboxBytes, outboxMaxBytes, maxMessageBytes } = settings
  if (workers > 1 && redisUrl === undefined) {
    yield `ROOMFUL_WORKERS is ${workers}, but more than one process needs REDIS_URL to share rooms.`
  }
  if (settings.redisCa !== undefined && !redisUrl?.startsWith('rediss')) {
    yield 'ROOMFUL_REDIS_CA is set, but REDIS_URL does not begin with rediss://, so nothing is encrypted.'
  }
  if (redisUrl !== undefined && settings.jwtSecret === undefined) {
    yield 'REDIS_URL is set, but JWT_SECRET is not. Nodes that share Redis need the same one: openssl rand -hex 32'
  }
  if (settings.webhookUrl !== undefined && settings.webhookSecret === undefined) {
    yield 'ROOMFUL_WEBHOOK_URL is set, so ROOMFUL_WEBHOOK_SECRET must be too: what is sent is signed. Make one with: echo "whsec_$(openssl rand -base64 32)"'
  }
  if (settings.webhookSecret !== undefined && settings.webhookUrl === undefined) {
    yield 'ROOMFUL_WEBHOOK_SECRET is set, but ROOMFUL_WEBHOOK_URL is not.'
  }
  if (settings.webhookSecret !== undefined && readKeys(settings.webhookSecret) === undefined) {
    yield 'ROOMFUL_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64, or several of these with spaces between them. Make one with: echo "whsec_$(openssl rand -base64 32)"'
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
