/** Who is in a namespace: a user is there from the first connection to the last, and everyone can see how many there are. */
import { createTestServer, type TestClient } from '@roomful/testkit'
import { describe, expect, it, vi } from 'vitest'
import { Link } from '../../src/core/link/link.ts'
import { audience } from './audience.ts'

const OPEN = { ratePerSecond: 0, ratePerMinute: 0 }

describe('presence of a namespace', () => {
  it('[C10] [C13] online and offline, told to everyone else', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: [] })
    const bob = await server.connect({ user: 'bob' })
    await server.advance(500)
    expect(ann.messages('presence:update')).toEqual([{ type: 'presence:update', userId: 'bob', status: 'online' }])
    expect(bob.messages('presence:update')).toEqual([])
    bob.close()
    await server.advance(500)
    expect(ann.messages('presence:update').at(-1)).toMatchObject({ userId: 'bob', status: 'offline' })
  })

  it('[G6] few are told of at once; of a storm, what is more than 2,000 deliveries within 100 ms goes together', async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { ann } = await audience(server, { ann: [] })
    for (let i = 0; i < 99; i++) server.open({ user: `there${i}` })
    await server.advance(1_000)
    ann.forget()
    const writes = ann.wire.writes
    for (let i = 0; i < 60; i++) server.open({ user: `u${i}` })
    await server.settle()
    expect(ann.messages('presence:update').length).toBeLessThanOrEqual(20)
    const pieces = vi.spyOn(Link.prototype, 'send')
    await server.advance(200)
    // One for each of 100, two for each newcomer, and a count: not 40 for each.
    expect(pieces.mock.calls.length).toBeLessThanOrEqual(400)
    pieces.mockRestore()
    expect(ann.messages('presence:update').map(({ userId }) => userId)).toEqual(
      Array.from({ length: 60 }, (_, i) => `u${i}`),
    )
    expect(ann.wire.writes - writes).toBeLessThanOrEqual(4)
  })

  it('[G6] what is sent together is the same for everyone, in order, in few pieces, and each without their own', async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { ann } = await audience(server, { ann: ['x'] })
    const sdk = await server.connect({ user: 'sdk', dialect: 'v1' })
    for (let i = 0; i < 250; i++) server.open({ user: `there${i}` })
    await server.advance(2_000)
    ann.forget()
    sdk.forget()
    const names = Array.from({ length: 40 }, (_, i) => `u${i}`)
    const clients: TestClient[] = []
    for (const user of names) {
      const client = await server.connect({ user })
      await client.request('room:join', { roomId: 'x' })
      clients.push(client)
    }
    clients[7]?.close()
    await server.advance(2_000)
    const kinds = ['presence:update', 'user:joined', 'user:left']
    const story = (client: TestClient): string[] =>
      client
        .messages(({ type }) => kinds.includes(String(type)))
        .map(({ type, userId, status }) => `${userId} ${status ?? String(type).slice(5)}`)
    const about = (name: string): string[] => story(ann).filter((line) => line.startsWith(`${name} `))
    for (const name of names) {
      if (name !== 'u7') expect(about(name)).toEqual([`${name} online`, `${name} joined`])
    }
    expect(about('u7').slice(0, 2)).toEqual(['u7 online', 'u7 joined'])
    expect(about('u7').slice(2).toSorted()).toEqual(['u7 left', 'u7 offline'])
    const online = (client: TestClient) =>
      client.messages('presence:update').flatMap(({ userId, status }) => (status === 'online' ? [userId] : []))
    expect(online(ann)).toEqual(names)
    const seen = sdk.messages(({ event }) => event === 'presence:update').map(({ data }) => data)
    expect(seen.filter((data) => (data as { status: string }).status === 'online')).toEqual(
      names.map((userId) => ({ userId, status: 'online' })),
    )
    for (const [i, client] of clients.entries()) expect(online(client)).not.toContain(names[i])
    expect(online(clients[39] as TestClient).length).toBeGreaterThan(0)
  })

  it('above 1,000 connections only those who share a room hear of it, also after a grace', {
    timeout: 20_000,
  }, async () => {
    await using server = await createTestServer({ settings: OPEN })
    const { near, far } = await audience(server, { near: ['x'], far: ['y'] })
    for (let i = 0; i < 1_000; i++) server.open({ user: `u${i}` })
    await server.advance(1_000)
    const bob = await server.connect({ user: 'bob' })
    const cy = await server.connect({ user: 'cy', dialect: 'v1' })
    for (const client of [bob, cy]) await client.request('room:join', 'x')
    await server.advance(1_000)
    near.forget()
    far.forget()
    bob.close()
    cy.cut()
    await server.advance(6_000)
    const offline = (client: TestClient) =>
      client.messages('presence:update').map(({ userId, status }) => `${userId} ${status}`)
    expect(offline(near)).toEqual(['bob offline', 'cy offline'])
    expect(offline(far)).toEqual([])
  })

  it('[B17] users:count: at once on own connect, else at most one a second', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: [] })
    const newcomers: TestClient[] = []
    for (let i = 0; i < 30; i++) {
      newcomers.push(await server.connect({ user: `u${i % 10}` }))
      await server.advance(100)
    }
    for (const client of newcomers) expect(client.messages('users:count').length).toBeGreaterThan(0)
    const own = newcomers[4]?.messages('users:count')[0]
    expect(own).toMatchObject({ count: 6, connections: 6 })
    expect(ann.messages('users:count').length).toBeLessThanOrEqual(5)
    await server.advance(1_000)
    expect(ann.messages('users:count').at(-1)).toMatchObject({ count: 11, connections: 31 })
    for (const client of newcomers) client.close()
    await server.advance(2_000)
    expect(ann.messages('users:count').at(-1)).toMatchObject({ count: 1, connections: 1 })
    ann.forget()
    await server.advance(10_000)
    expect(ann.messages('users:count')).toEqual([])
  })

  it('[U7] [B17] users:count goes less often to more than a thousand connections', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: [] })
    for (let i = 0; i < 2_000; i++) await server.connect({ user: `u${i}` })
    await server.advance(5_000)
    ann.forget()
    for (let i = 0; i < 40; i++) {
      await server.connect({ user: `late${i}` })
      await server.advance(100)
    }
    expect(ann.messages('users:count').length).toBeGreaterThan(0)
    expect(ann.messages('users:count').length).toBeLessThanOrEqual(3)
    await server.advance(2_500)
    expect(ann.messages('users:count').at(-1)).toMatchObject({ count: 2_041, connections: 2_041 })
  })
})
