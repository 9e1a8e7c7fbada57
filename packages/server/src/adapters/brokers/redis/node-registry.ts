/**
 * The nodes of a cluster in one sorted set: each with its address and the end of its lease, in the time of Redis, so that
 * the nodes' own clocks do not matter. A node that ends without leaving is out of the list when its lease is over.
 */

import type { NodeAddress, NodeRegistry } from '../../../core/ports/node-registry.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { openRedis, type Redis, type RedisClient } from './client.ts'
import { DEFAULT_PREFIX } from './names.ts'

export interface RedisNodeRegistryOptions {
  readonly url: string
  /** Before every key, as that of the broker. */
  readonly prefix?: string | undefined
  readonly clock: Clock
}

const LEASE_MS = 8_000
const RENEW_MS = 2_000
/** Redis may be away, or a connection dead without a word. */
const ANSWER_WITHIN_MS = 2_000

const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)"
const RENEW = `${NOW} redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) return redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])`
const LIST = `${NOW} return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')`

export class RedisNodeRegistry implements NodeRegistry {
  private readonly options: RedisNodeRegistryOptions
  private readonly key: string
  private redis: Promise<Redis> | undefined
  private client: Promise<RedisClient> | undefined
  /** As it stands in the set; nothing before it joined and after it left. */
  private own: string | undefined
  private cancelRenewal: (() => void) | undefined

  constructor(options: RedisNodeRegistryOptions) {
    this.options = options
    this.key = `{${options.prefix ?? DEFAULT_PREFIX}}:nodes`
  }

  async join({ tag, url }: NodeAddress): Promise<void> {
    this.own = `${tag} ${url}`
    await this.renew()
  }

  async list(): Promise<readonly NodeAddress[]> {
    const members = await this.ask<string[]>(['EVAL', LIST, '1', this.key])
    return members.map((member) => {
      const end = member.indexOf(' ')
      return { tag: member.slice(0, end), url: member.slice(end + 1) }
    })
  }

  /** Also when Redis is away: the lease ends by itself. */
  async leave(): Promise<void> {
    const { own } = this
    this.own = undefined
    this.cancelRenewal?.()
    if (own !== undefined) await this.ask(['ZREM', this.key, own]).catch(() => undefined)
    this.drop()
  }

  private async renew(): Promise<void> {
    if (this.own === undefined) return
    this.cancelRenewal?.()
    this.cancelRenewal = this.options.clock.after(RENEW_MS, () => void this.renew().catch(() => undefined))
    await this.ask(['EVAL', RENEW, '1', this.key, String(LEASE_MS), this.own])
  }

  /** @throws Error (rejects) when there is no answer in time; the next question has a new connection then */
  private async ask<T>(command: readonly string[]): Promise<T> {
    const late = Promise.withResolvers<never>()
    const cancel = this.options.clock.after(ANSWER_WITHIN_MS, () => late.reject(new Error('Redis did not answer')))
    try {
      this.client ??= this.connect()
      const client = await Promise.race([this.client, late.promise])
      return await Promise.race([client.sendCommand<T>(command), late.promise])
    } catch (error) {
      this.drop()
      throw error
    } finally {
      cancel()
    }
  }

  private async connect(): Promise<RedisClient> {
    this.redis ??= openRedis(this.options.url)
    return (await this.redis).connect(this.key)
  }

  private drop(): void {
    this.client?.then(
      (client) => client.destroy(),
      () => undefined,
    )
    this.client = undefined
  }
}
