/** The cluster of `npm run cluster`: real Redis, real nginx, and nodes that stand for those of an application. */
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Cluster, ClusterOptions } from '../../scripts/lib/cluster/cluster.ts'
import { startCluster } from './start-cluster.ts'

const program = [fileURLToPath(new URL('fixtures/plain-node.ts', import.meta.url))]

interface About {
  readonly name: string
  readonly pid: number
  readonly redisUrl: string
  readonly secret: string
}

const startPlain = (given?: Partial<ClusterOptions>) => startCluster(program, given)

/** Two requests: nginx takes the nodes in turn. */
async function bothNodes({ url }: Cluster): Promise<About[]> {
  const answers: About[] = []
  for (let i = 0; i < 2; i++) answers.push((await (await fetch(url)).json()) as About)
  return answers.toSorted((a, b) => a.name.localeCompare(b.name))
}

async function openRedis(node: About | undefined) {
  const client = createClient({ url: node?.redisUrl ?? '' }).on('error', () => undefined) // it is killed
  onTestFinished(() => client.destroy())
  return client.connect()
}

it('[D15] the nodes share a Redis and a secret, and get requests in turn', async () => {
  const { cluster } = await startPlain()
  const [one, two] = await bothNodes(cluster)
  expect([one?.name, two?.name]).toEqual(['node-1', 'node-2'])
  expect(two).toEqual({ ...one, name: 'node-2', pid: two?.pid })
  expect(one?.secret.length).toBeGreaterThanOrEqual(32)
  const client = await openRedis(one)
  expect(await client.configGet('append*')).toMatchObject({ appendonly: 'yes', appendfsync: 'always' })
  expect(await client.configGet('maxmemory-policy')).toEqual({ 'maxmemory-policy': 'noeviction' })
})

it('[D9] a rolling restart replaces every node, and no request fails meanwhile', async () => {
  const { cluster } = await startPlain()
  const before = await bothNodes(cluster)
  let isOver = false
  const statuses: number[] = []
  const asking = (async () => {
    while (!isOver) statuses.push((await fetch(cluster.url)).status)
  })()
  await cluster.restartNodes()
  isOver = true
  await asking
  expect(new Set(statuses)).toEqual(new Set([200]))
  const after = await bothNodes(cluster)
  for (const [i, { pid }] of after.entries()) expect(pid).not.toBe(before[i]?.pid)
})

it('what ends by itself is started again: a node, Redis with what it stored', async () => {
  const { cluster, sentences } = await startPlain()
  const [one] = await bothNodes(cluster)
  const client = await openRedis(one)
  await client.set('kept', 'yes')
  const { pid: nodePid } = cluster.nodes[0] ?? {}
  const { pid: redisPid } = cluster.redis
  for (const pid of [nodePid, redisPid]) if (pid) process.kill(pid, 'SIGKILL')
  await vi.waitFor(() => {
    expect(cluster.nodes[0]?.pid).not.toBe(nodePid)
    expect([cluster.nodes[0]?.pid, cluster.redis.pid]).not.toContain(undefined)
    expect(cluster.redis.pid).not.toBe(redisPid)
  }, 15_000)
  expect(await client.get('kept')).toBe('yes')
  expect(sentences).toContain('Node 1 ended by itself; starting it again.')
  expect(sentences).toContain('Redis ended by itself; starting it again.')
})

it('says in a sentence which program is missing, and that the port is in use', async () => {
  vi.stubEnv('REDIS_SERVER', '/nowhere/redis-server')
  onTestFinished(() => void vi.unstubAllEnvs())
  await expect(startPlain()).rejects.toThrow('REDIS_SERVER names /nowhere/redis-server, which is not a program.')
  vi.unstubAllEnvs()
  vi.stubEnv('PATH', '/nowhere')
  await expect(startPlain()).rejects.toThrow('redis-server is not installed. On Debian or Ubuntu: apt-get install')
  vi.unstubAllEnvs()
  const { cluster } = await startPlain({ nodes: 1 })
  const port = Number(new URL(cluster.url).port)
  await expect(startPlain({ port })).rejects.toThrow(`Port ${port} is in use.`)
})
