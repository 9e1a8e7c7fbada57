/** The broker that the settings ask for: of this process alone, or of all nodes that share a Redis. */
import { createHmac } from 'node:crypto'
import { LocalAttempts } from './adapters/auth/local-attempts.ts'
import { type TicketOffice, Tickets } from './adapters/auth/tickets.ts'
import { UserStore } from './adapters/auth/user-store.ts'
import { createLocalBroker } from './adapters/brokers/local/index.ts'
import { RedisAccounts } from './adapters/brokers/redis/accounts.ts'
import { RedisAttempts } from './adapters/brokers/redis/attempts.ts'
import { createRedisBroker } from './adapters/brokers/redis/broker.ts'
import { RedisNodeRegistry } from './adapters/brokers/redis/node-registry.ts'
import { RedisTickets } from './adapters/brokers/redis/tickets.ts'
import type { Settings } from './config/settings-type.ts'
import type { AccountStore, Attempts } from './core/ports/accounts.ts'
import type { Broker } from './core/ports/broker.ts'
import type { NodeRegistry } from './core/ports/node-registry.ts'
import type { Clock, Random } from './core/ports/system.ts'
import { type LogPorts, openLog, retentionMsOf } from './open-log.ts'

/** Its parts each connect by themselves, so the URL says by which certificates. */
export function withRedisCa(settings: Settings): Settings {
  const { redisUrl, redisCa } = settings
  if (redisUrl === undefined || redisCa === undefined) return settings
  const ca = `ca=${encodeURIComponent(redisCa)}`
  return { ...settings, redisUrl: `${redisUrl}${redisUrl.includes('?') ? '&' : '?'}${ca}` }
}

/**
 * @param secret the same on all nodes that share a Redis, which they check without storing it
 * @throws RoomfulError with a sentence when the data folder is in use, newer than this version, or cannot be used
 */
export function openBroker(settings: Settings, ports: LogPorts, secret: Uint8Array): Broker {
  const { redisUrl, redisPrefix, redisReplicas, sync, retention, dedupeWindowMs } = settings
  const { clock, random, observer } = ports
  if (redisUrl === undefined) return createLocalBroker({ log: openLog(settings, ports) })
  return createRedisBroker({
    url: redisUrl,
    prefix: redisPrefix,
    clock,
    random,
    retention,
    retentionMs: retentionMsOf(settings),
    dedupeWindowMs,
    secretDigest: () => digestOf(secret),
    otherSecretDigest: settings.jwtSecretOther && digestOf(Buffer.from(settings.jwtSecretOther)),
    mustSync: sync === 'full',
    replicas: redisReplicas,
    onFull: (events) => observer.observe({ type: 'made-room', events }),
    report: (message, isRisky) => observer.observe({ type: 'notice', message, isRisky }),
  })
}

/** Where the nodes that share the log find each other. @returns undefined for a server that runs alone */
export function openNodeRegistry({ redisUrl, redisPrefix }: Settings, clock: Clock): NodeRegistry | undefined {
  return redisUrl === undefined ? undefined : new RedisNodeRegistry({ url: redisUrl, prefix: redisPrefix, clock })
}

/** Where tickets wait until they are used: in Redis, where it may be another node that takes them. */
export function openTickets(
  { redisUrl, redisPrefix }: Settings,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): TicketOffice & { close?(): void } {
  if (redisUrl === undefined) return new Tickets(clock, random)
  return new RedisTickets({ url: redisUrl, prefix: redisPrefix, clock, random })
}

/** Accounts: in Redis those of all nodes, else in the data folder. @throws Error with a sentence when its file cannot be used */
export function openAccounts({ redisUrl, redisPrefix, data }: Settings, clock: Clock): AccountStore {
  if (redisUrl === undefined) return new UserStore(data, clock.now)
  return new RedisAccounts({ url: redisUrl, prefix: redisPrefix, clock })
}

/** Attempts to sign in, counted over all nodes. */
export function openAttempts(
  { redisUrl, redisPrefix }: Settings,
  clock: Clock,
  secret: Uint8Array,
): Attempts & { close?(): void } {
  const alone = new LocalAttempts(clock)
  return redisUrl === undefined
    ? alone
    : new RedisAttempts({ url: redisUrl, prefix: redisPrefix, clock, secret, alone })
}

/** Nodes compare it, so that Redis does not hold the secret. */
function digestOf(secret: Uint8Array): string {
  return createHmac('sha256', secret).update('roomful nodes of one secret').digest('base64url')
}
