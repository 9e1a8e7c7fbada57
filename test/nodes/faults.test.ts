/** Two real nodes and their Redis that end, politely or not, while clients of every kind talk in one room. D2, D9, D15, C20. */
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '@roomful/client'
import { io } from 'socket.io-client'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { Cluster } from '../../scripts/lib/cluster/cluster.ts'
import type { Service } from '../../scripts/lib/cluster/service.ts'
import { startCluster } from './start-cluster.ts'

const server = [
  '--conditions=source',
  fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url)),
  'serve',
]
const MESSAGE_EVERY_MS = 50
/** Before and after a fault. */
const CALM_MS = 500

interface Listener {
  readonly name: string
  readonly heard: string[]
}

function listen(name: string): Listener & { hear(content: string): void } {
  const heard: string[] = []
  return { name, heard, hear: (content) => heard.push(content) }
}

async function sdk(url: string, name: string, transport: 'websocket' | 'sse' | 'poll') {
  const client: Client = connect(url, { namespace: '/public', name, transports: [transport] })
  onTestFinished(() => client.close())
  const listener = listen(name)
  const room = client.room('lobby')
  room.on('message:new', ({ content }) => listener.hear(content))
  await room.ready
  return { ...listener, send: (content: string) => room.send(content) }
}

async function socketIo(url: string, name: string, transports: string[]): Promise<Listener> {
  const socket = io(`${url}/public`, { transports, forceNew: true, auth: { name }, reconnectionDelay: 100 })
  onTestFinished(() => void socket.disconnect())
  const listener = listen(name)
  socket.on('message:new', ({ content }) => listener.hear(content))
  await new Promise((resolve) => socket.once('connect', () => resolve(0)))
  await socket.emitWithAck('room:join', 'lobby')
  return listener
}

/** Clients talk until this is over. */
async function talkDuring(cluster: Cluster, fault: () => Promise<void>) {
  const { url } = cluster
  const talking = [
    await sdk(url, 'WebSocket', 'websocket'),
    await sdk(url, 'Stream', 'sse'),
    await sdk(url, 'Polls', 'poll'),
  ]
  const listeners: Listener[] = [
    ...talking,
    await socketIo(url, 'Polling', ['polling']),
    await socketIo(url, 'Upgraded', ['polling', 'websocket']),
  ]
  let isOver = false
  const sent: string[] = []
  const sending: Promise<unknown>[] = []
  const talk = (async () => {
    while (!isOver) {
      const content = `message ${sent.length + 1}`
      const [who] = talking.slice(sent.length % talking.length)
      sent.push(content)
      sending.push(who?.send(content) as Promise<unknown>)
      await setTimeout(MESSAGE_EVERY_MS)
    }
  })()
  await setTimeout(CALM_MS)
  await fault()
  await setTimeout(CALM_MS)
  isOver = true
  await talk
  await Promise.all(sending) // each is acknowledged
  for (const { name, heard } of listeners) {
    const missing = (): string[] => sent.filter((content) => !heard.includes(content))
    await expect.poll(() => ({ name, missing: missing() }), { timeout: 20_000 }).toEqual({ name, missing: [] })
    expect(heard, name).toEqual(listeners[0]?.heard)
  }
  expect(listeners[0]?.heard).toHaveLength(sent.length)
}

beforeEach(() => {
  vi.stubEnv('ROOMFUL_RATE_PER_MINUTE', '0')
  vi.stubEnv('ROOMFUL_RATE_PER_SECOND', '0')
})
afterEach(() => void vi.unstubAllEnvs())

/** As its supervisor sees it end. */
async function kill(service: Service): Promise<void> {
  const { pid } = service
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  await expect.poll(() => service.pid !== undefined && service.pid !== pid, { timeout: 20_000 }).toBe(true)
}

it('[D9] [D15] a rolling restart: nothing is lost, repeated or out of order', async () => {
  const { cluster, sentences } = await startCluster(server)
  await talkDuring(cluster, () => cluster.restartNodes())
  expect(sentences).toContain('Node 2 of 2 has restarted.')
})

it('[D2] [D15] kill -9 of one node after another: nothing is lost, repeated or out of order', async () => {
  const { cluster } = await startCluster(server)
  await talkDuring(cluster, async () => {
    for (const node of cluster.nodes) await kill(node)
  })
})

it('[D2] kill -9 of Redis: nothing is lost, repeated or out of order', async () => {
  const { cluster } = await startCluster(server)
  await talkDuring(cluster, () => kill(cluster.redis))
})
