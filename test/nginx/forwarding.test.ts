/** Two nodes behind nginx, which sends each request to either: clients whose session takes many requests. D15, N11. */
import { connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { io, type Socket } from 'socket.io-client'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { NodeBoard } from '../../packages/server/test/forwarding/memory-registry.ts'
import { startHttpNginx } from './nginx.ts'

const MESSAGES = Array.from({ length: 30 }, (_, i) => `message ${i + 1}`)

let nodes: Roomful[]
let url: string
let board: NodeBoard
let forwarded: string[]

beforeEach(async () => {
  board = new NodeBoard()
  forwarded = []
  const ports: number[] = []
  nodes = []
  for (let i = 0; i < 2; i++) {
    const node = createRoomful({
      ...{ data: ':memory:', jwtSecret: 'a secret that all nodes have, of 32 bytes', trustProxy: ['127.0.0.1'] },
      ...{ ratePerSecond: 0, ratePerMinute: 0, nodeRegistry: board.view() },
      observer: { observe: (fact) => fact.type === 'forwarded' && forwarded.push(`${fact.what} ${fact.ok}`) },
    }).standardNamespaces()
    onTestFinished(() => node.close())
    nodes.push(node)
    ports.push((await node.listen({ port: 0, host: '127.0.0.1' })).port)
  }
  const nginx = await startHttpNginx(ports)
  onTestFinished(() => nginx.stop())
  url = nginx.url
})

async function socketIo(transports: string[]): Promise<{ socket: Socket; heard: string[] }> {
  const socket = io(`${url}/public`, { forceNew: true, transports, auth: { name: 'Ann' } })
  onTestFinished(() => void socket.disconnect())
  const heard: string[] = []
  socket.on('message:new', ({ content }) => heard.push(content))
  await new Promise((resolve, reject) => socket.once('connect', () => resolve(0)).once('connect_error', reject))
  await socket.emitWithAck('room:join', 'lobby')
  return { socket, heard }
}

const send = (socket: Socket, content: string): Promise<unknown> =>
  socket.emitWithAck('message:send', { roomId: 'lobby', content })

/** nginx takes the nodes in turn: what comes next goes to the other one than it would have. */
const skipOne = (): Promise<Response> => fetch(`${url}/health`)

const connections = (): number => nodes.reduce((sum, node) => sum + hubOf(node).links.open.size, 0)

it('[Z1] [D15] Socket.IO by polling alone: everything comes, in order, with one connection and no failed request', async () => {
  const { socket, heard } = await socketIo(['polling'])
  let losses = 0
  socket.on('disconnect', () => losses++)
  for (const content of MESSAGES) await send(socket, content)
  await expect.poll(() => heard).toEqual(MESSAGES)
  expect([losses, connections()]).toEqual([0, 1])
  expect(forwarded.filter((outcome) => outcome === 'request true').length).toBeGreaterThan(MESSAGES.length / 2)
  expect(new Set(forwarded)).toEqual(new Set(['request true']))
})

it('[Z1] [D15] Socket.IO that begins by polling becomes a WebSocket, on whatever node the upgrade lands', async () => {
  // Alone, its requests would always come to the same nodes in turn.
  let isOver = false
  const others = (async () => {
    while (!isOver) await skipOne()
  })()
  for (let i = 0; i < 20 && !forwarded.includes('upgrade true'); i++) {
    const { socket, heard } = await socketIo(['polling', 'websocket'])
    await expect.poll(() => socket.io.engine.transport.name).toBe('websocket')
    for (const content of MESSAGES) await send(socket, content)
    await expect.poll(() => heard).toEqual(MESSAGES)
    socket.disconnect()
  }
  isOver = true
  await others
  expect(forwarded).toContain('upgrade true')
  expect(forwarded).not.toContain('request false')
  await expect.poll(connections).toBe(0)
})

it.each(['sse', 'poll'] as const)('[Z1] [D15] the SDK over HTTP by %s', async (transport) => {
  const client = connect(url, { namespace: '/public', name: 'Ann', transports: [transport] })
  onTestFinished(() => client.close())
  const room = client.room('lobby')
  const heard: string[] = []
  room.on('message:new', ({ content }) => heard.push(content))
  await room.ready
  for (const content of MESSAGES) await room.send(content)
  await expect.poll(() => heard).toEqual(MESSAGES)
  expect(client.state).toMatchObject({ transport })
  expect(connections()).toBe(1)
  expect(forwarded.filter((outcome) => outcome === 'request true').length).toBeGreaterThan(5)
  expect(new Set(forwarded)).toEqual(new Set(['request true']))
})

it('[Z2] [D9] [D15] a node that ends: its polling clients are on the other one at once, without an error page', async () => {
  const clients: Awaited<ReturnType<typeof socketIo>>[] = []
  for (let i = 0; i < 4; i++) {
    if (i % 2 === 1) await skipOne()
    clients.push(await socketIo(['polling']))
  }
  const [first, second] = nodes as [Roomful, Roomful]
  expect(hubOf(first).links.open.size).toBeGreaterThan(0)
  await first.close()
  await expect.poll(() => hubOf(second).links.open.size, { timeout: 15_000 }).toBe(clients.length)
  await expect.poll(() => clients.every(({ socket }) => socket.connected)).toBe(true)
  for (const { socket } of clients) {
    await socket.emitWithAck('room:join', 'lobby')
    await send(socket, 'still here')
  }
  await expect.poll(() => clients.every(({ heard }) => heard.at(-1) === 'still here')).toBe(true)
})
