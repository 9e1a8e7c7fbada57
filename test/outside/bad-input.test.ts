/** What a careless or hostile client may say: each gets its code, the connection and everyone else go on. C14, C16. */
import { afterEach, beforeAll, expect, it } from 'vitest'
import { Client, user } from './lib/client.ts'
import { frame, openRaw, TEXT } from './lib/raw.ts'
import { SMALL_HEAP, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'
import { until } from './lib/wait.ts'

const server = useServer({
  nodeArgs: SMALL_HEAP,
  env: { ...UNLIMITED, ROOMFUL_MAX_MESSAGE_BYTES: `${256 * 1024}` }, // so that not the size refuses what is deep
})
let client: Client
let other: Client
beforeAll(async () => {
  client = await user(server, 'careless')
  other = await user(server, 'bystander')
  await other.ok('room:join', { roomId: 'calm' })
})
afterEach(async () => {
  // Whatever was said: the process, the connection and the room of the others are as before.
  await client.settled()
  client.forget()
  await client.ok('chat:message', { roomId: 'calm', content: 'are you there?' })
  await other.next({ content: 'are you there?' })
})

async function errorOf(raw: string): Promise<Record<string, unknown>> {
  client.sendRaw(raw)
  return await client.next((one) => one.type === 'error' || one.error !== undefined)
}

it.each([
  '',
  ' ',
  '{',
  '{"type":',
  'undefined',
  "{'type':'ping'}",
  '{"type":"ping"}}',
  '\ufeff{"type":"ping"}',
  'NaN',
  '[1,',
  '{"a":1,}',
])('[C14] bad JSON %j is PARSE_ERROR Invalid JSON', async (text) => {
  expect(await errorOf(text)).toMatchObject({ type: 'error', code: 'PARSE_ERROR', message: 'Invalid JSON' })
})

it.each(['{}', '{"roomId":"x"}', '{"type":""}', '{"type":null}', '{"event":""}'])(
  '[C14] no type, %s, is INVALID_MESSAGE',
  async (text) => {
    expect(await errorOf(text)).toMatchObject({ code: 'INVALID_MESSAGE', message: expect.stringMatching(/type/) })
  },
)

it('[C14] the sentence for a missing type is the required one', async () => {
  expect(await errorOf('{"roomId":"x"}')).toMatchObject({
    type: 'error',
    code: 'INVALID_MESSAGE',
    message: 'Message must have a type field',
  })
})

it.each([
  '[]',
  '[{"type":"ping"}]',
  'null',
  'true',
  '7',
  '"ping"',
  '{"type":7}',
  '{"type":{}}',
  '{"type":["ping"]}',
  '{"event":7,"data":{}}',
])('[C14] JSON that is no message, %s, is INVALID_MESSAGE', async (text) => {
  expect(await errorOf(text)).toMatchObject({ code: 'INVALID_MESSAGE' })
})

it.each([
  'no:such:event',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'connect',
  'disconnect',
  'error',
  'message:new',
  'x'.repeat(100),
])('[C14] an unknown event %s is UNKNOWN_EVENT', async (type) => {
  expect(await client.refused(type, { a: 1 })).toMatchObject({ code: 'UNKNOWN_EVENT' })
  client.send({ type, a: 1 })
  expect(await client.next('error')).toMatchObject({ code: 'UNKNOWN_EVENT', event: type })
})

it.each([
  ['chat:message', {}, 'roomId'],
  ['chat:message', { roomId: 'x' }, 'content'],
  ['chat:message', { roomId: 'x', content: '' }, 'content'],
  ['chat:message', { roomId: 'x', content: null }, 'content'],
  ['chat:message', { roomId: 'x', content: ['a'] }, 'content'],
  ['chat:message', { roomId: 'x', content: 'a', replyTo: 7 }, 'replyTo'],
  ['chat:message', { roomId: 7, content: 'a' }, 'roomId'],
  ['room:join', {}, 'roomId'],
  ['room:join', { roomId: { a: 1 } }, 'roomId'],
  ['room:leave', { roomId: null }, 'roomId'],
  ['message:private', { to: 'x' }, 'content'],
  ['message:edit', { roomId: 'x', content: 'y' }, 'seq'],
  ['reaction:send', { roomId: 'x' }, 'emoji'],
  ['reaction:send', { roomId: 'x', emoji: 'e'.repeat(1000) }, 'emoji'],
  ['reaction:remove', { roomId: 'x', emoji: 'e' }, 'messageId'],
  ['history:get', { roomId: 'x', before: 'y' }, 'before'],
  ['typing:start', { roomId: [] }, 'roomId'],
])('[C14] [C16] %s with %j says which field: %s', async (type, data, field) => {
  expect(await client.refused(type, data)).toMatchObject({
    code: 'INVALID_MESSAGE',
    field,
    message: expect.stringContaining(field),
  })
})

it.each(['key', 'id'])('[C14] a %s that is too long or of a wrong kind is refused', async (field) => {
  for (const value of ['x'.repeat(129), {}, [1], true]) {
    client.send({ type: 'chat:message', roomId: 'calm', content: 'x', [field]: value })
    expect(await client.next((one) => one.type === 'error' || one.error !== undefined)).toMatchObject({
      type: 'error',
      code: 'INVALID_MESSAGE',
    })
  }
})

it('[C16] JSON 64 levels deep is read, deeper is refused, and 200 KB of brackets stop nobody', async () => {
  const nested = (depth: number): string => `{"type":"room:list","x":${'['.repeat(depth)}${']'.repeat(depth)},"id":"n"}`
  client.sendRaw(nested(60))
  expect((await client.next((one) => one.ack === 'n' || one.type === 'error')).error).not.toMatchObject({
    code: 'PARSE_ERROR',
  })
  for (const depth of [65, 1000, 100_000])
    expect(await errorOf(nested(depth))).toMatchObject({
      code: 'INVALID_MESSAGE',
      message: expect.stringMatching(/deep/),
    })
  expect(await errorOf('['.repeat(100_000))).toMatchObject({ code: 'INVALID_MESSAGE' })
})

it('[C16] [R4] 100,000 levels are refused over plain JSON, v1, Socket.IO and POST, again and again, and cost no memory', async () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const v1 = new Client(`${server.ws}/ws`, { protocols: ['roomful.v1'] })
  v1.socket.once('open', () => v1.send({ type: 'open', v: 1, ch: 1, ns: '/', token: token({ sub: 'careful' }) }))
  await v1.next('opened')
  const before = server.rssBytes
  for (let round = 0; round < 10; round++) {
    expect(await errorOf(`{"type":"room:list","x":${deep}}`)).toMatchObject({ code: 'INVALID_MESSAGE' })
    v1.sendRaw(`{"ch":1,"event":"room:list","data":${deep},"id":"n"}`)
    expect(await v1.next('error')).toMatchObject({ code: 'INVALID_MESSAGE' })
    const sent = await server.post('/send/public', `{"type":"chat:message","roomId":"calm","content":${deep}}`)
    expect([sent.status, await sent.json()]).toMatchObject([400, { error: { code: 'INVALID_MESSAGE' } }])
    const socketIo = new Client(`${server.ws}/socket.io/?EIO=4&transport=websocket`)
    await socketIo.opened()
    socketIo.sendRaw(`40{"token":"${token({ sub: 'packer' })}"}`)
    await until(() => socketIo.raw.some((packet) => packet.toString().startsWith('40')), { what: 'the connection' })
    socketIo.sendRaw(`42["room:list",${deep}]`)
    expect((await socketIo.closed).code).toBe(1002)
  }
  expect(server.rssBytes - before).toBeLessThan(64 * 1024 * 1024)
  await v1.close()
})

it('[C14] binary where text is due is INVALID_MESSAGE', async () => {
  client.sendRaw(Buffer.from('{"type":"ping"}'))
  expect(await client.next('error')).toMatchObject({ code: 'INVALID_MESSAGE' })
  client.sendRaw(Buffer.alloc(0))
  expect(await client.next('error')).toMatchObject({ code: 'INVALID_MESSAGE' })
})

it('[C14] invalid UTF-8 in a text frame closes 1007', async () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const raw = await openRaw(server.port, `/ws?token=${token({ sub: 'garbler' })}`)
    await raw.nextJson('auth_ok')
    raw.write(frame(TEXT, Buffer.from([0x22, ...bytes, 0x22])))
    expect(await raw.closeCode()).toBe(1007)
    raw.destroy()
  }
})
