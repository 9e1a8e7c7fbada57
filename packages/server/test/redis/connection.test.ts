/** One connection to Redis, over a client of the test's own. */
import { expect, it, onTestFinished } from 'vitest'
import type { RedisClient } from '../../src/adapters/brokers/redis/client.ts'
import { Connection, ConnectionLostError } from '../../src/adapters/brokers/redis/connection.ts'
import { library } from '../../src/adapters/brokers/redis/library.ts'
import { systemClock } from '../../src/adapters/system/clock-and-random.ts'

it('is down as soon as a command found the client closed, so that a caller that tries again waits', async () => {
  let isClosed = false
  const client: RedisClient = {
    async sendCommand<T>() {
      if (isClosed) throw new Error('The client is closed')
      return 'OK' as T
    },
    sSubscribe: async () => undefined,
    on: () => undefined, // it reports its end later, if at all
    destroy: () => undefined,
  }
  const up = Promise.withResolvers<void>()
  const changes: string[] = []
  const connection = new Connection({
    clock: systemClock,
    redis: async () => ({ connect: async () => client, isReply: (error): error is Error => error === undefined }),
    library,
    silenceMs: 3_000,
    key: '{test}:ns',
    mailbox: '{test}:mb',
    events: {
      prepare: async () => undefined,
      onMessage: () => undefined,
      onUp() {
        changes.push('up')
        up.resolve()
      },
      onDown: () => changes.push('down'),
    },
  })
  onTestFinished(() => connection.close())
  connection.start()
  await up.promise
  isClosed = true
  await expect(connection.send(['PING'])).rejects.toThrow(ConnectionLostError)
  expect([connection.up, ...changes]).toEqual([false, 'up', 'down'])
})
