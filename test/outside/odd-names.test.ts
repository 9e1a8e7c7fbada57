/** Names and texts that break careless programs: refused, or carried as they are. C14, C19. */
import { beforeAll, expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import { NAUGHTY_STRINGS } from './lib/naughty.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })
let client: Client
beforeAll(async () => {
  client = await user(server, 'careless')
})

it.each([
  ['empty', ''],
  ['too long', 'x'.repeat(129)],
  ['too long in bytes', '🙂'.repeat(33)],
  ['with a newline', 'a\nb'],
  ['with a NUL', 'a\u0000b'],
  ['with DEL', 'a\u007fb'],
  ['with braces', 'a{b}'],
  ['not in normal form C', 'e\u0301'],
  ['with half a surrogate pair', 'a\ud800'],
])('[C14] a room name %s is ROOM_NAME_INVALID', async (_what, roomId) => {
  for (const type of ['room:join', 'history:get', 'presence:get'])
    expect(await client.refused(type, { roomId })).toMatchObject({ code: 'ROOM_NAME_INVALID' })
  expect(await client.refused('chat:message', { roomId, content: 'x' })).toMatchObject({ code: 'ROOM_NAME_INVALID' })
})

it.each([
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'é',
  '🙂'.repeat(32),
  'x'.repeat(128),
  ' ',
  '../../etc',
  'a/b?c#d',
  "'; drop table events; --",
  '*',
  'board:*',
])('[C14] an odd but lawful room name %j is a room like any other', async (roomId) => {
  expect(await client.ok('room:join', { roomId })).toMatchObject({ roomId, count: 1 })
  await client.ok('chat:message', { roomId, content: 'in an odd place' })
  expect(await client.next({ type: 'chat:message', roomId })).toMatchObject({ seq: 1 })
  expect(((await client.ok('history:get', { roomId })).events as unknown[]).length).toBe(1)
  await client.ok('room:leave', { roomId })
})

it('[C14] __proto__ in a message pollutes nothing', async () => {
  await client.ok('room:join', { roomId: 'calm' })
  client.sendRaw(
    '{"type":"chat:message","roomId":"calm","content":"p","__proto__":{"polluted":true,"role":"admin"},"constructor":{"prototype":{"polluted":true}}}',
  )
  expect(await client.next({ type: 'chat:message', content: 'p' })).not.toHaveProperty('polluted')
  const fresh = await user(server, '__proto__')
  const who = fresh.received.find((one) => one.type === 'auth_ok')?.user as Record<string, unknown>
  expect(who).toMatchObject({ sub: '__proto__', role: 'user' })
  expect(who).not.toHaveProperty('polluted')
  await fresh.ok('room:join', { roomId: 'proto' })
  expect(await fresh.ok('presence:get', { roomId: 'proto' })).toMatchObject({
    count: 1,
    users: [{ userId: '__proto__' }],
  })
  const evil = await user(
    server,
    'evil-claims',
    JSON.parse('{"__proto__":{"role":"admin"}}') as Record<string, unknown>,
  )
  expect(evil.received.find((one) => one.type === 'auth_ok')?.user).toMatchObject({ role: 'user' })
})

it('[C19] naughty strings come out as they went in, as content, as name of a user and as id', async () => {
  await client.ok('room:join', { roomId: 'naughty' })
  for (const content of NAUGHTY_STRINGS) {
    await client.ok('chat:message', { roomId: 'naughty', content })
    expect((await client.next({ type: 'chat:message', roomId: 'naughty' })).content).toBe(content)
  }
  const { events } = await client.ok('history:get', { roomId: 'naughty', limit: 100 })
  expect((events as { content: string }[]).map((event) => event.content)).toEqual(NAUGHTY_STRINGS.slice(-100))
  for (const name of NAUGHTY_STRINGS.filter((text) => Buffer.byteLength(text) <= 100)) {
    const odd = await user(server, `n-${NAUGHTY_STRINGS.indexOf(name)}`, { name })
    await odd.ok('room:list')
    await odd.close()
  }
})
