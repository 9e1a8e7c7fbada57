/** What thousands of connections leave behind: nothing. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const CYCLES = 10_000
const AT_ONCE = 100

/** Every number that could grow with the connections that ever were. */
function counts(server: TestServer): Record<string, number> {
  const { hub, clock } = server
  const sum = (of: (namespace: ReturnType<TestServer['get']>) => number): number =>
    hub.allNamespaces().reduce((total, namespace) => total + of(namespace), 0)
  return {
    links: hub.links.open.size,
    addresses: hub.links.addresses.size,
    wheelTimers: hub.runtime.timers.size,
    clockTimers: clock.pendingTimers,
    connections: sum(({ connections }) => connections.size),
    sessions: sum(({ state }) => state.sessions.size),
    users: sum(({ state }) => state.users.size),
    guestNames: sum(({ state }) => state.guestNames.size),
    rooms: sum(({ state }) => state.rooms.size),
    hotBytes: hub.hotBudget.used,
  }
}

const endings: ((client: TestClient, server: TestServer) => void)[] = [
  (client) => client.close(),
  (client) => client.cut(),
  (client, server) => void server.get('/').disconnect(client.id),
  (client) => {
    client.wire.answersPings = false
  },
  (client) => client.wire.stall(),
]

async function cycle(server: TestServer, number: number): Promise<void> {
  const clients: TestClient[] = []
  for (let i = 0; i < AT_ONCE; i++) {
    const at = number + i
    if (at % 7 === 0)
      clients.push(server.open({ namespace: '/public', name: `guest${at % 5}`, ip: `10.0.0.${at % 250}` }))
    else if (at % 11 === 0) clients.push(server.open({ token: 'bad' }))
    else if (at % 13 === 0)
      clients.push(server.open()) // says nothing
    else clients.push(server.open({ user: `u${at % 40}`, dialect: at % 2 ? 'plain' : 'v1', ip: `10.0.1.${at % 250}` }))
  }
  await server.settle()
  clients.forEach((client, i) => {
    if (client.closed) return
    if (i % 6 === 1) client.send({ type: 'join', room: `room${i % 3}` })
    else client.post('room:join', { roomId: `room${i % 3}` })
    if (i % 4 === 0) client.post('typing:start', { roomId: `room${i % 3}` })
    client.post('message:send', { roomId: `room${i % 3}`, content: 'x' })
    if (i % 9 === 0) client.post('message:private', { to: `u${i % 40}`, content: 'psst' })
  })
  await server.settle()
  clients.forEach((client, i) => {
    if (!client.closed) endings[(number / AT_ONCE + i) % endings.length]?.(client, server)
  })
  await server.advance(70_000)
  for (const client of clients) client.close() // the stalled ones
  await server.settle()
}

describe('after everyone is gone', () => {
  it(`[A1.6] [B37] ${CYCLES} connects and disconnects of every kind leave no entry and no timer`, {
    timeout: 30_000,
  }, async () => {
    await using server = await createTestServer({
      settings: { loopbackExempt: false, maxConnectionsPerIp: 0 },
      log: { retention: 10 },
    })
    const before = counts(server)
    let listeners = ''
    for (let number = 0; number < CYCLES; number += AT_ONCE) {
      await cycle(server, number)
      const subscribed = JSON.stringify(
        server.hub
          .allNamespaces()
          .map((each) => [each.requests.handlers.byEvent.size, each.requests.handlers.middleware.length]),
      )
      listeners ||= subscribed
      expect(subscribed).toBe(listeners)
    }
    await server.advance(10_000)
    expect(counts(server)).toEqual(before)
    expect(before).toMatchObject({ links: 0, wheelTimers: 0, rooms: 0 })
    expect(server.observed('catch-up:failed')).toEqual([])
    expect(server.observed('handler:failed')).toEqual([])
  })

  it('[B30] an emptied room is freed, and its history is there for who comes back', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    const first = await ann.request('room:join', { roomId: 'x' })
    await ann.request('message:send', { roomId: 'x', content: 'kept' })
    await ann.request('room:leave', { roomId: 'x' })
    expect(server.get('/').state.rooms.size).toBe(0)
    expect((await ann.request('room:list')).data.rooms).toEqual([])
    const again = await ann.request('room:join', { roomId: 'x', after: { epoch: first.data.epoch, seq: 0 } })
    expect(again.data).toMatchObject({ epoch: first.data.epoch, seq: 1, recovered: true, count: 1 })
    expect(await ann.next('chat:message')).toMatchObject({ content: 'kept', seq: 1 })
  })
})

describe('the server knows', () => {
  it('[B25] how many users are in a room, and the rooms without personal ones', async () => {
    await using server = await createTestServer()
    const namespace = server.get('/')
    const ann = await server.connect({ user: { sub: 'u1', name: 'Ann' } })
    const tab = await server.connect({ user: { sub: 'u1', name: 'Ann' } })
    const bob = await server.connect({ user: { sub: 'u2', name: 'Bob' } })
    for (const client of [ann, tab, bob]) await client.request('room:join', 'x')
    await bob.request('room:join', 'y')
    await ann.request('room:join', 'user:u1')
    await ann.request('room:join', ann.id)
    expect(await namespace.roomUsers('x')).toEqual([
      { userId: 'u1', name: 'Ann', status: 'online' },
      { userId: 'u2', name: 'Bob', status: 'online' },
    ])
    expect(await namespace.roomUsers('nowhere')).toEqual([])
    const rooms = [
      { roomId: 'x', count: 2 },
      { roomId: 'y', count: 1 },
    ]
    expect(namespace.openRooms()).toEqual(rooms)
    expect((await ann.request('room:list')).data).toEqual({ status: 'ok', rooms, more: false })
  })
})
