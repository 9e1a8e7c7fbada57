/** Two servers that share a registry: what begins at one goes on at the other. D15. */
import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CreateOptions, createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { TokenIssuer } from '../../src/adapters/auth/jwt.ts'
import { MARK_HEADER } from '../../src/adapters/transports/forwarding/forward-mark.ts'
import { openLink } from '../v1-http/raw-link.ts'
import { NodeBoard } from './memory-registry.ts'

const SECRET = 'a secret that all nodes have, of 32 bytes'

interface ServedNode {
  readonly url: string
  readonly roomful: Roomful
  readonly notices: string[]
  /** Addresses of clients whose page was refused. */
  readonly refused: string[]
}

async function serveNode(board: NodeBoard, settings: Partial<CreateOptions> = {}): Promise<ServedNode> {
  const notices: string[] = []
  const refused: string[] = []
  const roomful = createRoomful({
    data: ':memory:',
    jwtSecret: SECRET,
    nodeRegistry: board.view(),
    observer: {
      observe(fact) {
        if (fact.type === 'notice') notices.push(fact.message)
        if (fact.type === 'page:refused') refused.push(fact.ip)
      },
    },
    ratePerSecond: 0,
    ratePerMinute: 0,
    ...settings,
  }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  return { url: `http://127.0.0.1:${port}`, roomful, notices, refused }
}

async function serveTwo(settings?: Partial<CreateOptions>) {
  const board = new NodeBoard()
  const [one, two] = [await serveNode(board, settings), await serveNode(board, settings)]
  return { board, one, two }
}

const engine = (url: string, query = ''): string => `${url}/socket.io/?EIO=4&transport=polling${query}`

/** Opens an Engine.IO session by polling. */
async function openSession({ url }: ServedNode, init: RequestInit = {}): Promise<string> {
  const packet = await (await fetch(engine(url), init)).text()
  return (JSON.parse(packet.slice(1)) as { sid: string }).sid
}

describe('[Z1] [D15] a Socket.IO session', () => {
  it('that polls is served by any node: packets, polls, close', async () => {
    const { one, two } = await serveTwo()
    const sid = await openSession(one)
    const at = engine(two.url, `&sid=${sid}`)
    expect(await (await fetch(at, { method: 'POST', body: '40/public,{"name":"Ann"}' })).text()).toBe('ok')
    expect(await (await fetch(at)).text()).toMatch(/^40\/public,\{"sid":/)
    expect(await (await fetch(at, { method: 'POST', body: '42/public,1["room:join","lobby"]' })).text()).toBe('ok')
    const poll = (await (await fetch(at)).text()).split('\x1e')
    expect(poll.some((packet) => packet.startsWith('43/public,1['))).toBe(true)
    expect(hubOf(two.roomful).links.open.size).toBe(0)
    const last = fetch(at)
    await expect.poll(() => hubOf(one.roomful).links.open.size).toBe(1)
    await fetch(at, { method: 'POST', body: '1' })
    await last
    await expect.poll(() => hubOf(one.roomful).links.open.size).toBe(0)
    expect(await (await fetch(at)).json()).toEqual({ code: 1, message: 'Session ID unknown' })
  })

  it('is upgraded through another node, for as long as the WebSocket lasts', async () => {
    const { one, two } = await serveTwo()
    const sid = await openSession(one)
    const ws = new WebSocket(`${two.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket&sid=${sid}`)
    onTestFinished(() => ws.terminate())
    await once(ws, 'open')
    ws.send('2probe')
    expect(String((await once(ws, 'message'))[0])).toBe('3probe')
    ws.send('5')
    ws.send('40/public,{"name":"Ann"}')
    expect(String((await once(ws, 'message'))[0])).toMatch(/^40\/public,\{"sid":/)
    const [link] = hubOf(one.roomful).links.open
    ws.terminate()
    await expect.poll(() => hubOf(one.roomful).links.open.has(link as never)).toBe(false)
  })

  it('[Z2] whose node is gone is unknown at once, for requests and upgrades', async () => {
    const { one, two } = await serveTwo()
    const sid = await openSession(one)
    await one.roomful.close()
    const response = await fetch(engine(two.url, `&sid=${sid}`))
    expect([response.status, await response.json()]).toEqual([400, { code: 1, message: 'Session ID unknown' }])
    const ws = new WebSocket(`${two.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket&sid=${sid}`)
    expect(((await once(ws, 'error')) as [Error])[0].message).toBe('Unexpected server response: 400')
  })

  it('[Z2] of a node that was killed, whose address is another node’s now, is unknown; nothing is passed on twice', async () => {
    const { board, one, two } = await serveTwo()
    const sid = await openSession(one)
    await one.roomful.close()
    board.nodes.set(sid.slice(0, 6), { tag: sid.slice(0, 6), url: two.url })
    const response = await fetch(engine(two.url, `&sid=${sid}`))
    expect([response.status, await response.json()]).toEqual([400, { code: 1, message: 'Session ID unknown' }])
    const metrics = await (await fetch(`${two.url}/metrics`)).text()
    expect(metrics).toContain('roomful_forwarded_total{what="request"} 1')
  })

  it('[Z3] [B32] [C19] keeps the address of its client, and a page of another site does not get through', async () => {
    const { one, two } = await serveTwo({ trustProxy: ['127.0.0.1'], corsOrigin: ['https://a.example'] })
    const sid = await openSession(one)
    const ask = (origin: string): Promise<Response> => {
      const headers = { origin, 'x-forwarded-for': '203.0.113.9' }
      return fetch(engine(two.url, `&sid=${sid}`), { method: 'POST', body: '3', headers })
    }
    const allowed = await ask('https://a.example')
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://a.example'])
    expect((await ask('https://evil.example')).status).toBe(403)
    expect([one.refused, two.refused]).toEqual([['203.0.113.9'], []])
  })
})

describe.each(['sse', 'poll'] as const)('[Z1] [D15] [F9] a v1 link over HTTP, by %s', (way) => {
  it('is served by any node, and a WebSocket takes it over through another one', async () => {
    const { one, two } = await serveTwo()
    const link = await openLink(one.url, way, {}, two.url)
    const { id } = await link.open()
    await link.ask('room:join', { roomId: 'lobby' })
    for (let i = 1; i <= 20; i++) await link.ask('message:send', { roomId: 'lobby', content: String(i) })
    const told = link.heard.filter(({ event }) => event === 'message:new').map(({ seq }) => seq)
    expect(told).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(hubOf(two.roomful).links.open.size).toBe(0)

    const ws = new WebSocket(`${two.url.replace('http', 'ws')}/ws`, ['roomful.v1', `link.${link.id}`])
    onTestFinished(() => ws.terminate())
    await once(ws, 'open')
    ws.send('probe')
    expect(String((await once(ws, 'message'))[0])).toBe('probed')
    ws.send('upgrade')
    ws.send(JSON.stringify({ ch: 1, event: 'message:send', data: { roomId: 'lobby', content: '21' }, id: 99 }))
    await once(ws, 'message')
    expect(hubOf(one.roomful).namespace('/public')?.connections.get(id)?.link.state).toBe('open')
  })

  it('[Z2] whose node is gone is not found at once', async () => {
    const { one, two } = await serveTwo()
    const link = await openLink(one.url, way, {}, two.url)
    await link.open()
    await one.roomful.close()
    const answer = await link.send([{ type: 'ping' }])
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'NOT_FOUND' } }])
  })
})

it('[C19] an answer from another node has its headers once, and is for the page that asked', async () => {
  const { one, two } = await serveTwo({ corsOrigin: ['https://a.example'] })
  const headers = { origin: 'https://a.example' }
  const link = await openLink(one.url, 'unpolled', headers, two.url)
  const answer = await link.send([{ type: 'ping' }])
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, 'https://a.example'])
  expect(answer.headers.get('vary')).toBe('Origin')
})

it('[Z3] [B32] a mark that no node of the cluster wrote is refused, and the log says why once', async () => {
  const { board, one } = await serveTwo()
  const stranger = await serveNode(board, { jwtSecret: 'another secret, which has 32 bytes too' })
  const sid = await openSession(stranger)
  const answer = await fetch(engine(one.url, `&sid=${sid}`))
  expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'FORBIDDEN' } }])
  for (let i = 0; i < 3; i++) {
    const forged = await fetch(`${one.url}/api/status`, { headers: { [MARK_HEADER]: '1 6.6.6.6 abc' } })
    expect(forged.status).toBe(403)
  }
  for (const { notices } of [one, stranger]) {
    expect(notices.filter((notice) => notice.includes('give all nodes the same JWT_SECRET'))).toHaveLength(1)
  }
})

it('[P1] a node in the server of an application is found where that listens, below its base path', async () => {
  const board = new NodeBoard()
  const settings = { data: ':memory:', jwtSecret: SECRET, basePath: '/realtime' }
  const server = createServer((_, response) => response.end('the application'))
  const one = createRoomful({ ...settings, nodeRegistry: board.view() })
    .standardNamespaces()
    .attach(server)
  onTestFinished(async () => {
    await one.close()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await expect.poll(() => board.nodes.size).toBe(1)
  const { port } = server.address() as AddressInfo
  expect([...board.nodes.values()][0]?.url).toBe(`http://127.0.0.1:${port}`)
  const two = await serveNode(board, settings)
  const below = { ...two, url: `${two.url}/realtime` }
  const sid = await openSession(below)
  const at = engine(`http://127.0.0.1:${port}/realtime`, `&sid=${sid}`)
  expect(await (await fetch(at, { method: 'POST', body: '3' })).text()).toBe('ok')
})

it('a node says where it is reached by ROOMFUL_NODE_URL, and is forgotten when it closes', async () => {
  const board = new NodeBoard()
  const { roomful } = await serveNode(board, { nodeUrl: 'http://node1.internal:8080/' })
  expect([...board.nodes.values()].map(({ url }) => url)).toEqual(['http://node1.internal:8080'])
  await roomful.close()
  expect(board.nodes.size).toBe(0)
})

describe('a node that is about to end', () => {
  it('[T9] passes on what comes on connections that are open, and asks their clients to connect again', async () => {
    const { one, two } = await serveTwo()
    await two.roomful.get('/').publish('lobby', 'note', [{ text: 'there' }])
    const issuer = new TokenIssuer({ secret: new TextEncoder().encode(SECRET), now: Date.now })
    const token = await issuer.issueToken({ sub: 'ann', name: 'Ann', role: 'user' }, 60_000)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const ask = async (path: string) => {
      const [response] = (await once(
        get(one.url + path, { agent, headers: { authorization: `Bearer ${token}` } }),
        'response',
      )) as [IncomingMessage]
      let body = ''
      for await (const part of response) body += part
      return { status: response.statusCode, connection: response.headers.connection, body: JSON.parse(body) }
    }
    expect(await ask('/health')).toMatchObject({ status: 200, connection: 'keep-alive' })
    const closing = one.roomful.close()
    await expect.poll(() => hubOf(one.roomful).state).toBe('draining')
    expect(await ask('/api/rooms/lobby/events')).toMatchObject({
      status: 200,
      connection: 'close',
      body: { events: [{ text: 'there' }] },
    })
    await closing
  })
})
