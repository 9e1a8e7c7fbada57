/** The SDK's form, spoken by hand: channels, sessions that outlive a connection, two reconnects of one session. PROTOCOL.md 6, C18. */
import { expect, it } from 'vitest'
import { Client, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

async function link(protocols = ['roomful.v1']): Promise<Client> {
  const client = new Client(`${server.ws}/ws`, { protocols })
  await client.next('welcome')
  return client
}

async function open(client: Client, ch: number, sub: string, extra: Record<string, unknown> = {}): Promise<Frame> {
  client.send({ type: 'open', v: 1, ch, ns: '/', token: token({ sub }), ...extra })
  return await client.next({ type: 'opened', ch })
}

async function request(
  client: Client,
  ch: number,
  event: string,
  data: unknown,
  id: string,
): Promise<Record<string, unknown>> {
  client.send({ ch, event, data, id })
  const ack = await client.next({ ch, ack: id })
  if (ack.error !== undefined) throw new Error(JSON.stringify(ack.error))
  return ack.data as Record<string, unknown>
}

it('[C18] roomful.v1 is taken, also beside newer ones, and welcome says the version', async () => {
  expect((await link()).socket.protocol).toBe('roomful.v1')
  const client = await link(['roomful.v9', 'roomful.v1'])
  expect(client.socket.protocol).toBe('roomful.v1')
  expect(client.received[0]).toMatchObject({ type: 'welcome', id: expect.any(String), limits: expect.any(Object) })
})

it('[C18] a channel is a connection: opened with its id, its user and a session', async () => {
  const client = await link()
  expect(await open(client, 1, 'v-ann')).toMatchObject({
    ch: 1,
    id: expect.stringMatching(/^c_/),
    user: { sub: 'v-ann' },
    session: expect.any(String),
    recovered: false,
  })
  const other = await user(server, 'v-plain')
  await other.ok('room:join', { roomId: 'v' })
  await request(client, 1, 'room:join', { roomId: 'v' }, 'a')
  await other.next({ type: 'user:joined', userId: 'v-ann' })
  await other.ok('chat:message', { roomId: 'v', content: 'across forms' })
  expect(await client.next({ ch: 1, event: 'message:new' })).toMatchObject({
    roomId: 'v',
    seq: 1,
    n: expect.any(Number),
    data: { content: 'across forms' },
  })
  await request(client, 1, 'message:send', { roomId: 'v', content: 'back' }, 'b')
  await other.next({ type: 'chat:message', content: 'back' })
})

it('[C18] several channels on one link, several frames in one message, unknown frames ignored', async () => {
  const client = await link()
  const [one, two] = [await open(client, 1, 'm-ann'), await open(client, 2, 'm-ben')]
  expect(one.id).not.toBe(two.id)
  client.sendRaw(
    [
      { ch: 1, event: 'room:join', data: { roomId: 'm' }, id: '1' },
      { type: 'from:the:future', ch: 1, strange: true },
      { ch: 2, event: 'room:join', data: { roomId: 'm' }, id: '2', strange: true },
    ]
      .map((frame) => JSON.stringify(frame))
      .join('\n'),
  )
  for (const ch of [1, 2]) expect((await client.next({ ch, ack: String(ch) })).data).toMatchObject({ status: 'ok' })
  await request(client, 2, 'message:send', { roomId: 'm', content: 'to both' }, '3')
  for (const ch of [1, 2]) await client.next({ ch, event: 'message:new' })
  client.send({ type: 'close', ch: 2 })
  await request(client, 1, 'message:send', { roomId: 'm', content: 'to one' }, '4')
  await client.next({ ch: 1, event: 'message:new' })
  expect(client.unread({ ch: 2, event: 'message:new' })).toEqual([])
})

it('[C18] a bad token closes its channel and not the link', async () => {
  const client = await link()
  await open(client, 1, 'b-ann')
  client.send({ type: 'open', v: 1, ch: 2, ns: '/', token: 'rubbish' })
  expect(await client.next({ type: 'closed', ch: 2 })).toMatchObject({ code: 4001 })
  client.send({ type: 'open', v: 1, ch: 3, ns: '/admin', token: token({ sub: 'b-ann' }) })
  expect(await client.next({ type: 'closed', ch: 3 })).toMatchObject({ code: 4003 })
  await request(client, 1, 'room:list', undefined, 'x')
})

it('[C18] a session that was cut off comes back to its rooms, and nobody saw it leave', async () => {
  const watcher = await user(server, 's-watcher')
  await watcher.ok('room:join', { roomId: 's' })
  const first = await link()
  const { session } = await open(first, 1, 's-ann')
  await request(first, 1, 'room:join', { roomId: 's' }, 'j')
  await watcher.next({ type: 'user:joined', userId: 's-ann' })
  await first.terminate()
  await watcher.ok('chat:message', { roomId: 's', content: 'missed' })
  const second = await link()
  expect(await open(second, 1, 's-ann', { session })).toMatchObject({ recovered: true })
  await request(second, 1, 'room:join', { roomId: 's', after: 0 }, 'j')
  await second.next({ ch: 1, event: 'message:new', seq: 1 })
  await watcher.settled()
  expect(watcher.unread({ type: 'user:left', userId: 's-ann' })).toEqual([])
  await second.close()
  await watcher.next({ type: 'user:left', userId: 's-ann' })
})

it('[C18] two overlapping reconnects of one session leave one live', async () => {
  const first = await link()
  const { session } = await open(first, 1, 'o-ann')
  const [second, third] = [await link(), await link()]
  const openings = [second, third].map((client) =>
    client.send({ type: 'open', v: 1, ch: 1, ns: '/', token: token({ sub: 'o-ann' }), session }),
  )
  expect(openings).toHaveLength(2)
  const all = [first, second, third]
  const replaced = await Promise.all(
    [first, second].map((client) =>
      client
        .next((frame) => frame.type === 'closed', 5000)
        .then(
          (frame) => frame.code,
          () => undefined,
        ),
    ),
  )
  expect(replaced[0]).toBe(4005)
  // Whoever came last holds it.
  let live = 0
  for (const client of all) {
    const isLive = await request(client, 1, 'room:list', undefined, 'alive').then(
      () => true,
      () => false,
    )
    if (isLive) live++
  }
  expect(live).toBe(1)
})

it('[C19] a session belongs to its user: another token does not open it', async () => {
  const first = await link()
  const { session } = await open(first, 1, 'mine-ann')
  const thief = await link()
  thief.send({ type: 'open', v: 1, ch: 1, ns: '/', token: token({ sub: 'mine-eve' }), session })
  const outcome = await thief.next((frame) => frame.type === 'opened' || frame.type === 'closed')
  if (outcome.type === 'opened') expect(outcome).toMatchObject({ recovered: false, user: { sub: 'mine-eve' } })
  await request(first, 1, 'room:list', undefined, 'still-mine')
})
