/** The Redis broker against the contract that every broker keeps, on a real Redis. */
import { brokerContract } from '@roomful/testkit/contracts/broker'
import { afterAll } from 'vitest'
import { openOnRedis } from './opening.ts'
import { startRedis } from './server.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

brokerContract('Redis', openOnRedis(redis.url), true)
