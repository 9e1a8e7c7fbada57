/** The store of several nodes: the contract of every store, and what only several nodes can do to each other. */
import { afterAll, expect, vi } from 'vitest'
import { startRedis } from '../../../server/test/redis/server.ts'
import { storeContract } from '../store-contract.ts'
import { nextPrefix, openStore } from './opening.ts'

let ms = Date.now()

function contract(name: string, url: () => Promise<string>): void {
  storeContract(name, async () => {
    const [prefix, at] = [nextPrefix(), await url()]
    const open = () => openStore(at, prefix, { time: () => ++ms })
    return { store: open(), another: async () => open() }
  })
}

const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
const cluster = await startRedis(['cluster-enabled', 'yes'])
afterAll(() => Promise.all([redis.stop(), cluster.stop()]))

contract('Redis', async () => redis.url)

contract('Redis without functions', async () => {
  await redis.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-function', '-fcall')
  return redis.url.replace('redis://', 'redis://app:secret@')
})

contract('Redis Cluster', async () => {
  if (String(await cluster.command('CLUSTER', 'INFO')).includes('cluster_slots_assigned:0')) {
    await cluster.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  }
  await vi.waitFor(async () => expect(await cluster.command('CLUSTER', 'INFO')).toContain('cluster_state:ok'), 10_000)
  return cluster.url
})
