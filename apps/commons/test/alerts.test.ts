/** Notifications of direct messages and mentions, whatever client they were written with. */
import type { TestClient, TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import type { Commons } from '../commons.ts'
import { addDirect } from '../features/direct/server.ts'
import { addAlerts } from '../features/notifications/alerts.ts'
import { mentionedIn } from '../features/notifications/mentions.ts'
import { addRooms } from '../features/rooms/server.ts'
import { testCommons } from './support/commons.ts'

function addAll(commons: Commons): void {
  addRooms(commons)
  addDirect(commons)
  addAlerts(commons)
}

/** A user with an account who was here before, and the user's notifications. */
async function listener(server: TestServer, sub: string, name: string): Promise<TestClient> {
  await server.connect({ user: { sub, name } })
  return server.connect({ user: { sub, name }, namespace: '/notifications' })
}

describe('a direct message', () => {
  it('notifies whom it is for, once for what comes within two seconds, and not its author', async () => {
    const server = await testCommons(addAll)
    const bob = await listener(server, 'bob', 'Bob')
    const ann = await server.connect({ user: { sub: 'ann', name: 'Ann' } })
    const own = await server.connect({ user: 'ann', namespace: '/notifications' })
    for (const content of ['one', 'two', 'three']) await ann.request('message:private', { to: 'bob', content })
    expect(await bob.next('notification')).toMatchObject({
      ...{ title: 'Ann', message: 'one', link: '/messages/ann', about: 'direct:ann', aboutSeq: 1 },
    })
    await server.advance(2_000)
    expect(bob.messages('notification').slice(1)).toMatchObject([{ message: 'three', aboutSeq: 3 }])
    await server.advance(10_000)
    expect(bob.messages('notification')).toHaveLength(2)
    expect(own.messages('notification')).toEqual([])
  })

  it('waits for who is away', async () => {
    const server = await testCommons(addAll)
    const ann = await server.connect({ user: { sub: 'ann', name: 'Ann' } })
    await ann.request('message:private', { to: 'bob', content: `long ${'word '.repeat(60)}` })
    await server.settle()
    const bob = await server.connect({ user: 'bob', namespace: '/notifications' })
    const { message } = await bob.next('notification')
    expect(String(message)).toMatch(/^long word .*…$/)
    expect([...String(message)]).toHaveLength(140)
  })
})

describe('a mention', () => {
  it('in a room of /public notifies members, also by guests; its quote goes with the message', async () => {
    const server = await testCommons(addAll)
    const bob = await listener(server, 'bob', 'Bob Stone')
    const gus = await server.connect({ namespace: '/public', name: 'Gus' })
    await gus.request('message:send', { roomId: 'lobby', content: 'hello @bob  stone, and bob@stone.example' })
    expect(await bob.next('notification')).toMatchObject({
      ...{ title: 'Gus mentioned you in #lobby', link: '/rooms/lobby', about: 'room:lobby', aboutSeq: 1 },
    })
    await gus.request('message:send', { roomId: 'lobby', content: 'no mention of Bob Stone' })
    await gus.request('message:redact', { roomId: 'lobby', seq: 1 })
    await server.advance(5_000)
    expect(bob.messages('notification')).toHaveLength(1)
    const { events } = await server.get('/notifications').history('user:bob', { limit: 10 })
    expect(JSON.stringify(events)).not.toContain('hello')
  })

  it('of oneself is none', async () => {
    const server = await testCommons(addAll)
    const own = await listener(server, 'ann', 'Ann')
    const ann = await server.connect({ user: { sub: 'ann', name: 'Ann' }, namespace: '/public' })
    await ann.request('message:send', { roomId: 'members:staff', content: 'I am @Ann' })
    await server.advance(5_000)
    expect(own.messages('notification')).toEqual([])
  })

  const people: Readonly<Record<string, string>> = { ann: 'a', 'ann lee': 'al', זויה: 'z', 'dr. who': 'w' }
  const called = (name: string): string[] => [people[name.toLowerCase()] ?? []].flat()
  it.each([
    ['@Ann Lee, look', ['al']],
    ['@Ann: look', ['a']],
    ['(@ann) and @ANN', ['a']],
    ['@ann’s desk', ['a']],
    ['@Dr. Who!', ['w']],
    ['@זויה?', ['z']],
    ['mail@ann @noone @ ann @@ann', []],
  ])('%s', (text, ids) => {
    expect(mentionedIn(text, called)).toEqual(ids)
  })
})

describe('rooms for members', () => {
  it('refuse users without an account; guests and members talk in all others', async () => {
    const server = await testCommons(addAll)
    const gus = await server.connect({ namespace: '/public', name: 'Gus' })
    const ann = await server.connect({ namespace: '/public', user: 'ann' })
    for (const client of [gus, ann]) await client.request('room:join', 'lobby')
    await gus.request('message:send', { roomId: 'lobby', content: 'hello' })
    expect(await ann.next('chat:message')).toMatchObject({ content: 'hello', name: 'Gus' })

    const roomId = 'members:staff'
    expect((await ann.request('room:join', roomId)).error).toBeUndefined()
    for (const [event, data] of [
      ['room:join', { roomId }],
      ['message:send', { roomId, content: 'let me in' }],
      ['history:get', { roomId }],
      ['presence:get', { roomId }],
    ] as const) {
      expect((await gus.request(event, data)).error?.code).toBe('FORBIDDEN')
    }
  })
})
