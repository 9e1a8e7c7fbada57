/** Webhooks against real receivers, on memory and SQLite. docs/webhooks.md. */

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { expect, it, onTestFinished } from 'vitest'
import { type CreateOptions, createRoomful, type Fact, type Roomful } from '../../src/index.ts'
import { type Receiver, startReceiver, WEBHOOK_SECRET } from './receiver.ts'

const API_KEY = 'a-key-for-tests-of-sixteen'

async function start(receiver: Pick<Receiver, 'url'>, given: CreateOptions = {}) {
  const facts: Fact[] = []
  const roomful = createRoomful({
    data: ':memory:',
    jwtSecret: 'a secret of at least thirty-two characters',
    apiKey: API_KEY,
    ratePerSecond: 0,
    ratePerMinute: 0,
    webhookUrl: receiver.url,
    webhookSecret: WEBHOOK_SECRET,
    observer: { observe: (fact) => void facts.push(fact) },
    ...given,
  }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0 })
  const guest = async (name: string, roomId: string) => {
    const client = connect(url, { namespace: '/public', name, transports: ['websocket'] })
    onTestFinished(() => client.close())
    const room = client.room(roomId)
    await room.ready
    return { client, room }
  }
  const api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}/api/server/${path}`, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  return { roomful, url, facts, guest, api }
}

const publish = (roomful: Roomful, roomId: string, content: string) =>
  roomful.get('/').publish(roomId, 'message:new', [{ userId: 'server', name: 'Server', content }])
const contentsOf = ({ events }: Receiver) =>
  events
    .filter(({ type }) => type === 'event.stored')
    .map(({ data }) => (data.args as [{ content: string }])[0].content)
const typesOf = ({ events }: Receiver) => events.map(({ type }) => type)

it('[I1] [I2] a room is occupied, is spoken in, and is vacated, in this order, for libraries of Standard Webhooks', async () => {
  const receiver = await startReceiver()
  const { guest } = await start(receiver)
  const ann = await guest('Ann', 'lobby')
  const sent = await ann.room.send('hello')
  await ann.client.close()
  await expect.poll(() => typesOf(receiver)).toEqual(['room.occupied', 'member.entered', 'event.stored', 'member.exited', 'room.vacated']) // biome-ignore format: one list
  const [occupied, entered, stored, exited] = receiver.events
  expect(occupied).toMatchObject({ namespace: '/public', data: { roomId: 'lobby' } })
  expect(entered?.data).toMatchObject({ roomId: 'lobby', name: 'Ann' })
  expect(stored?.data).toMatchObject({ id: sent.id, seq: 1, type: 'message:new', args: [{ content: 'hello' }] })
  expect(exited?.data).toMatchObject({ userId: entered?.data.userId })
  expect(new Set(receiver.events.map(({ id }) => id)).size).toBe(5)
})

it('[I3] what the receiver does not take waits, and is sent again before what came after it', async () => {
  const receiver = await startReceiver()
  let failures = 0
  receiver.answer = (response) => response.writeHead(++failures <= 2 ? 500 : 200).end()
  const { roomful, facts, api } = await start(receiver)
  for (const content of ['one', 'two', 'three']) await publish(roomful, 'a', content)
  await expect.poll(() => failures).toBeGreaterThan(0)
  expect(await api('GET', 'webhooks')).toMatchObject({ failure: { reason: 'answered 500' } })
  await expect.poll(() => contentsOf(receiver), { timeout: 8_000 }).toEqual(['one', 'two', 'three'])
  const outcomes = facts.flatMap((fact) => (fact.type === 'webhook' ? [fact.outcome] : []))
  expect(outcomes.slice(0, 3)).toEqual(['failed', 'failed', 'delivered'])
  await expect.poll(() => api('GET', 'webhooks')).toMatchObject({ pending: 0, failure: null, lost: 0 })
  // The same delivery has the same id.
  expect(receiver.attempts[0]).toBe(receiver.attempts[1])
})

it('[I3] how many events wait is counted while the receiver takes none', async () => {
  const receiver = await startReceiver()
  receiver.answer = (response) => response.writeHead(500).end()
  // The next attempt is in an hour.
  const { roomful, api } = await start(receiver, { webhookRetryMs: 3_600_000 })
  await publish(roomful, 'a', 'one')
  await expect.poll(() => api('GET', 'webhooks')).toMatchObject({ failure: { reason: 'answered 500' } })
  for (let i = 0; i < 20; i++) await publish(roomful, 'a', `later ${i}`)
  await expect.poll(async () => (await api('GET', 'webhooks')).pending, { timeout: 8_000 }).toBeGreaterThanOrEqual(21)
})

it('[I4] a redirect is not followed, wherever it leads', async () => {
  let wasReached = false
  const inside = createServer((_, response) => {
    wasReached = true
    response.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void inside.close())
  const receiver = await startReceiver()
  const { port } = inside.address() as { port: number }
  receiver.answer = (response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end()
  const { roomful, api } = await start(receiver)
  await publish(roomful, 'a', 'one')
  await expect.poll(() => api('GET', 'webhooks')).toMatchObject({ failure: { reason: expect.stringContaining('redirect (302)') } }) // biome-ignore format: one value
  expect(wasReached).toBe(false)
  receiver.answer = undefined
  await expect.poll(() => contentsOf(receiver), { timeout: 8_000 }).toEqual(['one'])
})

it('[I4] an address of a private network is sent to only where the operator says so, and one of a cloud’s own never', async () => {
  for (const [url, isPrivate, reason] of [
    ['http://10.0.0.1/hooks', false, 'ROOMFUL_WEBHOOK_PRIVATE=on'],
    ['http://[fd00::1]/hooks', false, 'ROOMFUL_WEBHOOK_PRIVATE=on'],
    ['http://169.254.169.254/latest', true, 'never sent to'],
    ['http://[::ffff:169.254.169.254]/latest', true, 'never sent to'],
    ['http://0.0.0.0/', true, 'never sent to'],
  ] as const) {
    const { roomful, api } = await start({ url }, { webhookPrivate: isPrivate })
    await publish(roomful, 'a', 'one')
    await expect
      .poll(() => api('GET', 'webhooks'))
      .toMatchObject({ failure: { reason: expect.stringContaining(reason) } })
    await roomful.close()
  }
})

it('[I5] a receiver that never answers delays no client, and gets the delivery again', async () => {
  const receiver = await startReceiver()
  receiver.answer = () => undefined
  const { roomful, guest } = await start(receiver)
  const ann = await guest('Ann', 'lobby')
  await expect.poll(() => receiver.attempts.length).toBe(1)
  const startedAt = performance.now()
  for (let i = 0; i < 20; i++) await ann.room.send(`message ${i}`)
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  expect(receiver.events).toEqual([])
  await roomful.close() // and the shutdown does not wait for it
})

it('[I6] an event that is refused as not valid again and again is left out, counted, and keeps no other out', async () => {
  const receiver = await startReceiver()
  receiver.answer = (response, events) => {
    const isBad = events.some(({ data }) => JSON.stringify(data).includes('poison'))
    response.writeHead(isBad ? 422 : 200).end()
  }
  const { roomful, facts, api } = await start(receiver, { webhookRetryMs: 2 })
  for (const content of ['one', 'poison', 'three']) await publish(roomful, 'a', content)
  await expect.poll(() => contentsOf(receiver), { timeout: 8_000 }).toEqual(['one', 'three'])
  expect(facts.filter((fact) => fact.type === 'webhook' && fact.outcome === 'rejected')).toHaveLength(1)
  expect(facts).toContainEqual({
    type: 'notice',
    isRisky: true,
    message: expect.stringContaining('refuses event evt_'),
  })
  expect(await api('GET', 'webhooks')).toMatchObject({ rejected: 1, failure: null })
})

it('[I7] what was sent can be sent again, with the ids that it had', async () => {
  const receiver = await startReceiver()
  const { roomful, api } = await start(receiver)
  await publish(roomful, 'a', 'one')
  await publish(roomful, 'b', 'two')
  await expect.poll(() => contentsOf(receiver)).toEqual(['one', 'two'])
  const first = receiver.events.map(({ id }) => id)
  expect(await api('POST', 'webhooks/replay', { since: 0, namespace: '/' })).toEqual({ started: true })
  await expect.poll(() => contentsOf(receiver)).toEqual(['one', 'two', 'one', 'two'])
  expect(receiver.events.slice(2).map(({ id }) => id)).toEqual(first)
})

it('[I8] a message to a user who is away, a mention of one, and a ban', async () => {
  const receiver = await startReceiver()
  const { roomful } = await start(receiver, { webhookEvents: ['message.private', 'user.mentioned', 'user.banned', 'user.unbanned'] }) // biome-ignore format: one call
  await roomful.createAccount({ username: 'ben', password: 'a long password' })
  await roomful.ban('ben', 'spam')
  await roomful.unban('ben')
  await publish(roomful, 'a', 'hello @ben, and @stranger')
  await expect.poll(() => typesOf(receiver)).toEqual(['user.banned', 'user.unbanned', 'user.mentioned'])
  expect(receiver.events[0]?.data).toEqual({ userId: 'ben', reason: 'spam' })
  expect(receiver.events[2]?.data).toMatchObject({ mentioned: 'ben', roomId: 'a', id: 'a-1' })
})

it('[I9] [G3] a repeat under a key notes nothing; on SQLite what was not taken is there after a restart', async () => {
  const data = mkdtempSync(join(tmpdir(), 'roomful-webhooks-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const receiver = await startReceiver()
  receiver.answer = (response) => response.writeHead(503).end()
  const { roomful } = await start(receiver, { data })
  for (let i = 0; i < 2; i++) await roomful.get('/').publish('a', 'note', [{ content: 'once' }], { key: 'k1' })
  await publish(roomful, 'a', 'two')
  await expect.poll(() => receiver.attempts.length).toBeGreaterThan(0)
  await roomful.close()
  receiver.answer = undefined
  await start(receiver, { data })
  await expect.poll(() => contentsOf(receiver)).toEqual(['once', 'two'])
  expect(receiver.events.map(({ data }) => data.key)).toEqual(['k1', undefined])
})

it('[I10] what a user said is not sent any more once it is redacted', async () => {
  const receiver = await startReceiver()
  receiver.answer = (response) => response.writeHead(503).end()
  const { roomful } = await start(receiver)
  await roomful.get('/').publish('a', 'note', [{ content: 'private' }], { userId: 'ann' })
  await publish(roomful, 'a', 'public')
  await roomful.get('/').redactUser('ann')
  receiver.answer = undefined
  await expect.poll(() => contentsOf(receiver), { timeout: 8_000 }).toContain('public')
  // The first attempt may have been under way.
  await roomful.get('/').publish('a', 'note', [{ content: 'later' }])
  await expect.poll(() => contentsOf(receiver)).toContain('later')
})

it('[I10] one message that is redacted while it waits, or between two attempts, is not sent', async () => {
  const receiver = await startReceiver()
  receiver.answer = (response) => response.writeHead(503).end()
  const { roomful } = await start(receiver)
  const inFlight = await publish(roomful, 'a', 'secret of the first attempt')
  await expect.poll(() => receiver.attempts.length).toBeGreaterThan(0)
  const waiting = await publish(roomful, 'a', 'secret that waits')
  await publish(roomful, 'a', 'public')
  for (const { seq } of [inFlight, waiting]) expect(await roomful.get('/').redact('a', seq)).toBe(true)
  receiver.answer = undefined
  await expect.poll(() => contentsOf(receiver), { timeout: 8_000 }).toContain('public')
  expect(JSON.stringify(receiver.events)).not.toContain('secret')
})

it.each(['memory', 'SQLite'])(
  '[I12] a message in pieces is sent when it begins, and whole when it ends, in %s',
  async (store) => {
    const folder = mkdtempSync(join(tmpdir(), 'roomful-webhooks-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const receiver = await startReceiver()
    const { roomful } = await start(receiver, store === 'memory' ? {} : { data: folder })
    const { sub } = await roomful.createAccount({ username: 'zoe', password: 'a long password' })
    const stream = await roomful.get('/').stream('a', 'message:new', { userId: 'bot', name: 'Bot', content: 'Hello ' })
    stream.append(`@${sub}, how are you?`)
    const unsent = await roomful.get('/').stream('a', 'message:new', { userId: 'bot', name: 'Bot', content: 'secret' })
    await expect.poll(() => receiver.events.length).toBe(2)
    await stream.complete()
    await expect.poll(() => receiver.events.length).toBe(4)
    const [begun, , ended, mentioned] = receiver.events
    expect(begun).toMatchObject({ type: 'event.stored', data: { type: 'message:new', args: [{ streaming: true }] } })
    const whole = { id: stream.id, seq: 1, type: 'message:new', args: [{ content: `Hello @${sub}, how are you?` }] }
    expect(ended).toMatchObject({ type: 'event.stored', data: { type: 'message:ended', message: whole } })
    expect(mentioned).toMatchObject({ type: 'user.mentioned', data: { mentioned: sub, message: whole } })
    receiver.answer = (response) => response.writeHead(503).end()
    await unsent.complete()
    await roomful.get('/').redact('a', unsent.seq)
    receiver.answer = undefined
    await publish(roomful, 'a', 'last')
    await expect.poll(() => contentsOf(receiver), { timeout: 8_000 }).toContain('last')
    expect(JSON.stringify(receiver.events)).not.toContain('secret')
  },
)

it('[I1] settings that cannot work are refused with a sentence', () => {
  const make = (given: CreateOptions) => () => createRoomful({ data: ':memory:', ...given })
  expect(make({ webhookUrl: 'https://example.org/' })).toThrow('ROOMFUL_WEBHOOK_SECRET must be too')
  expect(make({ webhookSecret: WEBHOOK_SECRET })).toThrow('ROOMFUL_WEBHOOK_URL is not')
  expect(make({ webhookUrl: 'https://example.org/', webhookSecret: 'short' })).toThrow('24 to 64 bytes in base64')
})
