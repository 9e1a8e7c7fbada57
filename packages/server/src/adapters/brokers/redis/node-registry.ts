/**
 * The nodes of a cluster in one sorted set: each with its address and the end of its lease, in the time of Redis, so that
 * the nodes' own clocks do not matter. A node that ends without leaving is out of the list when its lease is over.
 */

import type { NodeAddress, NodeRegistry } from '../../../core/ports/node-registry.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { DEFAULT_PREFIX } from './names.ts'
import { SingleCommands } from './single-commands.ts'

export interface RedisNodeRegistryOptions {
  readonly url: string
  /** Before every key, as that of the broker. */
  readonly prefix?: string | undefined
  readonly clock: Clock
}

const LEASE_MS = 8_000
const RENEW_MS = 2_000

const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)"
const RENEW = `${NOW} redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) return redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])`
const LIST = `${NOW} return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')`

export class RedisNodeRegistry implements NodeRegistry {
  private readonly options: RedisNodeRegistryOptions
  private readonly key: string
  private readonly commands: SingleCommands
  /** As it stands in the set; nothing before it joined and after it left. */
  private own: string | undefined
  private cancelRenewal: (() => void) | undefined

  constructor(options: RedisNodeRegistryOptions) {
    this.options = options
    this.key = `{${options.prefix ?? DEFAULT_PREFIX}}:nodes`
    this.commands = new SingleCommands(options.url, this.key, options.clock)
  }

  async join({ tag, url }: NodeAddress): Promise<void> {
    this.own = `${tag} ${url}`
    await this.renew()
  }

  async list(): Promise<readonly NodeAddress[]> {
    const members = await this.commands.ask<string[]>(['EVAL', LIST, '1', this.key])
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
    if (own !== undefined) await this.commands.ask(['ZREM', this.key, own]).catch(() => undefined)
    this.commands.close()
  }

  private async renew(): Promise<void> {
    if (this.own === undefined) return
    this.cancelRenewal?.()
    this.cancelRenewal = this.options.clock.after(RENEW_MS, () => void this.renew().catch(() => undefined))
    await this.commands.ask(['EVAL', RENEW, '1', this.key, String(LEASE_MS), this.own])
  }
}
