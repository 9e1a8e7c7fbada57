/** Names of guests over two nodes, by every way in, and guests who poll now here, now there. */
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connect, join, list, type Server, serve, serveApart, until } from './clients.ts'
import { cutBefore } from './cut.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const twoNodes = async (prefix: string) => [await serve(redis.url, prefix), await serve(redis.url, prefix)] as const

/** The name that a stream gives a guest; it stays open until the test ends. */
async function streamAs({ url }: Server, name: string) {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  const response = await fetch(`${url}/sse/public?room=lobby&name=${name}`, { signal: controller.signal })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (!text.includes('auth_ok')) text += new TextDecoder().decode((await reader.read()).value)
  return { name: /"name":"([^"]+)"/.exec(text.slice(text.indexOf('auth_ok')))?.[1], end: () => controller.abort() }
}

const poll = async ({ url }: Server, name: string, cursor?: string) => {
  const query = new URLSearchParams({ room: 'lobby', name, wait: '0', ...(cursor !== undefined && { after: cursor }) })
  const response = await fetch(`${url}/poll/public?${query}`)
  return ((await response.json()) as { cursor: string }).cursor
}

describe('[Z18] the name of a guest', () => {
  it('is in use on one node, and so on the other, by WebSocket, stream, poll, POST and Socket.IO', async () => {
    const [a, b] = await twoNodes('names')
    const first = await connect(a, 'Ann')
    expect(first.user.name).toBe('Ann')
    expect((await connect(b, 'aNN ')).user.name).toBe('aNN-2')
    const stream = await streamAs(b, 'Ann')
    expect(stream.name).toBe('Ann-3')
    const socket = io(`${a.url}/public`, { auth: { name: 'Ann' }, transports: ['polling'], forceNew: true })
    onTestFinished(() => void socket.disconnect())
    await socket.emitWithAck('room:join', { roomId: 'lobby' })
    await poll(b, 'Ann')
    await join(first, 'lobby')
    expect(await list(first, 'lobby')).toEqual(['Ann', 'Ann-3', 'Ann-4', 'Ann-5'])
    const sent = await fetch(`${b.url}/send/public?name=Ann`, {
      method: 'POST',
      body: JSON.stringify({ type: 'message:send', roomId: 'lobby', content: 'hello' }),
    })
    expect(sent.status).toBe(200)
    expect(await first.next(({ type }) => type === 'chat:message' || type === 'message:new')).toMatchObject({
      name: 'Ann-6',
    })
    expect((await connect(b, 'Ann')).user.name).toBe('Ann-6')
  })

  it('is free again when its guest is gone, or has another one', async () => {
    const [a, b] = await twoNodes('free')
    const first = await connect(a, 'Ann')
    const nameOn = async (server: { url: string }) => {
      const guest = await connect(server, 'Ann')
      guest.close()
      return guest.user.name
    }
    expect(await nameOn(b)).toBe('Ann-2')
    first.socket.send(JSON.stringify({ type: 'auth', name: 'Bea' }))
    await first.next(({ type, user }) => type === 'auth_ok' && (user as { name: string }).name === 'Bea')
    await expect.poll(() => nameOn(b)).toBe('Ann')
    expect((await connect(b, 'Bea')).user.name).toBe('Bea-2')
    first.close()
    await expect
      .poll(async () => {
        const guest = await connect(b, 'Bea')
        guest.close()
        return guest.user.name
      })
      .toBe('Bea')
  })

  it('of two who ask at once on two nodes is given once', async () => {
    const [a, b] = await twoNodes('at once')
    const guests = await Promise.all(Array.from({ length: 10 }, (_, i) => connect(i % 2 === 0 ? a : b, 'Ann')))
    expect(new Set(guests.map(({ user }) => user.name)).size).toBe(10)
    expect(guests.map(({ user }) => user.name)).toContain('Ann')
  })

  it('is free when its node is dead, or cut off; a guest whose name is another one’s by then gets a new one', async () => {
    const between = await cutBefore(redis.port)
    const [a, b] = [await serve(redis.url, 'lost'), await serve(between.url, 'lost')]
    const c = await serveApart(redis.url, 'lost')
    const ann = await connect(b, 'Ann')
    await connect(c, 'Bob')
    between.cut()
    c.kill()
    const isFree = async (name: string) => {
      const guest = await connect(a, name)
      if (guest.user.name === name) return true
      guest.close()
      return false
    }
    // Once the leases are over.
    await Promise.all(['Ann', 'Bob'].map((name) => until(() => isFree(name), 14_000)))
    between.mend()
    await ann.next(({ type, user }) => type === 'auth_ok' && (user as { name: string }).name === 'Ann-2')
    expect((await connect(a, 'Ann')).user.name).toBe('Ann-3')
    const { sub } = ann.user
    await until(async () => (await a.roomful.get('/public').onlineUsers([sub])).has(sub))
  })
})

describe('[Z18] a guest who polls', () => {
  it('is the same one on whatever node the next poll comes to', async () => {
    const [a, b] = await twoNodes('polls')
    const ann = await connect(a, 'watcher')
    await join(ann, 'lobby')
    let cursor = await poll(a, 'Pia')
    for (let i = 0; i < 6; i++) cursor = await poll(i % 2 === 0 ? b : a, 'Pia', cursor)
    expect(await list(ann, 'lobby')).toEqual(['Pia', 'watcher'])
    const arrivals = ann.of('user:joined').filter(({ name }) => name !== 'watcher')
    expect([arrivals.length, ann.of('user:left').length]).toEqual([1, 0])
    await poll(b, 'Pia') // without a cursor it is another one
    expect(await list(ann, 'lobby')).toEqual(['Pia', 'Pia-2', 'watcher'])
  })
})
