/** Nodes that find each other through a real Redis. D15. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { RedisNodeRegistry } from '../../src/adapters/brokers/redis/node-registry.ts'
import { systemClock } from '../../src/adapters/system/clock-and-random.ts'
import { type RedisServer, startRedis } from './server.ts'

const [ONE, TWO] = [
  { tag: 'first0', url: 'http://10.0.0.1:8080' },
  { tag: 'second', url: 'http://[fd00::2]:8080' },
]

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

function open(prefix: string): RedisNodeRegistry {
  const registry = new RedisNodeRegistry({ url: redis.url, prefix, clock: systemClock })
  onTestFinished(() => registry.leave())
  return registry
}

it('[Z1] a node is in the list of the others once it joined, until it leaves', async () => {
  const [one, two, stranger] = [open('a'), open('a'), open('b')]
  expect(await two.list()).toEqual([])
  await one.join(ONE)
  await two.join(TWO)
  expect(await two.list()).toEqual([ONE, TWO])
  expect(await stranger.list()).toEqual([])
  await one.leave()
  expect(await two.list()).toEqual([TWO])
})

it('a node that ended without leaving is out of the list when its lease is over', async () => {
  const one = open('c')
  await one.join(ONE)
  await redis.command('ZADD', '{c}:nodes', '1', 'killed http://10.0.0.3:8080')
  expect(await one.list()).toEqual([ONE])
  const end = Number(await redis.command('ZSCORE', '{c}:nodes', 'first0 http://10.0.0.1:8080'))
  expect(end - Date.now()).toBeGreaterThan(6_000)
  expect(end - Date.now()).toBeLessThan(10_000)
})

it('a node is in the list again after Redis was away, or lost the list', async () => {
  const [one, two] = [open('d'), open('d')]
  await one.join(ONE)
  await redis.kill()
  await expect(two.list()).rejects.toThrow()
  await redis.start()
  await redis.command('FLUSHALL')
  await expect.poll(() => two.list().catch(() => []), { timeout: 10_000, interval: 100 }).toEqual([ONE])
})

it('a Redis that does not answer is given up after two seconds, and asked on a new connection then', async () => {
  const one = open('e')
  await one.join(ONE)
  redis.pause()
  try {
    await expect(one.list()).rejects.toThrow('Redis did not answer')
  } finally {
    redis.resume()
  }
  expect(await one.list()).toEqual([ONE])
})
