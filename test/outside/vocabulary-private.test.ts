/** Private messages: to a user wherever they are, kept in the inbox while they are away. PROTOCOL.md 8, B23. */
import { expect, it } from 'vitest'
import { user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

const connectionId = (frames: Frame[]): unknown => frames.find((frame) => frame.type === 'welcome')?.id

it('[B23] reaches every connection of both users, with the required fields, and is acknowledged delivered', async () => {
  const [ann, annTab] = [await user(server, 'd-ann', { name: 'Ann' }), await user(server, 'd-ann', { name: 'Ann' })]
  const [ben, benTab] = [await user(server, 'd-ben'), await user(server, 'd-ben')]
  const eve = await user(server, 'd-eve')
  const ack = await ann.ok('message:private', { to: 'd-ben', content: 'psst' })
  expect(ack).toEqual({ status: 'ok', id: expect.any(String), ts: expect.any(Number), delivery: 'delivered' })
  for (const client of [ann, annTab, ben, benTab]) {
    expect(await client.next('message:private')).toMatchObject({
      id: expect.any(String),
      from: connectionId(ann.received),
      fromUser: 'd-ann',
      name: 'Ann',
      to: 'd-ben',
      content: 'psst',
      ts: ack.ts,
      roomId: expect.any(String),
      seq: expect.any(Number),
    })
    await client.settled()
    expect(client.unread('message:private')).toEqual([])
  }
  await eve.settled()
  expect(eve.unread('message:private')).toEqual([])
})

it('[B23] to may be a connection id, which means its user', async () => {
  const [ann, ben, benTab] = [await user(server, 'c-ann'), await user(server, 'c-ben'), await user(server, 'c-ben')]
  await ann.ok('message:private', { to: connectionId(ben.received), content: 'by connection' })
  for (const client of [ben, benTab])
    expect(await client.next('message:private')).toMatchObject({ content: 'by connection', to: 'c-ben' })
})

it('[B23] who is away gets it on the next connect, all of it, in order, and the ack says queued', async () => {
  const ann = await user(server, 'q-ann')
  const before = await user(server, 'q-ben')
  await before.close()
  await ann.next({ type: 'presence:update', userId: 'q-ben', status: 'offline' })
  for (const content of ['one', 'two', 'three']) {
    expect(await ann.ok('message:private', { to: 'q-ben', content })).toMatchObject({ delivery: 'queued' })
  }
  const ben = await user(server, 'q-ben')
  for (const content of ['one', 'two', 'three'])
    expect(await ben.next('message:private')).toMatchObject({ content, fromUser: 'q-ann' })
})

it('[B23] somebody who was never here gets it on the first connect', async () => {
  const ann = await user(server, 'n-ann')
  expect(await ann.ok('message:private', { to: 'n-newcomer', content: 'welcome aboard' })).toMatchObject({
    delivery: 'queued',
  })
  const newcomer = await user(server, 'n-newcomer')
  await newcomer.next({ type: 'message:private', content: 'welcome aboard' })
})

it('[B23] the inbox is a room: its owner resumes it by position', async () => {
  const [ann, ben] = [await user(server, 'i-ann'), await user(server, 'i-ben')]
  await ann.ok('message:private', { to: 'i-ben', content: 'kept 1' })
  await ann.ok('message:private', { to: 'i-ben', content: 'kept 2' })
  const first = await ben.next({ type: 'message:private', content: 'kept 1' })
  expect(first.roomId).toBe('user:i-ben')
  const again = await user(server, 'i-ben')
  const reply = await again.ok('room:join', { roomId: 'user:i-ben', after: first.seq })
  expect(reply).toMatchObject({ recovered: true })
  await again.next({ type: 'message:private', content: 'kept 2' })
  const { events } = await again.ok('history:get', { roomId: 'user:i-ben' })
  expect((events as Frame[]).map((event) => event.content)).toEqual(['kept 1', 'kept 2'])
})

it('[B23] a note to oneself is one message', async () => {
  const ann = await user(server, 'self-ann')
  await ann.ok('message:private', { to: 'self-ann', content: 'remember' })
  await ann.next({ type: 'message:private', content: 'remember' })
  await ann.settled()
  expect(ann.unread('message:private')).toEqual([])
})

it('[B23] a repeat by key is sent once', async () => {
  const [ann, ben] = [await user(server, 'k-ann'), await user(server, 'k-ben')]
  const first = await ann.ok('message:private', { to: 'k-ben', content: 'once', key: 'private-key-1' })
  const again = await ann.ok('message:private', { to: 'k-ben', content: 'once', key: 'private-key-1' })
  expect(again).toMatchObject({ id: first.id, ts: first.ts })
  await ben.next('message:private')
  await ben.settled()
  expect(ben.unread('message:private')).toEqual([])
})

it('[B23] to nobody, or to what is no user, is refused with the field', async () => {
  const ann = await user(server, 'z-ann')
  for (const to of [undefined, '', 7, {}, 'x'.repeat(129)]) {
    expect(await ann.refused('message:private', { to, content: 'x' })).toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'to',
    })
  }
  expect(
    await ann.refused('message:private', { to: `c_${'0'.repeat(20)}`, content: 'to a connection that is gone' }),
  ).toHaveProperty('code')
})

it("[B23] private messages are in nobody else's room, history or list", async () => {
  const [ann, ben] = [await user(server, 'h-ann'), await user(server, 'h-ben')]
  await ann.ok('message:private', { to: 'h-ben', content: 'between us' })
  const eve = await user(server, 'h-eve', { role: 'user' })
  for (const roomId of ['user:h-ann', 'user:h-ben', 'user:H-BEN', ' user:h-ben', 'user:h-ben ']) {
    const ack = await eve.request('history:get', { roomId })
    expect(JSON.stringify(ack), roomId).not.toContain('between us')
  }
  await ben.next('message:private')
})
