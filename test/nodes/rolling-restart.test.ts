/** Two real nodes that are replaced one after another, while clients of every kind talk in one room. D9, D15, C20. */
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '@roomful/client'
import { io } from 'socket.io-client'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startCluster } from './start-cluster.ts'

const server = [
  '--conditions=source',
  fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url)),
  'serve',
]
const MESSAGE_EVERY_MS = 50

interface Listener {
  readonly name: string
  readonly heard: string[]
}

function listen(name: string): Listener & { hear(content: string): void } {
  const heard: string[] = []
  return { name, heard, hear: (content) => heard.push(content) }
}

async function sdk(url: string, name: string, transport: 'websocket' | 'sse' | 'poll', gone: string[]) {
  const client: Client = connect(url, { namespace: '/public', name, transports: [transport] })
  onTestFinished(() => client.close())
  const listener = listen(name)
  const room = client.room('lobby')
  room.on('message:new', ({ content }) => listener.hear(content))
  room.on('user:left', ({ userId }) => gone.push(userId))
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

it('[D9] [D15] nothing is lost, repeated or out of order for any client, and no user is said to have left', async () => {
  vi.stubEnv('ROOMFUL_RATE_PER_MINUTE', '0')
  vi.stubEnv('ROOMFUL_RATE_PER_SECOND', '0')
  onTestFinished(() => void vi.unstubAllEnvs())
  const { cluster, sentences } = await startCluster(server)
  const { url } = cluster
  const gone: string[] = []
  const talking = [
    await sdk(url, 'WebSocket', 'websocket', gone),
    await sdk(url, 'Stream', 'sse', gone),
    await sdk(url, 'Polls', 'poll', gone),
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
      await new Promise((resolve) => setTimeout(resolve, MESSAGE_EVERY_MS))
    }
  })()
  await cluster.restartNodes()
  isOver = true
  await talk
  await Promise.all(sending) // each is acknowledged
  expect(sentences).toContain('Node 2 of 2 has restarted.')
  for (const { name, heard } of listeners) {
    await expect.poll(() => heard.length, { timeout: 15_000, message: name }).toBe(sent.length)
    expect(heard, name).toEqual(listeners[0]?.heard)
  }
  expect(new Set(listeners[0]?.heard)).toEqual(new Set(sent))
  expect(gone).toEqual([])
})
