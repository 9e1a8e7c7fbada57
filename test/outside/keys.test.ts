/** What a `key` makes of a repeated request: nothing new, the first reply again. G3, PROTOCOL.md 7, C21. */
import { beforeAll, expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })
let ann: Client
let ben: Client
beforeAll(async () => {
  ann = await user(server, 'ann', { name: 'Ann' })
  ben = await user(server, 'ben')
  await ben.ok('room:join', { roomId: 'abc' })
})

it('[C21] a key makes a repeat harmless: the first reply again, one event', async () => {
  const data = { roomId: 'abc', content: 'once', key: 'key-once' }
  const first = await ann.ok('chat:message', data)
  const again = await ann.ok('chat:message', data)
  expect(again).toEqual(first)
  await ben.next({ type: 'chat:message', content: 'once', key: 'key-once', seq: first.seq })
  await ben.settled()
  expect(ben.unread({ content: 'once' })).toEqual([])
  const { events } = await ann.ok('history:get', { roomId: 'abc', limit: 100 })
  expect((events as { content: string }[]).filter((event) => event.content === 'once')).toHaveLength(1)
})

it('[C21] the same key for something else is CONFLICT; of another user it is another key', async () => {
  await ann.ok('chat:message', { roomId: 'abc', content: 'original', key: 'k-conflict' })
  expect(await ann.refused('chat:message', { roomId: 'abc', content: 'different', key: 'k-conflict' })).toMatchObject({
    code: 'CONFLICT',
  })
  expect(
    await ann.refused('chat:message', { roomId: 'elsewhere', content: 'original', key: 'k-conflict' }),
  ).toMatchObject({ code: 'CONFLICT' })
  await ben.ok('chat:message', { roomId: 'abc', content: 'different', key: 'k-conflict' })
})

it('[C21] a key holds across the connections of a user', async () => {
  const other = await user(server, 'ann', { name: 'Ann' })
  const first = await ann.ok('chat:message', { roomId: 'abc', content: 'two tabs', key: 'k-tabs' })
  expect(await other.ok('chat:message', { roomId: 'abc', content: 'two tabs', key: 'k-tabs' })).toEqual(first)
})

it('[C21] ten repeats in one go are one event', async () => {
  for (let i = 0; i < 10; i++)
    ann.send({ type: 'chat:message', roomId: 'burst', content: 'same', key: 'k-burst', id: `b${i}` })
  const replies: unknown[] = []
  for (let i = 0; i < 10; i++) replies.push((await ann.next({ ack: `b${i}` })).data)
  expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1)
  expect(((await ann.ok('history:get', { roomId: 'burst' })).events as unknown[]).length).toBe(1)
})

it('[C21] an id of 16 characters or more is a key, a shorter one is not', async () => {
  const long = { roomId: 'ids', content: 'long', id: 'an-id-of-16-char' }
  const first = await ann.ok('chat:message', long)
  expect(await ann.ok('chat:message', long)).toEqual(first)
  const short = { roomId: 'ids', content: 'short', id: 'an-id-of-15-cha' }
  const one = await ann.ok('chat:message', short)
  expect((await ann.ok('chat:message', short)).seq).not.toBe(one.seq)
})

it('[C21] a UUIDv7 key from before the window is EXPIRED, not executed', async () => {
  const uuidV7 = (ms: number): string => {
    const hex = Math.floor(ms).toString(16).padStart(12, '0')
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8def-0123456789ab`
  }
  const old = uuidV7(Date.now() - 25 * 3600 * 1000)
  expect(await ann.refused('chat:message', { roomId: 'abc', content: 'too late', key: old })).toMatchObject({
    code: 'EXPIRED',
  })
  await ann.ok('chat:message', { roomId: 'abc', content: 'in time', key: uuidV7(Date.now() - 23 * 3600 * 1000) })
  await ben.next({ content: 'in time' })
  expect(ben.unread({ content: 'too late' })).toEqual([])
})
