/** Counts attempts of all nodes together. Keys are kept as keyed hashes, since they hold names and addresses. */
import { createHmac } from 'node:crypto'
import type { AttemptLimit, Attempts } from '../../../core/ports/accounts.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { clusterNames, DEFAULT_PREFIX } from './names.ts'
import { SingleCommands } from './single-commands.ts'

export interface RedisAttemptsOptions {
  readonly url: string
  /** Before every key, as that of the broker. */
  readonly prefix?: string | undefined
  readonly clock: Clock
  readonly secret: Uint8Array
  /** Counts while Redis does not answer. */
  readonly alone: Attempts
  /** Another time than Redis', for tests. */
  readonly time?: (() => number) | undefined
}

const DIGEST_LENGTH = 22

// Of each key the times of its latest attempts, as many as its limit: the oldest of them says when the next one is free.
// ARGV: 1 to count, the time of a test; then key, limit, window of each. @returns ms to wait
const TAKE = `local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local wait = 0
for i = 3, #ARGV, 3 do
  local oldest = redis.call('LINDEX', KEYS[1] .. ARGV[i], -ARGV[i + 1])
  if oldest then wait = math.max(wait, oldest + ARGV[i + 2] - now) end
end
if wait > 0 or ARGV[1] ~= '1' then return wait end
for i = 3, #ARGV, 3 do
  local key = KEYS[1] .. ARGV[i]
  redis.call('RPUSH', key, now)
  redis.call('LTRIM', key, -ARGV[i + 1], -1)
  redis.call('PEXPIRE', key, ARGV[i + 2])
end
return 0`
const GIVE_BACK = `for i = 1, #ARGV do redis.call('RPOP', KEYS[1] .. ARGV[i]) end return 1`

export class RedisAttempts implements Attempts {
  private readonly key: string
  private readonly secret: Uint8Array
  private readonly alone: Attempts
  private readonly time: (() => number) | undefined
  private readonly commands: SingleCommands

  constructor({ url, prefix = DEFAULT_PREFIX, clock, secret, alone, time }: RedisAttemptsOptions) {
    this.key = clusterNames(prefix).attempts
    this.secret = secret
    this.alone = alone
    this.time = time
    this.commands = new SingleCommands(url, this.key, clock)
  }

  async take(limits: readonly AttemptLimit[]): Promise<number> {
    try {
      return await this.ask<number>(TAKE, ['1', this.now, ...this.argumentsOf(limits)])
    } catch {
      return this.alone.take(limits)
    }
  }

  async wait(limit: AttemptLimit): Promise<number> {
    try {
      return await this.ask<number>(TAKE, ['', this.now, ...this.argumentsOf([limit])])
    } catch {
      return this.alone.wait(limit)
    }
  }

  async giveBack(keys: readonly string[]): Promise<void> {
    try {
      await this.ask(GIVE_BACK, keys.map((key) => this.digest(key))) // biome-ignore format: one call
    } catch {
      await this.alone.giveBack(keys)
    }
  }

  close(): void {
    this.commands.close()
  }

  private get now(): string {
    return this.time ? String(this.time()) : ''
  }

  private argumentsOf(limits: readonly AttemptLimit[]): string[] {
    return limits.flatMap(([key, limit, windowMs]) => [this.digest(key), String(limit), String(windowMs)])
  }

  private digest(key: string): string {
    return createHmac('sha256', this.secret).update(`attempt ${key}`).digest('base64url').slice(0, DIGEST_LENGTH)
  }

  private ask<T>(script: string, args: readonly string[]): Promise<T> {
    return this.commands.ask<T>(['EVAL', script, '1', this.key, ...args])
  }
}
