/** Who is in a room: seats per user, numbered changes, a grace for those who can come back, storms told together. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

/** Presence of one room as a client keeps it: a snapshot and the changes after it. */
class Mirror {
  pv: number
  readonly users: Set<string>

  constructor(snapshot: { pv: number; users: { userId: string }[] }) {
    this.pv = snapshot.pv
    this.users = new Set(snapshot.users.map(({ userId }) => userId))
  }

  /** @throws Error when a change is missing */
  apply(client: TestClient): void {
    for (const message of client.received) {
      const { type, pv } = message
      if (pv === undefined || pv <= this.pv) continue
      if (type === 'user:joined' || type === 'user:left') {
        if (pv !== this.pv + 1) throw new Error(`change ${pv} came after ${this.pv}`)
        if (type === 'user:joined') this.users.add(message.userId)
        else this.users.delete(message.userId)
        this.pv = pv
      }
      if (type === 'presence:diff') {
        if (message.since > this.pv) throw new Error(`a diff since ${message.since} came after ${this.pv}`)
        for (const { userId } of message.joined) this.users.add(userId)
        for (const userId of message.left) this.users.delete(userId)
        this.pv = pv
      }
    }
  }
}

const OPEN = { ratePerSecond: 0, ratePerMinute: 0 }

describe('presence of a room', () => {
  it('[A2.1] [C7] joining and leaving is told to the others by name, with a reason', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const bob = await server.connect({ user: { sub: 'u2', name: 'Bob' } })
    const { data } = await bob.request('room:join', 'x')
    expect(data).toMatchObject({ count: 2, pv: 2 })
    expect(data.users).toEqual([
      { userId: 'ann', name: 'ann', status: 'online' },
      { userId: 'u2', name: 'Bob', status: 'online' },
    ])
    expect(await ann.next('user:joined')).toEqual({
      type: 'user:joined',
      roomId: 'x',
      userId: 'u2',
      name: 'Bob',
      pv: 2,
    })
    expect(bob.messages('user:joined')).toEqual([])
    await bob.request('room:leave', 'x')
    expect(await ann.next('user:left')).toMatchObject({ roomId: 'x', userId: 'u2', reason: 'left', pv: 3 })
  })

  it('[C13] a user is gone only with the last connection', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const tabs = [await server.connect({ user: 'bob' }), await server.connect({ user: 'bob', dialect: 'v1' })]
    for (const tab of tabs) await tab.request('room:join', 'x')
    expect(ann.messages('user:joined')).toHaveLength(1)
    tabs[0]?.cut()
    await server.advance(10_000)
    expect(ann.messages('user:left')).toEqual([])
    expect(ann.messages('presence:update')).toEqual([{ type: 'presence:update', userId: 'bob', status: 'online' }])
    tabs[1]?.close()
    await server.advance(1_000)
    expect(ann.messages('user:left')).toHaveLength(1)
    expect(ann.messages('presence:update').at(-1)).toMatchObject({ userId: 'bob', status: 'offline' })
  })

  it('[G6] a cut-off session that can resume has a grace of 5 s; it shows as reconnecting', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    await bob.request('room:join', 'x')
    await server.advance(1_000)
    ann.forget()
    bob.cut()
    await server.advance(4_000)
    expect(ann.messages(({ type }) => ['user:left', 'presence:update'].includes(type))).toEqual([])
    expect((await ann.request('presence:get', 'x')).data.users).toContainEqual({
      userId: 'bob',
      name: 'bob',
      status: 'reconnecting',
    })
    const back = await server.connect({ user: 'bob', dialect: 'v1', session: bob.session })
    await back.request('room:join', 'x')
    await server.advance(20_000)
    expect(ann.messages(({ type }) => ['user:left', 'user:joined', 'presence:update'].includes(type))).toEqual([])
    const member = { userId: 'bob', name: 'bob' }
    expect(ann.messages('presence:diff')).toMatchObject([
      { since: 2, pv: 3, joined: [], left: [], changed: [{ ...member, status: 'reconnecting' }], count: 2 },
      { since: 3, pv: 4, joined: [], left: [], changed: [{ ...member, status: 'online' }], count: 2 },
    ])
    expect((await ann.request('presence:get', 'x')).data).toMatchObject({ count: 2, pv: 4 })
  })

  it('[U9] [D10] a return within a second is told to nobody, and shows nowhere', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    await bob.request('room:join', 'x')
    await server.advance(1_000)
    ann.forget()
    const before = (await ann.request('presence:get', 'x')).data
    bob.cut()
    await server.advance(900)
    expect((await ann.request('presence:get', 'x')).data).toEqual(before)
    const back = await server.connect({ user: 'bob', dialect: 'v1', session: bob.session })
    await back.request('room:join', 'x')
    const overlapping = await server.connect({ user: 'bob', dialect: 'v1', session: bob.session })
    await overlapping.request('room:join', 'x')
    await server.advance(20_000)
    expect(ann.messages(({ type }) => /^(user:(joined|left)|presence:)/.test(type))).toEqual([])
    expect((await ann.request('presence:get', 'x')).data).toEqual(before)
  })

  it('[U9] [D10] who goes while a change waits to be told comes after it, by name and number', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const members = await audience(server, { bob: ['x'], cat: ['x'] }, { dialect: 'v1' })
    ann.forget()
    members.bob.cut()
    members.cat.cut()
    await server.advance(6_000)
    const told = ann.messages(({ pv }) => pv !== undefined).map(({ type, since, pv }) => [type, since, pv])
    expect(told).toEqual([
      ['presence:diff', 3, 5],
      ['user:left', undefined, 6],
      ['user:left', undefined, 7],
    ])
  })

  it('[D10] another name is told to everyone, the one who has it included', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const bob = await server.connect({ user: { sub: 'u2', name: 'Bob' } })
    await bob.request('room:join', 'x')
    bob.send({ type: 'auth', token: server.token({ sub: 'u2', name: 'Robert' }) })
    await server.settle()
    const expected = { userId: 'u2', name: 'Robert', pv: 3 }
    expect(ann.messages('user:joined').at(-1)).toMatchObject(expected)
    expect(bob.messages('user:joined')).toMatchObject([expected])
    const tab = await server.connect({ user: { sub: 'u2', name: 'Bobby' } })
    expect((await tab.request('room:join', 'x')).data.users).toContainEqual({
      userId: 'u2',
      name: 'Bobby',
      status: 'online',
    })
    await server.settle()
    expect(ann.messages('user:joined').at(-1)).toMatchObject({ userId: 'u2', name: 'Bobby', pv: 4 })
  })

  it('[G6] [C13] of two tabs one is cut off, the other says goodbye: the grace of the first holds the user', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const tabs = [
      await server.connect({ user: 'bob', dialect: 'v1' }),
      await server.connect({ user: 'bob', dialect: 'v1' }),
    ]
    for (const tab of tabs) await tab.request('room:join', 'x')
    await server.advance(1_000)
    ann.forget()
    tabs[0]?.cut()
    await server.advance(1_000)
    tabs[1]?.close()
    await server.advance(3_000)
    const gone = () => ann.messages(({ type, status }) => type === 'user:left' || status === 'offline').length
    expect(gone()).toBe(0)
    await server.advance(1_500)
    expect(gone()).toBe(2)
  })

  it('[G6] after the grace it is gone', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    await bob.request('room:join', 'x')
    await server.advance(1_000)
    bob.cut()
    await server.advance(5_200)
    expect(ann.messages('user:left')).toMatchObject([{ userId: 'bob', reason: 'timeout' }])
    expect(ann.messages('presence:update').at(-1)).toMatchObject({ status: 'offline' })
    expect(server.get('/').state.rooms.get('x')?.count).toBe(1)
    await server.advance(2_000)
    expect(server.hub.runtime.timers.size).toBe(1) // ann's heartbeat
  })

  it.each([
    ['a clean goodbye', 'v1', (client: TestClient) => client.close()],
    ['a goodbye of a plain client', 'plain', (client: TestClient) => client.close()],
    ['a cut of a plain client', 'plain', (client: TestClient) => client.cut()],
    ['a kick', 'v1', (client: TestClient, server: TestServer) => void server.get('/').disconnect(client.id)],
    ['a leave', 'v1', (client: TestClient) => client.post('room:leave', 'x')],
  ] as const)('[G6] no grace after %s', async (_what, dialect, end) => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    const bob = await server.connect({ user: 'bob', dialect })
    await bob.request('room:join', 'x')
    end(bob, server)
    await server.settle()
    expect(ann.messages('user:left')).toMatchObject([{ userId: 'bob' }])
  })

  it('[G6] [B30] a room held by a grace alone is freed when it ends', async () => {
    await using server = await createTestServer()
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    await bob.request('room:join', 'x')
    bob.cut()
    await server.settle()
    expect(server.get('/').state.rooms.size).toBe(1)
    await server.advance(5_200)
    expect(server.get('/').state.rooms.size).toBe(0)
  })

  it('[D10] snapshot and numbered changes give the same list to everyone, also above 200 members', {
    timeout: 20_000,
  }, async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { ann } = await audience(server, { ann: [] })
    const first = await ann.request('room:join', 'x')
    const mirror = new Mirror(first.data as never)
    const crowd: TestClient[] = []
    for (let i = 0; i < 260; i++) {
      const client = server.open({ user: `u${i}` })
      crowd.push(client)
      await server.settle()
      client.post('room:join', 'x')
      if (i % 7 === 0) await server.advance(30)
    }
    await server.advance(1_000)
    mirror.apply(ann)
    expect(mirror.users.size).toBe(261)
    expect(ann.messages('presence:diff').length).toBeGreaterThan(0)
    for (const client of crowd.slice(0, 120)) client.cut()
    await server.advance(1_000)
    mirror.apply(ann)
    const { data } = await ann.request('presence:get', 'x')
    expect(data).toMatchObject({ count: 141, pv: mirror.pv })
    expect([...mirror.users].sort()).toEqual(data.users.map(({ userId }: { userId: string }) => userId).sort())
  })

  it('[D10] who comes and goes within one interval is never left in a list', { timeout: 20_000 }, async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { ann } = await audience(server, { ann: [] })
    const mirror = new Mirror((await ann.request('room:join', 'x')).data as never)
    const crowd: TestClient[] = []
    for (let i = 0; i < 200; i++) {
      crowd.push(await server.connect({ user: `u${i}` }))
      crowd[i]?.post('room:join', 'x')
    }
    await server.advance(1_000)
    const member = crowd[0] as TestClient
    const guest = await server.connect({ user: 'guest' })
    for (const event of ['room:leave', 'room:join', 'room:leave']) {
      await member.request(event, 'x')
      await guest.request(event === 'room:join' ? 'room:leave' : 'room:join', 'x')
    }
    guest.close() // the count is at the limit again
    await server.advance(1_000)
    mirror.apply(ann)
    const { data } = await ann.request('presence:get', 'x')
    expect([...mirror.users].sort()).toEqual(data.users.map(({ userId }: { userId: string }) => userId).sort())
    expect(mirror.pv).toBe(data.pv)
    expect([mirror.users.has('u0'), mirror.users.has('guest')]).toEqual([false, false])
  })

  it('[G6] a storm above 200 members is sent at most every 100 ms', { timeout: 20_000 }, async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { ann } = await audience(server, { ann: ['x'] })
    for (let i = 0; i < 210; i++) {
      const client = await server.connect({ user: `u${i}` })
      client.post('room:join', 'x')
    }
    await server.advance(2_000)
    ann.forget()
    const startedAt = server.clock.monotonic()
    for (let i = 0; i < 50; i++) {
      const client = await server.connect({ user: `v${i}` })
      client.post('room:join', 'x')
      await server.advance(20)
    }
    const elapsedMs = server.clock.monotonic() - startedAt
    const diffs = ann.messages('presence:diff')
    expect(ann.messages('user:joined')).toEqual([])
    expect(diffs.length).toBeGreaterThan(3)
    expect(diffs.length).toBeLessThanOrEqual(elapsedMs / 100 + 1)
    await server.advance(300)
    expect(ann.messages('presence:diff').flatMap(({ joined }) => joined)).toHaveLength(50)
  })

  it('[P8] when everyone comes back, members of a small room are sent by name, and in few writes', async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { ann } = await audience(server, { ann: ['r0'] })
    const writes = ann.wire.writes
    const clients = Array.from({ length: 600 }, (_, i) => server.open({ user: `u${i}` }))
    await server.settle()
    clients.forEach((client, i) => void client.post('room:join', `r${i % 6}`))
    await server.settle()
    const late = await server.connect({ user: 'late' })
    const { data } = await late.request('room:join', 'r1')
    expect(data).toMatchObject({ count: 101, pv: 101 })
    await server.advance(1_000)
    expect(late.messages('user:joined'), 'what was in its answer').toEqual([])
    const joined = ann.messages('user:joined')
    expect(joined.map(({ pv }) => pv)).toEqual(Array.from({ length: 100 }, (_, i) => i + 2))
    expect(ann.wire.writes - writes).toBeLessThanOrEqual(12)
  })

  it('a changed name is told to the room', async () => {
    await using server = await createTestServer()
    const pub = { namespace: '/public' }
    const { watcher } = await audience(server, { watcher: ['x'] }, pub)
    const guest = await server.connect({ ...pub, name: 'Old' })
    await guest.request('room:join', 'x')
    guest.send({ type: 'auth', name: 'New' })
    expect(await guest.next(({ type, user }) => type === 'auth_ok' && user.name === 'New')).toBeDefined()
    expect(watcher.messages('user:joined').map(({ name }) => name)).toEqual(['Old', 'New'])
    expect((await watcher.request('presence:get', 'x')).data.users).toContainEqual(
      expect.objectContaining({ name: 'New' }),
    )
  })
})
