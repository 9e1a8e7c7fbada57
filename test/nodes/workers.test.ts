/** Several processes on one port, started as a user does: `ROOMFUL_WORKERS`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect } from '@roomful/client'
import { createClient } from 'redis'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { type RedisServer, startRedis } from '../../scripts/lib/cluster/redis.ts'
import { Server, UNLIMITED } from '../outside/lib/server.ts'
import { token } from '../outside/lib/token.ts'

const entry = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'roomful-workers-'))

let redis: RedisServer
let prefixes = 0

beforeAll(async () => {
  redis = await startRedis({ port: await freePort(), folder, appendfsync: 'off' })
})
afterAll(async () => {
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function serve(workers = 2): Promise<Server> {
  const env = {
    ...UNLIMITED,
    ROOMFUL_WORKERS: String(workers),
    REDIS_URL: redis.url,
    ROOMFUL_REDIS_PREFIX: `workers${++prefixes}`,
  }
  const server = await Server.start({ entry, args: ['serve'], env })
  onTestFinished(() => server.dispose())
  await expect.poll(() => server.output, { timeout: 20_000 }).toContain(`${workers} on this port`)
  return server
}

/** Processes that the server has started. */
function childrenOf({ process: { pid } }: Server): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return list.split(' ').filter(Boolean).map(Number)
}

/** A request again and again, each on a connection of its own or all on one, until `stop`. */
function ask(url: string, headers: Record<string, string> = {}) {
  const statuses = new Set<number | string>()
  let isOver = false
  onTestFinished(() => {
    isOver = true
  })
  const asking = (async () => {
    while (!isOver) {
      statuses.add(
        await fetch(url, { headers }).then(
          async (response) => {
            await response.arrayBuffer()
            return response.status
          },
          (error: Error) => String(error.cause ?? error),
        ),
      )
    }
  })()
  return {
    stop: async () => {
      isOver = true
      await asking
      return [...statuses]
    },
  }
}

async function member({ http }: Server, name: string, gone: string[]) {
  const client = connect(http, { namespace: '/public', name })
  onTestFinished(() => client.close())
  const heard: string[] = []
  const room = client.room('lobby')
  room.on('message:new', ({ content }) => heard.push(content))
  room.on('user:left', ({ userId }) => gone.push(userId))
  await room.ready
  return { room, heard }
}

async function polling({ http }: Server) {
  const socket = io(`${http}/public`, { transports: ['polling'], forceNew: true, auth: { name: 'Polling' } })
  onTestFinished(() => void socket.disconnect())
  const heard: string[] = []
  socket.on('message:new', ({ content }) => heard.push(content))
  await new Promise((resolve) => socket.once('connect', () => resolve(0)))
  await socket.emitWithAck('room:join', 'lobby')
  return { heard }
}

it('[D15] [Z1] two processes share a port: what belongs to one of them gets there from either', async () => {
  const server = await serve()
  expect(childrenOf(server)).toHaveLength(2)
  const clients = await Promise.all(['a', 'b', 'c', 'd'].map((name) => member(server, name, [])))
  const { heard } = await polling(server)
  for (const [i, { room }] of clients.entries()) await room.send(`message ${i}`)
  const all = ['message 0', 'message 1', 'message 2', 'message 3']
  for (const each of [heard, ...clients.map((client) => client.heard)]) await expect.poll(() => each).toEqual(all)
  expect(server.output.match(/Roomful is on/g)).toHaveLength(1)
})

it('[T8] the port that a process has for other nodes answers them alone', async () => {
  await serve()
  const client = createClient({ url: redis.url })
  await client.connect()
  onTestFinished(() => client.destroy())
  const nodes = await client.zRange(`{workers${prefixes}}:nodes`, 0, -1)
  expect(nodes).toHaveLength(2)
  for (const node of nodes) {
    const [, url] = node.split(' ')
    expect((await fetch(`${url}/health`)).status).toBe(403)
    const socket = new WebSocket(`${url?.replace('http', 'ws')}/ws/public`)
    expect(await new Promise((resolve) => socket.addEventListener('error', () => resolve('refused')))).toBe('refused')
  }
})

it('[T6] [D2] a process that is killed is started again, and the others go on', async () => {
  const server = await serve()
  const [first = 0, second = 0] = childrenOf(server)
  process.kill(first, 'SIGKILL')
  await expect.poll(() => server.output, { timeout: 20_000 }).toContain(`Process ${first} ended by itself`)
  expect((await fetch(`${server.http}/health`)).status).toBe(200)
  await expect.poll(() => childrenOf(server).length, { timeout: 20_000 }).toBe(2)
  expect(childrenOf(server)).toContain(second)
})

it('[T7] [D9] SIGHUP replaces them one after another: no request fails, no message is lost, no user leaves', async () => {
  const server = await serve()
  const before = childrenOf(server)
  const gone: string[] = []
  const clients = await Promise.all(['a', 'b', 'c', 'd'].map((name) => member(server, name, gone)))
  const poller = await polling(server)
  const authorization = `Bearer ${token({ sub: 'eve', name: 'Eve' })}`
  const kept = [ask(`${server.http}/api/rooms/lobby/events`, { authorization }), ask(`${server.http}/health`)]
  const fresh = ask(`${server.http}/client.html`, { connection: 'close' })
  const sent: string[] = []
  let isOver = false
  onTestFinished(() => {
    isOver = true
  })
  const talking = (async () => {
    for (let i = 0; !isOver; i++) {
      const content = `message ${i}`
      sent.push(content)
      await clients[i % clients.length]?.room.send(content)
      await setTimeout(20)
    }
  })()
  server.process.kill('SIGHUP')
  await expect.poll(() => server.output, { timeout: 60_000 }).toContain('Process 2 of 2 was replaced.')
  isOver = true
  await talking
  for (const each of [poller.heard, ...clients.map((client) => client.heard)]) {
    await expect.poll(() => each.length, { timeout: 10_000 }).toBe(sent.length)
    expect(each).toEqual(sent)
  }
  for (const each of [...kept, fresh]) expect(await each.stop()).toEqual([200])
  expect(gone).toEqual([])
  expect(childrenOf(server).filter((pid) => before.includes(pid))).toEqual([])
}, 120_000)

it('[T6] [G7] SIGTERM ends all of them in order', async () => {
  const server = await serve(3)
  const children = childrenOf(server)
  server.process.kill('SIGTERM')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  for (const pid of children) expect(() => process.kill(pid, 0)).toThrow()
})

it('[T6] processes that end again and again end all of it with 1', async () => {
  const server = await serve()
  const killed = new Set<number>()
  await vi.waitFor(
    () => {
      for (const pid of server.process.exitCode === null ? childrenOf(server) : []) {
        if (killed.has(pid) || !process.kill(pid, 'SIGKILL')) continue
        killed.add(pid)
      }
      expect(server.output).toContain('giving up')
    },
    { timeout: 40_000, interval: 20 },
  )
  expect(await server.exited).toEqual({ code: 1, signal: null })
  expect(server.output).toContain('giving up')
}, 120_000)
