/** Single commands that any node may ask, apart from the calls of a namespace: a connection that is made when it is needed. */
import type { Clock } from '../../../core/ports/system.ts'
import { ELSEWHERE } from './calls.ts'
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

  /**
   * A command that does no harm if Redis executes it twice: on a connection that was there before and has broken, or on one
   * to a server that is no longer the right one, it is sent once more.
   * @throws Error (rejects) when there is no answer in time, or what Redis answered
   */
  async ask<T>(command: readonly string[]): Promise<T> {
    const late = Promise.withResolvers<never>()
    const cancel = this.clock.after(ANSWER_WITHIN_MS, () => late.reject(new Error('Redis did not answer')))
    const wasThere = this.client !== undefined
    try {
      return await this.send<T>(command, late.promise)
    } catch (error) {
      if (!wasThere || this.client !== undefined) throw error
      return await this.send<T>(command, late.promise)
    } finally {
      cancel()
    }
  }

  /** The connection; the next question makes another one. */
  close(): void {
    if (this.client) this.drop(this.client)
  }

  private async send<T>(command: readonly string[], late: Promise<never>): Promise<T> {
    this.client ??= this.connect()
    const { client } = this
    try {
      return await Promise.race([(await Promise.race([client, late])).sendCommand<T>(command), late])
    } catch (error) {
      const isReply = (await this.redis)?.isReply(error) ?? false
      if (!isReply || ELSEWHERE.test((error as Error).message)) this.drop(client)
      throw error
    }
  }

  /** Another question may have made a new one by now, which stays. */
  private drop(client: Promise<RedisClient>): void {
    if (this.client === client) this.client = undefined
    client.then(
      (each) => each.destroy(),
      () => undefined,
    )
  }

  private async connect(): Promise<RedisClient> {
    this.redis ??= openRedis(this.url)
    return (await this.redis).connect(this.key)
  }
}
