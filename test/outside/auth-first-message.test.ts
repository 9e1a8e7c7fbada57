/** Authentication by the first message, its deadline, and what may be said before. PROTOCOL.md 3, C6. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dial, user } from './lib/client.ts'
import { frame, openRaw, TEXT } from './lib/raw.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: { ...UNLIMITED, ROOMFUL_AUTH_DEADLINE_MS: '600' } })

it('[C6] {type:auth, token} is answered with auth_ok, and then the rooms are open', async () => {
  const client = dial(server, '/ws')
  await client.next('welcome')
  client.send({ type: 'auth', token: token({ sub: 'bea', name: 'Bea' }) })
  expect(await client.next('auth_ok')).toMatchObject({
    type: 'auth_ok',
    user: { sub: 'bea', name: 'Bea', role: 'user' },
  })
  expect(await client.ok('room:join', { roomId: 'first-message' })).toMatchObject({ status: 'ok' })
})

it('[C6] requests sent right behind the auth, without waiting, are served in order', async () => {
  const client = dial(server, '/ws')
  await client.opened()
  client.send({ type: 'auth', token: token({ sub: 'eager' }) })
  client.send({ type: 'room:join', roomId: 'eager', id: 'j' })
  client.send({ type: 'chat:message', roomId: 'eager', content: 'no wait', id: 'm' })
  expect(await client.next({ type: 'ack', ack: 'm' })).toMatchObject({ data: { status: 'ok', seq: 1 } })
})

it.each([
  ['a request', { type: 'room:join', roomId: 'x' }],
  ['a classic command', { type: 'join', room: 'x' }],
  ['an unknown type', { type: 'hello', payload: 'world' }],
])('[C6] %s before authentication closes 1008 Not authenticated', async (_what, first) => {
  const client = dial(server, '/ws')
  await client.next('welcome')
  client.send(first)
  expect(await client.closed).toEqual({ code: 1008, reason: 'Not authenticated' })
})

it('[C6] rubbish before authentication closes 1008', async () => {
  const client = dial(server, '/ws')
  await client.next('welcome')
  client.sendRaw('{"type":')
  expect((await client.closed).code).toBe(1008)
})

it('[C6] ping is answered before authentication', async () => {
  const client = dial(server, '/ws')
  await client.next('welcome')
  client.send({ type: 'ping' })
  expect(await client.next('pong')).toEqual({ type: 'pong' })
})

it('[C6] silence until the deadline closes 4001, also when pings fill it', async () => {
  const start = performance.now()
  const silent = dial(server, '/ws')
  const pinging = dial(server, '/ws')
  await pinging.next('welcome')
  pinging.send({ type: 'ping' })
  expect((await silent.closed).code).toBe(4001)
  expect((await pinging.closed).code).toBe(4001)
  expect(performance.now() - start).toBeGreaterThan(550)
  expect(performance.now() - start).toBeLessThan(3000)
})

it('[C6] [C16] before authentication only 4 KiB and 5 messages are read', async () => {
  const large = dial(server, '/ws')
  await large.next('welcome')
  large.send({ type: 'auth', token: 'x'.repeat(5000) })
  expect([1008, 1009]).toContain((await large.closed).code)

  const many = dial(server, '/ws')
  await many.next('welcome')
  for (let i = 0; i < 8; i++) many.send({ type: 'ping' })
  expect((await many.closed).code).toBe(1008)
  expect(many.received.filter((one) => one.type === 'pong').length).toBeLessThanOrEqual(5)
})

it('[C6] an unauthenticated client is in no room, no presence and hears no event', async () => {
  const watcher = await user(server, 'quiet-watcher')
  await watcher.ok('room:join', { roomId: 'quiet' })
  const lurker = dial(server, '/ws')
  await lurker.next('welcome')
  await watcher.ok('chat:message', { roomId: 'quiet', content: 'private talk' })
  await lurker.closed
  expect(lurker.received.map((one) => one.type)).toEqual(['welcome'])
})

it('[A3.3] half a frame as first message, then silence, ends with the deadline', async () => {
  const raw = await openRaw(server.port, '/ws')
  raw.write(frame(TEXT, JSON.stringify({ type: 'auth', token: 'x' })).subarray(0, 9))
  expect([4001, 1006, 1002]).toContain(await raw.closeCode())
})

describe('[A2.3] ROOMFUL_FIRST_MESSAGE_AUTH=off', () => {
  let closedServer: Server
  beforeAll(async () => {
    closedServer = await Server.start({ env: { ROOMFUL_FIRST_MESSAGE_AUTH: 'off' } })
  })
  afterAll(() => closedServer.dispose())

  it('[A2.3] no token is 4001 at once, without a welcome', async () => {
    const client = dial(closedServer, '/ws')
    await client.opened()
    expect((await client.closed).code).toBe(4001)
    expect(client.received).toEqual([])
  })

  it('[A2.3] a token still lets in, and /public needs none', async () => {
    await user(closedServer, 'still-fine')
    await dial(closedServer, '/ws/public').next('welcome')
  })
})
