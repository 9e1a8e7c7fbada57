/** The plain form: flat and envelope requests, acknowledgements, errors, keys. PROTOCOL.md 4, C3, C10, C11, C14. */
import { beforeAll, expect, it } from 'vitest'
import { type Client, dial, user } from './lib/client.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })
let ann: Client
let ben: Client
beforeAll(async () => {
  ann = await user(server, 'ann', { name: 'Ann' })
  ben = await user(server, 'ben')
  await ben.ok('room:join', { roomId: 'abc' })
  await ann.ok('room:join', { roomId: 'abc' })
})

it('[C3] welcome comes first: id, time, protocol, limits, heartbeat', async () => {
  const client = dial(server, `/ws?token=${token({ sub: 'newcomer' })}`)
  const welcome = await client.next('welcome')
  expect(client.received[0]).toBe(welcome)
  expect(welcome).toEqual({
    type: 'welcome',
    id: expect.stringMatching(/^c_.{20}$/),
    now: expect.any(Number),
    protocol: expect.any(Number),
    limits: expect.any(Object),
    heartbeat: expect.any(Object),
  })
  expect(Math.abs((welcome.now as number) - Date.now())).toBeLessThan(2000)
  expect(welcome.limits).toMatchObject({ maxMessageBytes: 65_536 })
})

it('[C10] the flat form: chat:message goes to all members, sender included, as the requirement writes it', async () => {
  ann.send({ type: 'chat:message', roomId: 'abc', content: 'Hello' })
  for (const client of [ann, ben]) {
    const message = await client.next({ type: 'chat:message', content: 'Hello' })
    expect(message).toEqual({
      type: 'chat:message',
      id: expect.any(String),
      roomId: 'abc',
      seq: expect.any(Number),
      userId: 'ann',
      name: 'Ann',
      content: 'Hello',
      ts: expect.any(Number),
    })
    expect(message.id).toBe(`abc-${message.seq}`)
  }
})

it('[C11] the envelope {id, event, data} is acknowledged with {ack: id, data}', async () => {
  ann.send({ id: 'q1', event: 'chat:message', data: { roomId: 'abc', content: 'enveloped' } })
  const ack = await ann.next({ type: 'ack', ack: 'q1' })
  expect(ack).toEqual({
    type: 'ack',
    ack: 'q1',
    data: { status: 'ok', id: expect.any(String), seq: expect.any(Number), ts: expect.any(Number) },
  })
  const message = await ben.next({ type: 'chat:message', content: 'enveloped' })
  expect(message).toMatchObject(
    Object.fromEntries(Object.entries(ack.data as object).filter(([field]) => field !== 'status')),
  )
})

it('[C10] message:send is another name of it, in both forms', async () => {
  ann.send({ type: 'message:send', roomId: 'abc', content: 'by its other name', id: 's1' })
  await ann.next({ type: 'ack', ack: 's1' })
  await ben.next({ type: 'chat:message', content: 'by its other name' })
  ann.send({ event: 'message:send', data: { roomId: 'abc', content: 'and enveloped' } })
  await ben.next({ type: 'chat:message', content: 'and enveloped' })
})

it('[C11] an id may be a number or a string, and comes back as it was', async () => {
  ann.send({ type: 'room:list', id: 7 })
  expect((await ann.next({ type: 'ack', ack: 7 })).data).toMatchObject({ status: 'ok' })
  ann.send({ type: 'room:list', id: '7' })
  expect((await ann.next({ type: 'ack', ack: '7' })).data).toMatchObject({ status: 'ok' })
  ann.send({ type: 'room:list', id: 0 })
  expect((await ann.next({ type: 'ack', ack: 0 })).data).toMatchObject({ status: 'ok' })
})

it('[C11] a failed request with id is an ack with error and data, without id an error message', async () => {
  ann.send({ type: 'chat:message', roomId: 'abc', content: 7, id: 'bad' })
  expect(await ann.next({ type: 'ack', ack: 'bad' })).toEqual({
    type: 'ack',
    ack: 'bad',
    error: { code: 'INVALID_MESSAGE', message: expect.stringMatching(/content/), field: 'content' },
    data: { status: 'error', code: 'INVALID_MESSAGE', message: expect.stringMatching(/content/), field: 'content' },
  })
  ann.send({ type: 'chat:message', roomId: 'abc', content: 7 })
  expect(await ann.next('error')).toMatchObject({
    code: 'INVALID_MESSAGE',
    message: expect.stringMatching(/content/),
    field: 'content',
    event: 'chat:message',
  })
})

it('[C11] a join without id is always answered, by room:joined', async () => {
  const client = await user(server, 'idless')
  client.send({ type: 'room:join', roomId: 'idless' })
  expect(await client.next('room:joined')).toMatchObject({
    roomId: 'idless',
    epoch: expect.any(String),
    seq: 0,
    count: 1,
  })
})

it('[C11] a room id may come alone as a string', async () => {
  const client = await user(server, 'brief')
  client.send({ event: 'room:join', data: 'brief-room', id: 'b' })
  expect((await client.next({ type: 'ack', ack: 'b' })).data).toMatchObject({ status: 'ok', roomId: 'brief-room' })
  client.send({ type: 'room:leave', data: 'brief-room', id: 'c' })
  expect((await client.next({ type: 'ack', ack: 'c' })).data).toMatchObject({ status: 'ok' })
  client.send({ event: 'typing:start', data: 'abc' })
  expect(await ben.next('user:typing')).toMatchObject({ roomId: 'abc', userId: 'brief' })
})

it('[C11] requests of one connection are answered in order', async () => {
  for (let i = 0; i < 50; i++) ann.send({ type: 'chat:message', roomId: 'ordered', content: `n${i}`, id: `o${i}` })
  const seqs: unknown[] = []
  for (let i = 0; i < 50; i++) seqs.push(((await ann.next({ ack: `o${i}` })).data as { seq: number }).seq)
  expect(seqs).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
})

it('[C21] [C11] the own event comes before its acknowledgement', async () => {
  ann.send({ type: 'chat:message', roomId: 'abc', content: 'mine first', id: 'mine' })
  await ann.next({ ack: 'mine' })
  const order = ann.received.findIndex((frame) => frame.content === 'mine first')
  expect(order).toBeGreaterThanOrEqual(0)
  expect(order).toBeLessThan(ann.received.findIndex((frame) => frame.ack === 'mine'))
})

it('[C14] requests that fail in every way leave the connection as it was', async () => {
  await ann.refused('no:such:event')
  ann.sendRaw('rubbish')
  await ann.next({ type: 'error', code: 'PARSE_ERROR' })
  ann.send({ type: 'chat:message', roomId: 'abc', content: 'after all that' })
  await ben.next({ content: 'after all that' })
})
