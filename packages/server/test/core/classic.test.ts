/** The four classic commands, as a bare WebSocket sends them. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const open = (name: string, server: TestServer): Promise<TestClient> => server.connect({ namespace: '/public', name })

async function inRoom(server: TestServer, room: string, ...names: string[]): Promise<TestClient[]> {
  const clients: TestClient[] = []
  for (const name of names) {
    const client = await open(name, server)
    client.send({ type: 'join', room })
    await client.next('joined')
    clients.push(client)
  }
  await server.advance(1_000)
  for (const client of clients) client.forget()
  return clients
}

describe('classic commands', () => {
  it('[A1.1] join leaves the current room first', async () => {
    await using server = await createTestServer()
    const [ann, bob] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient, TestClient]
    ann.send({ type: 'join', room: 'y' })
    expect(await ann.next('joined')).toMatchObject({ room: 'y', epoch: expect.any(String), seq: 0 })
    expect(await bob.next('presence_update', 200)).toEqual({ type: 'presence_update', room: 'x', users: ['bob'] })
    bob.send({ type: 'message', text: 'hi' })
    await server.settle()
    expect(ann.messages('message')).toEqual([])
  })

  it('[A1.1] joining the current room again changes nothing', async () => {
    await using server = await createTestServer()
    const [ann, bob] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient, TestClient]
    ann.send({ type: 'join', room: 'x' })
    await ann.next('joined')
    bob.send({ type: 'message', text: 'hi' })
    await server.advance(1_000)
    expect(ann.messages('message')).toHaveLength(1)
    expect(bob.messages('presence_update')).toEqual([])
  })

  it('[A1.1] a join that is refused keeps the current room', async () => {
    await using server = await createTestServer()
    const [ann, bob] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient, TestClient]
    ann.send({ type: 'join', room: 'no\u0000name' })
    expect(await ann.next('error')).toMatchObject({ code: 'ROOM_NAME_INVALID' })
    bob.send({ type: 'message', text: 'still here?' })
    expect(await ann.next('message')).toMatchObject({ room: 'x' })
    ann.send({ type: 'message', text: 'yes' })
    expect(await bob.next('message')).toMatchObject({ room: 'x', text: 'yes', from: 'ann' })
  })

  it('[A1.2] message goes to the others in the room, not to the sender', async () => {
    await using server = await createTestServer()
    const [ann, bob, eve] = (await inRoom(server, 'x', 'ann', 'bob', 'eve')) as [TestClient, TestClient, TestClient]
    ann.send({ type: 'message', text: 'hello 🙂' })
    const expected = { type: 'message', room: 'x', from: 'ann', text: 'hello 🙂', ts: server.clock.now(), seq: 1 }
    expect(await bob.next('message')).toEqual(expected)
    expect(await eve.next('message')).toEqual(expected)
    expect(ann.received).toEqual([])
  })

  it('[A1.3] leave leaves the current room', async () => {
    await using server = await createTestServer()
    const [ann, bob] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient, TestClient]
    ann.send({ type: 'leave' })
    expect(await ann.next('left')).toEqual({ type: 'left', room: 'x' })
    expect(await bob.next('presence_update', 200)).toMatchObject({ users: ['bob'] })
    ann.send({ type: 'leave' })
    expect(await ann.next('error')).toMatchObject({ code: 'NOT_IN_ROOM' })
  })

  it('[A1.4] list tells the active rooms with their members, no personal ones, no empty ones', async () => {
    await using server = await createTestServer()
    const [ann] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient]
    const [cy] = (await inRoom(server, 'y', 'cy')) as [TestClient]
    const plain = await server.connect({ namespace: '/public', user: 'dan' })
    await plain.request('room:join', { roomId: 'user:dan' })
    ann.send({ type: 'list' })
    const rooms = [
      { room: 'x', members: 2 },
      { room: 'y', members: 1 },
    ]
    expect(await ann.next('rooms')).toEqual({ type: 'rooms', rooms })
    cy.close()
    await server.settle()
    ann.send({ type: 'list' })
    expect(await ann.next('rooms')).toEqual({ type: 'rooms', rooms: rooms.slice(0, 1) })
  })

  it('[A1.5] a message outside any room is an error, and the connection stays', async () => {
    await using server = await createTestServer()
    const ann = await open('ann', server)
    ann.send({ type: 'message', text: 'anyone?' })
    expect(await ann.next('error')).toMatchObject({ code: 'NOT_IN_ROOM', message: expect.any(String) })
    ann.send({ type: 'join', room: 'x' })
    await ann.next('joined')
    expect(ann.closed).toBeUndefined()
  })

  it.each(['close', 'cut'] as const)(
    '[A1.6] [A2.1] a connection that ends (%s) is gone at once for the others',
    async (how) => {
      await using server = await createTestServer()
      const [ann, bob] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient, TestClient]
      ann[how]()
      expect(await bob.next('presence_update')).toEqual({ type: 'presence_update', room: 'x', users: ['bob'] })
      expect(server.get('/public').state.rooms.get('x')?.connectionCount).toBe(1)
      expect(server.hub.links.open.size).toBe(1)
    },
  )

  it('[A2.1] presence_update lists every user, to every member, the joiner included', async () => {
    await using server = await createTestServer()
    const [ann] = (await inRoom(server, 'x', 'ann')) as [TestClient]
    const bob = await open('bob', server)
    bob.send({ type: 'join', room: 'x' })
    const update = { type: 'presence_update', room: 'x', users: ['ann', 'bob'] }
    expect(await ann.next('presence_update')).toEqual(update)
    expect(await bob.next('presence_update')).toEqual(update)
  })

  it('[A2.1] one entry per user, however many tabs', async () => {
    await using server = await createTestServer()
    const first = await server.connect({ user: 'ann' })
    const second = await server.connect({ user: 'ann' })
    for (const tab of [first, second]) tab.send({ type: 'join', room: 'x' })
    await second.next('joined')
    expect(await first.next('presence_update', 200)).toMatchObject({ users: ['ann'] })
    first.close()
    await server.advance(1_000)
    expect(second.messages('presence_update').every(({ users }) => users.length === 1)).toBe(true)
    expect(server.get('/').state.rooms.get('x')?.count).toBe(1)
  })

  it('[A2.1] many changes within 100 ms are told together, the last state for sure', async () => {
    await using server = await createTestServer()
    const [ann] = (await inRoom(server, 'x', 'ann')) as [TestClient]
    for (let i = 0; i < 20; i++) {
      const guest = await open(`g${i}`, server)
      guest.send({ type: 'join', room: 'x' })
    }
    await server.advance(1_000)
    const updates = ann.messages('presence_update')
    expect(updates.length).toBeLessThanOrEqual(3)
    expect(updates.at(-1)?.users).toHaveLength(21)
  })

  it('hears nothing but the frames it knows', async () => {
    await using server = await createTestServer()
    const [ann, bob] = (await inRoom(server, 'x', 'ann', 'bob')) as [TestClient, TestClient]
    const plain = await server.connect({ namespace: '/public', user: 'pat' })
    await plain.request('room:join', { roomId: 'x' })
    await plain.request('typing:start', { roomId: 'x' })
    await plain.request('message:send', { roomId: 'x', content: 'from plain' })
    await server.advance(2_000)
    const known = new Set(['presence_update', 'message'])
    for (const client of [ann, bob]) expect(client.received.filter(({ type }) => !known.has(type))).toEqual([])
    ann.send({ type: 'message', text: 'from classic' })
    expect(await plain.next((m) => m.content === 'from classic')).toMatchObject({ type: 'chat:message', name: 'ann' })
  })
})
