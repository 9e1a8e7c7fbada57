/** Sessions over nodes: a client that comes back to another node is the same one, and no node is left with what it had. */
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket as TcpSocket } from 'node:net'
import { type Client, connect } from '@roomful/client'
import { hubOf } from '@roomful/server/testing'
import { EventSource } from 'eventsource'
import { SignJWT } from 'jose'
import { io, type Socket } from 'socket.io-client'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { GOODBYE } from '../../src/core/rooms/presence/former-nodes.ts'
import { type CreateOptions, createRoomful, type Observer, type Roomful } from '../../src/index.ts'
import { startRedis } from './server.ts'

const SECRET = 'a secret of at least thirty-two characters'
const redis = await startRedis()
afterAll(() => redis.stop())

let prefixes = 0

interface Node {
  readonly roomful: Roomful
  readonly url: string
  readonly port: number
}

/** Starts nodes of one cluster. */
function cluster(declare: (roomful: Roomful) => void = () => undefined, settings: CreateOptions = {}) {
  const redisPrefix = `sessions${++prefixes}`
  return async (): Promise<Node> => {
    const common = { data: ':memory:', redisUrl: redis.url, redisPrefix, jwtSecret: SECRET, hosts: ['127.0.0.1'] }
    const roomful = createRoomful({ ...common, ...settings }).standardNamespaces()
    declare(roomful)
    onTestFinished(() => roomful.close())
    const { url, port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
    return { roomful, url, port }
  }
}

/** A balancer whose next connection goes where the test says. */
async function balance(first: Node) {
  const clients = new Set<TcpSocket>()
  const servers = new Set<TcpSocket>()
  let late = ''
  let port = first.port
  const server = createServer((client) => {
    if (port === 0) return void client.destroy()
    const upstream = dial(port, '127.0.0.1')
    clients.add(client)
    servers.add(upstream)
    client.pipe(upstream, { end: false })
    upstream.on('data', (data) => {
      if (client.destroyed) late += data.toString('latin1')
      else client.write(data)
    })
    client.on('error', () => undefined)
    upstream.on('error', () => client.destroy())
    upstream.on('close', () => {
      servers.delete(upstream)
      client.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of [...clients, ...servers]) socket.destroy()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to(node: Node) {
      port = node.port
    },
    /** New connections go nowhere. */
    refuse() {
      port = 0
    },
    /** Everyone learns that the links are over. */
    end() {
      for (const socket of [...clients, ...servers]) socket.destroy()
      clients.clear()
    },
    /** Clients are cut off, and no node learns of it. */
    cut() {
      for (const client of clients) {
        client.unpipe()
        client.destroy()
      }
      clients.clear()
    },
    /** What nodes sent to clients that had been cut off. */
    get late() {
      return late
    },
  }
}

async function token(sub: string): Promise<string> {
  const jwt = new SignJWT({ name: sub }).setProtectedHeader({ alg: 'HS256' }).setSubject(sub)
  return jwt.setExpirationTime('1h').sign(new TextEncoder().encode(SECRET))
}

function next(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)))
}

async function socketIo(url: string, sub: string): Promise<Socket> {
  const auth = { token: await token(sub) }
  const socket = io(url, { forceNew: true, transports: ['websocket'], auth, reconnectionDelay: 20, reconnectionDelayMax: 50 }) // biome-ignore format: one call
  onTestFinished(() => void socket.disconnect())
  await next(socket, 'connect')
  return socket
}

function listen(socket: Socket): unknown[] {
  const heard: unknown[] = []
  socket.on('message:new', ({ content }: { content: unknown }) => heard.push(content))
  return heard
}

async function sdk(url: string, sub: string): Promise<Client> {
  const client = connect(url, { token: () => token(sub), transports: ['websocket'] })
  onTestFinished(() => client.close())
  return client
}

const closing = (client: { close(): unknown }) => () => void client.close()

/** `namespace('/')` of a server that has started. */
const chat = (roomful: Roomful) =>
  hubOf(roomful).namespace('/') as NonNullable<ReturnType<ReturnType<typeof hubOf>['namespace']>>
const connections = ({ roomful }: Node) => chat(roomful).connections.size
const holdsAnn = ({ roomful }: Node) => chat(roomful).state.users.get('ann')?.connections.size === 1

describe('a client that comes back to another node', () => {
  it('[D3] [C18] [C20] [Z8] recovers there over Socket.IO, with everything that it missed, while its old link hangs', async () => {
    const start = cluster()
    const [a, b] = [await start(), await start()]
    const balancer = await balance(a)
    const ann = await socketIo(balancer.url, 'ann')
    const ben = await socketIo(b.url, 'ben')
    for (const roomId of ['a', 'b']) await ann.emitWithAck('room:join', roomId)
    const heard = listen(ann)
    const say = (roomId: string, content: string) => ben.emitWithAck('message:send', { roomId, content })
    await say('a', 'one')
    await expect.poll(() => heard).toEqual(['one'])
    const before = ann.id
    balancer.to(b)
    balancer.cut()
    const back = next(ann, 'connect')
    await say('b', 'two')
    await say('a', 'three')
    await back
    expect([ann.recovered, ann.id]).toEqual([true, before])
    await say('a', 'four')
    await expect.poll(() => heard).toEqual(['one', 'two', 'three', 'four'])
    await expect.poll(() => [connections(a), connections(b)]).toEqual([0, 2])
  })

  it('[D3] [Z8] recovers on one node after another, and what the first one saves late does no harm', async () => {
    const start = cluster()
    const nodes = [await start(), await start(), await start()]
    const balancer = await balance(nodes[0] as Node)
    const ann = await socketIo(balancer.url, 'ann')
    await ann.emitWithAck('room:join', 'a')
    const heard = listen(ann)
    const expected: string[] = []
    for (let round = 1; round <= 6; round++) {
      const back = next(ann, 'connect')
      balancer.to(nodes[round % 3] as Node)
      balancer.cut()
      const content = `message ${round}`
      expected.push(content)
      await chat((nodes[0] as Node).roomful).publish('a', 'message:new', [{ content }])
      await back
      expect([round, ann.recovered]).toEqual([round, true])
    }
    await expect.poll(() => heard).toEqual(expected)
    await expect.poll(() => nodes.map(connections).toSorted()).toEqual([0, 0, 1])
  })

  it('[C18] [Z8] keeps its connection’s id and data over the SDK, and its old link is closed', async () => {
    const start = cluster((roomful) => {
      chat(roomful).on('count', (context) => {
        const data = context.connection.data as { count?: number }
        data.count = (data.count ?? 0) + 1
        return { count: data.count }
      })
    })
    const [a, b] = [await start(), await start()]
    const balancer = await balance(a)
    const ann = await sdk(balancer.url, 'ann')
    const room = ann.room('lobby')
    await room.ready
    const heard: unknown[] = []
    room.on('message:new', ({ content }) => heard.push(content))
    expect(await ann.request('count')).toMatchObject({ count: 1 })
    const { connectionId } = ann.state as { connectionId: string }
    balancer.to(b)
    balancer.cut()
    await chat(b.roomful).publish('lobby', 'message:new', [{ content: 'missed' }])
    await expect
      .poll(() => ann.state, { timeout: 10_000 })
      .toMatchObject({ status: 'open', recovered: true, connectionId })
    expect(await ann.request('count')).toMatchObject({ count: 2 })
    await expect.poll(() => heard).toEqual(['missed'])
    await expect.poll(() => [connections(a), connections(b)]).toEqual([0, 1])
    await expect.poll(() => balancer.late).toContain('4005')
    // Back again: what the first node kept of it is not used.
    balancer.to(a)
    balancer.cut()
    await expect.poll(() => connections(a), { timeout: 10_000 }).toBe(1)
    await expect.poll(() => ann.state).toMatchObject({ status: 'open', recovered: true })
    expect(await ann.request('count')).toMatchObject({ count: 3 })
  })
})

describe('a user who is expected back', () => {
  /** Comes back within 50 ms. */
  async function bySocketIo(url: string) {
    const socket = await socketIo(url, 'ann')
    await socket.emitWithAck('room:join', 'lobby')
    return {
      say: () => socket.emitWithAck('message:send', { roomId: 'lobby', content: 'I am back' }),
      isBack: () => socket.connected && socket.recovered,
      leave: () => socket.emitWithAck('room:leave', 'lobby'),
      close: () => socket.disconnect(),
    }
  }

  async function bySdk(url: string) {
    const client = await sdk(url, 'ann')
    const room = client.room('lobby')
    await room.ready
    return {
      say: () => room.send('I am back'),
      isBack: () => client.state.status === 'open' && client.state.recovered,
      leave: () => room.release(),
      close: () => client.close(),
    }
  }

  /** Two servers with a request that joins, waits for the test, and fails; the first one has ann. */
  async function begin(connectAnn: typeof bySocketIo | typeof bySdk) {
    const joined = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const start = cluster((roomful) => {
      chat(roomful).on('try', async (context) => {
        await context.join('lobby')
        joined.resolve()
        await goOn.promise
        throw new Error('The join is not to be')
      })
    })
    const [a, b] = [await start(), await start()]
    const balancer = await balance(a)
    const ben = await sdk(b.url, 'ben')
    const seen: string[] = []
    const room = ben.room('lobby')
    room.on('user:joined', ({ userId }) => seen.push(`${userId} joined`))
    room.on('user:left', ({ userId }) => seen.push(`${userId} left`))
    ben.on('presence:update', ({ userId, status }) => userId === 'ann' && seen.push(status))
    await room.ready
    const ann = await connectAnn(balancer.url)
    await expect.poll(() => seen.toSorted()).toEqual(['ann joined', 'online'])
    const isAway = () => chat(b.roomful).state.rooms.get('lobby')?.users.get('ann')?.isAway
    const move = async (from: Node, to: Node) => {
      balancer.to(to)
      balancer.cut()
      await expect.poll(() => [holdsAnn(from), holdsAnn(to)], { timeout: 10_000 }).toEqual([false, true])
      await expect.poll(() => ann.isBack()).toBe(true)
    }
    return { a, b, balancer, ann, seen, isAway, move, joined: joined.promise, goOn: goOn.resolve }
  }

  it('[G6] [Z19] is not seen to leave by a join on another node that fails, once the first one has ended', async () => {
    const { a, b, balancer, ann, seen, isAway, joined, goOn } = await begin(bySocketIo)
    const other = await socketIo(b.url, 'ann')
    balancer.refuse()
    await a.roomful.close()
    const tried = other.emitWithAck('try')
    await joined
    goOn()
    expect(await tried).toMatchObject({ status: 'error' })
    await expect.poll(isAway).toBe(true)
    balancer.to(b)
    await expect.poll(() => ann.isBack()).toBe(true)
    await expect.poll(isAway).toBe(false)
    expect(seen.toSorted()).toEqual(['ann joined', 'online'])
  })

  it('[G6] [Z19] is not seen to leave by a join on another node that fails after the first one noticed the cut', async () => {
    const { a, b, balancer, ann, seen, isAway, joined, goOn } = await begin(bySocketIo)
    const other = await socketIo(b.url, 'ann')
    const tried = other.emitWithAck('try')
    await joined
    balancer.refuse()
    balancer.end()
    const stated = () => chat(a.roomful).state.rooms.get('lobby')?.stated.get('ann')
    await expect.poll(() => [stated()?.state, stated()?.calls], { timeout: 5_000 }).toEqual(['away', 0])
    goOn()
    expect(await tried).toMatchObject({ status: 'error' })
    await expect.poll(isAway).toBe(true)
    balancer.to(b)
    await expect.poll(() => ann.isBack()).toBe(true)
    await expect.poll(isAway).toBe(false)
    expect(seen.toSorted()).toEqual(['ann joined', 'online'])
  })

  for (const [kind, connectAnn] of Object.entries({ bySocketIo, bySdk })) {
    it(`[G6] [C18] [Z20] leaves at once after a return to another node, without the grace of the first one, ${kind}`, async () => {
      const { a, b, ann, seen, move } = await begin(connectAnn)
      await move(a, b)
      await ann.say()
      const leftAt = performance.now()
      await ann.close()
      await expect
        .poll(() => seen.toSorted(), { timeout: 8_000 })
        .toEqual(['ann joined', 'ann left', 'offline', 'online'])
      expect(performance.now() - leftAt).toBeLessThan(3_000)
    })

    it(`[G6] [C18] [Z20] leaves a room at once after a return to another node, and stays online, ${kind}`, async () => {
      const { a, b, ann, seen, move } = await begin(connectAnn)
      await move(a, b)
      await ann.say()
      const leftAt = performance.now()
      await ann.leave()
      await expect.poll(() => seen.toSorted(), { timeout: 8_000 }).toEqual(['ann joined', 'ann left', 'online'])
      expect(performance.now() - leftAt).toBeLessThan(3_000)
    })
  }

  it('[G6] [Z20] is not let go by a goodbye that the session outlived', async () => {
    const { a, b, balancer, ann, seen, move } = await begin(bySocketIo)
    await move(a, b)
    await move(b, a)
    const held = [...chat(a.roomful).state.sessions.values()].find(({ user }) => user.sub === 'ann')
    expect(held?.session?.fence).toBe(3)
    balancer.refuse()
    balancer.end()
    await expect.poll(() => holdsAnn(a)).toBe(false)
    // What the second node said when it had the session arrives only now.
    const late = { session: held?.session?.id, fence: 2, userId: 'ann' }
    const body = [{ ...late, left: { roomId: 'lobby', reason: 'left' } }, late]
    expect(await hubOf(b.roomful).runtime.nodes.ask(GOODBYE, body, '/')).toMatchObject({ answered: 1 })
    balancer.to(b)
    await expect.poll(() => ann.isBack()).toBe(true)
    await ann.say()
    expect(seen.toSorted()).toEqual(['ann joined', 'online'])
  })
})

describe('one session on several nodes at once', () => {
  it('[C18] [Z8] one of the connections has it in the end, and the others are closed with 4005', async () => {
    const start = cluster()
    const nodes = [await start(), await start(), await start()]
    const jwt = await token('ann')
    const claim = (node: Node, session?: string) => {
      const socket = new WebSocket(`${node.url.replace('http', 'ws')}/ws`, ['roomful.v1'])
      const opened = Promise.withResolvers<{ session: string }>()
      const client = { socket, opened: opened.promise, code: undefined as number | undefined }
      socket.onopen = () => socket.send(JSON.stringify({ type: 'open', v: 1, ch: 1, ns: '/', token: jwt, session }))
      socket.onmessage = ({ data }) => {
        for (const line of String(data).split('\n')) {
          const frame = JSON.parse(line) as { type: string; session: string }
          if (frame.type === 'opened') opened.resolve(frame)
        }
      }
      socket.onclose = ({ code }) => {
        client.code = code
      }
      onTestFinished(() => socket.close())
      return client
    }
    const first = claim(nodes[0] as Node)
    const { session } = await first.opened
    for (let round = 0; round < 5; round++) {
      const rivals = nodes.map((node) => claim(node, session))
      await expect.poll(() => nodes.map(connections).toSorted()).toEqual([0, 0, 1])
      await expect.poll(() => rivals.map(({ code }) => code ?? 0).toSorted()).toEqual([0, 4005, 4005])
      const holder = rivals.find(({ code }) => code === undefined)
      expect((await holder?.opened)?.session).toBe(session)
    }
    expect(first.code).toBe(4005)
  })
})

describe('a ticket of one node', () => {
  it('[A3.4] [Z9] opens one link on another node, once; that of a stream opens it again', async () => {
    const start = cluster()
    const [a, b] = [await start(), await start()]
    const headers = { authorization: `Bearer ${await token('zoë')}` }
    const issue = async (): Promise<string> => {
      const response = await fetch(`${a.url}/api/tickets`, { method: 'POST', headers })
      expect(response.status).toBe(201)
      return ((await response.json()) as { ticket: string }).ticket
    }
    const stream = async (node: Node, ticket: string) => {
      const cancel = new AbortController()
      const { status } = await fetch(`${node.url}/sse/chat?room=lobby&ticket=${ticket}`, { signal: cancel.signal })
      cancel.abort()
      return status
    }
    const ticket = await issue()
    expect([await stream(b, ticket), await stream(a, ticket), await stream(b, ticket)]).toEqual([200, 200, 200])
    const once = await issue()
    const opens = (node: Node) =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(`${node.url.replace('http', 'ws')}/ws/chat?ticket=${once}`)
        socket.onmessage = ({ data }) => {
          if (String(data).includes('auth_ok')) resolve(true)
        }
        socket.onclose = () => resolve(false)
        onTestFinished(() => socket.close())
      })
    expect([await opens(b), await opens(a)]).toEqual([true, false])
    expect(await stream(a, 'of:someone')).toBe(401)
  })
})

describe('a node that drains', () => {
  it('[D9] [Z10] sends its clients to another one at once, and they recover there', async () => {
    const start = cluster()
    const [a, b] = [await start(), await start()]
    const balancer = await balance(a)
    const ann = await socketIo(balancer.url, 'ann')
    await ann.emitWithAck('room:join', 'a')
    const heard = listen(ann)
    const draining = next(ann, 'server:draining')
    balancer.to(b)
    const back = next(ann, 'connect')
    const closing = a.roomful.close()
    const [{ reconnectAfterMs }] = (await draining) as [{ reconnectAfterMs: number }]
    expect(reconnectAfterMs).toBeLessThanOrEqual(1_000)
    await chat(b.roomful).publish('a', 'message:new', [{ content: 'missed' }])
    await back
    expect(ann.recovered).toBe(true)
    await expect.poll(() => heard).toEqual(['missed'])
    await closing
  })

  it('[D9] [Z10] sends clients of every kind to another one, spread over a second', async () => {
    const arrived = new Map<string, number>()
    const redisPrefix = `sessions${++prefixes}`
    const start = async (isSecond: boolean): Promise<Node> => {
      const observer: Observer = {
        observe(fact) {
          if (isSecond && fact.type === 'connection:opened') arrived.set(fact.connection.user.sub, performance.now())
        },
      }
      const common = { data: ':memory:', redisUrl: redis.url, redisPrefix, jwtSecret: SECRET, hosts: ['127.0.0.1'] }
      const roomful = createRoomful({ ...common, observer }).standardNamespaces()
      onTestFinished(() => roomful.close())
      return { roomful, ...(await roomful.listen({ port: 0, host: '127.0.0.1' })) }
    }
    const [a, b] = [await start(false), await start(true)]
    const { url, to } = await balance(a)
    const kinds: Record<string, (sub: string) => Promise<unknown>> = {
      websocket: async (sub) =>
        onTestFinished(closing(connect(url, { token: () => token(sub), transports: ['websocket'] }))),
      stream: async (sub) => onTestFinished(closing(connect(url, { token: () => token(sub), transports: ['sse'] }))),
      poll: async (sub) => onTestFinished(closing(connect(url, { token: () => token(sub), transports: ['poll'] }))),
      eventSource: async (sub) => {
        onTestFinished(closing(new EventSource(`${url}/sse?room=lobby&token=${await token(sub)}`)))
      },
      socketIo: async (sub) => {
        const socket = io(url, { forceNew: true, transports: ['websocket'], auth: { token: await token(sub) } })
        onTestFinished(() => void socket.disconnect())
      },
      socketIoPolling: async (sub) => {
        const socket = io(url, { forceNew: true, transports: ['polling'], auth: { token: await token(sub) } })
        onTestFinished(() => void socket.disconnect())
      },
    }
    const subs = Object.keys(kinds).flatMap((kind) => [1, 2, 3, 4, 5].map((i) => `${kind}${i}`))
    for (const sub of subs) await kinds[sub.slice(0, -1)]?.(sub)
    await expect.poll(() => connections(a), { timeout: 10_000 }).toBe(subs.length)
    to(b)
    const startedAt = performance.now()
    const ended = a.roomful.close()
    await expect.poll(() => subs.filter((sub) => !arrived.has(sub)), { timeout: 8_000 }).toEqual([])
    await ended
    const after = subs.map((sub) => (arrived.get(sub) ?? 0) - startedAt)
    expect(Math.max(...after)).toBeLessThan(4_000)
    // Not all in one moment, though a busy machine may let several arrive together.
    expect(new Set(after.map((ms) => Math.floor(ms / 20))).size).toBeGreaterThan(5)
  })
})

describe('transient events', () => {
  it('[J24] [Z11] that another node may have sent meanwhile are no recovery: the client is a new one', async () => {
    const start = cluster()
    const [a, b] = [await start(), await start()]
    const balancer = await balance(a)
    const ann = await socketIo(balancer.url, 'ann')
    await ann.emitWithAck('room:join', 'a')
    const back = next(ann, 'connect')
    balancer.to(b)
    balancer.cut()
    chat(b.roomful).to('a').emit('note', ['missed'])
    await back
    expect(ann.recovered).toBe(false)
  })
})

it('[D9] [D15] a poll that a proxy sends twice ends its session, since the first answer may be lost', async () => {
  const { url } = await cluster()()
  const ask = async (query: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling${query}`)
    return { status: response.status, text: await response.text() }
  }
  const { sid } = JSON.parse((await ask('&t=1')).text.slice(1)) as { sid: string }
  const path = `${url}/socket.io/?EIO=4&transport=polling&sid=${sid}`
  await fetch(`${path}&t=2`, { method: 'POST', body: '40/public,{"name":"Ann"}' })
  expect(await ask(`&sid=${sid}&t=2`)).toMatchObject({ status: 200, text: expect.stringContaining('40/public') })
  expect((await ask(`&sid=${sid}&t=2`)).status).toBe(400)
  expect(await ask(`&sid=${sid}&t=3`)).toMatchObject({
    status: 400,
    text: expect.stringContaining('Session ID unknown'),
  })
})
