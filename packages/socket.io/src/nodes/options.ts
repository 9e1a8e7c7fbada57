/** Whether a server looks for others, and where. */
import type { RedisStorage } from '@roomful/server/core'
import type { RoomfulOptions } from '../own-options.ts'
import type { ClusterOptions } from './cluster.ts'
import type { RedisAdapterOptions } from './redis-adapter.ts'

const KEY = 'socket.io'

/** @returns how servers and programs of Socket.IO are listened to; undefined for not at all */
export function redisAdapterOptions({
  redisAdapter,
  redisEmitter,
}: RoomfulOptions = {}): Pick<RedisAdapterOptions, 'key' | 'speaks'> | undefined {
  const given = redisAdapter || redisEmitter
  if (!given) return undefined
  return { key: typeof given === 'string' ? given : KEY, speaks: Boolean(redisAdapter) }
}

/** @param storage the Redis of the log, with durable events. @returns undefined for a server that stays alone */
export function clusterOptions(
  { redisUrl, application }: RoomfulOptions = {},
  storage: RedisStorage | undefined,
): Omit<ClusterOptions, 'onTold' | 'redisAdapter'> | undefined {
  const { env } = process
  const url =
    storage?.url ?? (redisUrl === undefined ? withCa(env.REDIS_URL || undefined, env.ROOMFUL_REDIS_CA) : redisUrl)
  if (url === undefined || url === false) return undefined
  return {
    url,
    prefix: storage ? storage.prefix : env.ROOMFUL_REDIS_PREFIX || undefined,
    application,
    secret: env.JWT_SECRET || undefined,
    nodeUrl: env.ROOMFUL_NODE_URL || undefined,
  }
}

function withCa(url: string | undefined, ca: string | undefined): string | undefined {
  if (url === undefined || !ca) return url
  return `${url}${url.includes('?') ? '&' : '?'}ca=${encodeURIComponent(ca)}`
}
