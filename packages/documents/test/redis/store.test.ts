/** The store of several nodes: the contract of every store, and what only several nodes can do to each other. */
import { afterAll } from 'vitest'
import { startRedis } from '../../../server/test/redis/server.ts'
import { storeContract } from '../store-contract.ts'
import { nextPrefix, openStore } from './opening.ts'

const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
afterAll(() => redis.stop())

let ms = Date.now()

storeContract('Redis', async () => {
  const prefix = nextPrefix()
  const open = () => openStore(redis.url, prefix, { time: () => ++ms })
  return { store: open(), another: async () => open() }
})
