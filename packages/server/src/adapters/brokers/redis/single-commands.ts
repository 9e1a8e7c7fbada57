/** Single commands that any node may ask, apart from the calls of a namespace: a connection that is made when it is needed. */
import type { Clock } from '../../../core/ports/system.ts'
import { openRedis, type Redis, type RedisClient } from './client.ts'

/** Redis may be away, or a connection dead without a word. */
const ANSWER_WITHIN_MS = 2_000

export class SingleCommands {
  private readonly url: string
  private readonly key: string
  private readonly clock: Clock
  private redis: Promise<Redis> | undefined
  private client: Promise<RedisClient> | undefined

  /** @param key where it is, there is the connection */
  constructor(url: string, key: string, clock: Clock) {
    this.url = url
    this.key = key
    this.clock = clock
  }

  /** @throws Error (rejects) when there is no answer in time; the next question has a new connection then */
  async ask<T>(command: readonly string[]): Promise<T> {
    const late = Promise.withResolvers<never>()
    const cancel = this.clock.after(ANSWER_WITHIN_MS, () => late.reject(new Error('Redis did not answer')))
    try {
      this.client ??= this.connect()
      const client = await Promise.race([this.client, late.promise])
      return await Promise.race([client.sendCommand<T>(command), late.promise])
    } catch (error) {
      this.close()
      throw error
    } finally {
      cancel()
    }
  }

  /** The connection; the next question makes another one. */
  close(): void {
    this.client?.then(
      (client) => client.destroy(),
      () => undefined,
    )
    this.client = undefined
  }

  private async connect(): Promise<RedisClient> {
    this.redis ??= openRedis(this.url)
    return (await this.redis).connect(this.key)
  }
}
