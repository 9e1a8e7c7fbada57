import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRoomful, defineContract, event } from '../../src/index.ts'
import { API_KEY, join, refusal, SECRET, type Serving, serveHttp, tokenOf } from './serving.ts'

let serving: Serving

const shop = defineContract({
  client: {},
  server: {
    'stock:update': event({ data: z.object({ productId: z.string(), stock: z.number() }) }),
    'order:sent': event({ data: z.object({ order: z.number() }), durable: true }),
  },
})

beforeAll(async () => {
  serving = await serveHttp({}, (roomful) => {
    roomful.namespace('/shop', shop)
  })
})
afterAll(() => serving[Symbol.asyncDispose]())

const get = (path: string, auth: string = API_KEY) => serving.get(`/api/server/${path}`, auth)
const post = (path: string, body: unknown, auth: string = API_KEY) => serving.post(`/api/server/${path}`, body, auth)

describe('the key', () => {
  it('[X1] is asked for on every path, and nothing else opens one', async () => {
    const anonymous = await serving.get('/api/server/rooms')
    expect(refusal(anonymous)).toEqual([401, 'UNAUTHENTICATED', undefined])
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer')
    for (const wrong of [`${API_KEY}x`, API_KEY.slice(1), '', tokenOf('root', 'admin')]) {
      expect(refusal(await get('rooms', wrong))).toEqual([401, 'TOKEN_INVALID', undefined])
    }
    expect((await get('rooms')).status).toBe(200)
  })

  it('[X1] without the setting the paths are nobody’s', async () => {
    await using other = await serveHttp({ apiKey: undefined })
    expect(refusal(await other.get('/api/server/rooms', API_KEY))).toEqual([404, 'NOT_FOUND', undefined])
    expect(refusal(await other.post('/api/server/publish', {}, API_KEY))).toEqual([404, 'NOT_FOUND', undefined])
  })

  it('[X2] wrong ones are logged without what was given, and bounded; the right one of this machine goes on', async () => {
    await using other = await serveHttp({ trustProxy: 1 })
    const guess = (address: string, key: string) =>
      fetch(`${other.url}/api/server/rooms`, {
        headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': address },
      }).then(({ status, headers }) => [status, headers.get('retry-after')])
    for (let count = 0; count < 20; count++) expect(await guess('203.0.113.7', `guess-${count}`)).toEqual([401, null])
    const [status, retryAfter] = await guess('203.0.113.7', 'guess-20')
    expect([status, Number(retryAfter) > 50]).toEqual([429, true])
    expect((await guess('203.0.113.7', API_KEY))[0]).toBe(429)
    expect((await guess('203.0.113.8', API_KEY))[0]).toBe(200)
    const failures = other.facts.filter(({ type }) => type === 'auth:failed')
    expect(failures).toHaveLength(20)
    expect(failures[0]).toMatchObject({ code: 'TOKEN_INVALID', ip: '203.0.113.7' })
    expect(JSON.stringify(other.facts)).not.toMatch(/guess-\d/)
    expect((await other.get('/api/server/rooms', API_KEY)).status).toBe(200)
  })

  it('[X2] a short one is warned of', async () => {
    const told: unknown[] = []
    const observer = { observe: (fact: unknown) => told.push(fact) }
    await createRoomful({ data: ':memory:', jwtSecret: SECRET, apiKey: 'short', observer }).close()
    expect(told).toContainEqual({
      type: 'notice',
      isRisky: true,
      message: expect.stringMatching(/^ROOMFUL_API_KEY has fewer/),
    })
  })
})

describe('publishing', () => {
  it('[X3] reaches members with the number that the answer tells', async () => {
    const ann = await serving.connect('ann')
    await join(ann, 'orders')
    const event = { roomId: 'orders', event: 'order:sent', data: { order: 7 }, key: 'order-7-sent', userId: 'shop' }
    const { status, body } = await post('publish', event)
    expect([status, body]).toEqual([
      200,
      { status: 'ok', id: 'orders-1', roomId: 'orders', seq: 1, ts: expect.any(Number) },
    ])
    expect(await ann.next(({ type }) => type === 'order:sent')).toEqual({
      type: 'order:sent',
      order: 7,
      roomId: 'orders',
      seq: 1,
      ts: body.ts,
      id: 'orders-1',
      key: 'order-7-sent',
    })
    ann.socket.close()
  })

  it('[X4] a repeat under the same key gets the first answer; another content is CONFLICT, an old key EXPIRED', async () => {
    const first = await post('publish', { roomId: 'once', event: 'e', data: { a: 1 }, key: 'k' })
    const again = await post('publish', { roomId: 'once', event: 'e', data: { a: 1 }, key: 'k' })
    expect(again.body).toEqual(first.body)
    expect(refusal(await post('publish', { roomId: 'once', event: 'e', data: { a: 2 }, key: 'k' }))).toEqual([
      409,
      'CONFLICT',
      undefined,
    ])
    const old = '01890000-0000-7000-8000-000000000000'
    expect(refusal(await post('publish', { roomId: 'once', event: 'e', key: old }))).toEqual([
      400,
      'EXPIRED',
      undefined,
    ])
    expect((await get('rooms/once/events')).body.events).toHaveLength(1)
  })

  it('[X3] holds what a contract declares against its schema, in every namespace', async () => {
    const shopEvent = (more: object) => post('publish', { namespace: '/shop', roomId: 'orders', ...more })
    expect((await shopEvent({ event: 'order:sent', data: { order: 1 } })).status).toBe(200)
    expect(refusal(await shopEvent({ event: 'order:sent', data: { order: '1' } }))).toEqual([
      400,
      'INVALID_MESSAGE',
      'order',
    ])
    expect(refusal(await shopEvent({ event: 'order:lost' }))).toEqual([400, 'UNKNOWN_EVENT', 'event'])
    expect(refusal(await shopEvent({ event: 'stock:update', data: { productId: 'a', stock: 1 } }))).toEqual([
      400,
      'INVALID_MESSAGE',
      'event',
    ])
    expect(refusal(await post('publish', { roomId: 'a', event: 'message:new', data: { content: 'x' } }))).toEqual([
      400,
      'INVALID_MESSAGE',
      'data.userId',
    ])
    const said = { userId: 'bot', name: 'Bot', content: 'x' }
    expect((await post('publish', { roomId: 'a', event: 'message:new', data: said })).status).toBe(200)
  })

  it('[X3] takes several arguments, and bytes, by any HTTP client', async () => {
    const body = JSON.stringify({ roomId: 'odd', event: 'several', args: [1, { $binary: 'AQID' }, '𝛼\n'] })
    const headers = ['-H', `authorization: Bearer ${API_KEY}`, '-H', 'content-type: application/json']
    const { stdout } = await promisify(execFile)('curl', [
      '-sS',
      ...headers,
      '-d',
      body,
      `${serving.url}/api/server/publish`,
    ])
    expect(JSON.parse(stdout)).toMatchObject({ status: 'ok', id: 'odd-1' })
    expect((await get('rooms/odd/events')).body.events[0].args).toEqual([1, { $binary: 'AQID' }, '𝛼\n'])
  })

  it('[X3] to who is connected: a room, a user, everyone, and nothing is kept', async () => {
    const ann = await serving.connect('ann', '/shop')
    const told = { namespace: '/shop', event: 'stock:update', data: { productId: 'a', stock: 1 } }
    expect((await post('emit', { ...told, rooms: ['user:ann'] })).body).toEqual({ status: 'ok' })
    expect((await post('emit', { ...told, rooms: ['user:bob'] })).body).toEqual({ status: 'ok' })
    expect((await post('emit', { ...told, data: { productId: 'b', stock: 2 }, volatile: true })).status).toBe(200)
    expect(await ann.next(({ productId }) => productId === 'b')).toEqual({
      type: 'stock:update',
      productId: 'b',
      stock: 2,
    })
    expect(ann.messages.filter(({ type }) => type === 'stock:update')).toHaveLength(2)
    expect(refusal(await post('emit', { ...told, event: 'order:sent', data: { order: 1 } }))).toEqual([
      400,
      'INVALID_MESSAGE',
      'event',
    ])
    expect(refusal(await post('emit', { ...told, rooms: ['{}'] }))).toEqual([400, 'ROOM_NAME_INVALID', 'rooms'])
    ann.socket.close()
  })
})

describe('several rooms', () => {
  it('are published to under one key, which counts in each of them by itself', async () => {
    const event = { event: 'order:sent', data: { order: 8 }, key: 'order-8-sent' }
    const first = await post('publish', { ...event, rooms: ['shelf-a', 'shelf-b', 'shelf-a'] })
    expect(first.body).toMatchObject({
      status: 'ok',
      events: [
        { id: 'shelf-a-1', roomId: 'shelf-a', seq: 1 },
        { id: 'shelf-b-1', roomId: 'shelf-b', seq: 1 },
      ],
    })
    // A repeat is stored where it was not, and answered as the first time where it was.
    const again = await post('publish', { ...event, rooms: ['shelf-c', 'shelf-b'] })
    expect(again.body.events).toMatchObject([{ id: 'shelf-c-1' }, first.body.events[1]])
    expect((await post('publish', { ...event, roomId: 'shelf-a' })).body).toMatchObject(first.body.events[0])
    for (const shelf of ['shelf-a', 'shelf-b', 'shelf-c']) {
      expect((await get(`rooms/${shelf}/events`)).body.events).toHaveLength(1)
    }
    const other = await post('publish', { ...event, data: { order: 9 }, rooms: ['shelf-d', 'shelf-a'] })
    expect(refusal(other)).toEqual([409, 'CONFLICT', undefined])
  })

  it.each([
    ['neither', {}, [400, 'INVALID_MESSAGE', 'roomId']],
    ['both', { roomId: 'a', rooms: ['b'] }, [400, 'INVALID_MESSAGE', 'roomId']],
    ['none', { rooms: [] }, [400, 'INVALID_MESSAGE', 'rooms']],
    ['too many', { rooms: Array.from({ length: 101 }, (_, i) => `r${i}`) }, [400, 'INVALID_MESSAGE', 'rooms']],
    ['a bad name', { rooms: ['fine', 'a{b}'] }, [400, 'ROOM_NAME_INVALID', 'rooms']],
    ['a connection', { rooms: ['fine', 'c_1234'] }, [400, 'ROOM_NAME_INVALID', 'rooms']],
  ])('%s: refused, and nothing is stored', async (_, rooms, expected) => {
    expect(refusal(await post('publish', { event: 'order:sent', data: { order: 1 }, ...rooms }))).toEqual(expected)
    expect((await get('rooms/fine/events')).body.events).toEqual([])
  })
})

describe('membership', () => {
  it('a user is put into a room and taken out, and the clients are told', async () => {
    const kim = await serving.connect('kim')
    const joined = await post('rooms/back%20office/join', { userId: 'kim' })
    expect(joined.body).toEqual({ status: 'ok', connections: 1 })
    expect(await kim.next(({ type }) => type === 'room:joined')).toMatchObject({ roomId: 'back office', count: 1 })
    expect((await get('rooms/back%20office/users')).body.users).toMatchObject([{ userId: 'kim' }])
    expect((await post('rooms/back%20office/leave', { userId: 'kim' })).body).toEqual({ status: 'ok', connections: 1 })
    expect(await kim.next(({ type }) => type === 'room:left')).toMatchObject({ roomId: 'back office' })
    expect((await post('rooms/lobby/join', { userId: 'not-here' })).body).toEqual({ status: 'ok', connections: 0 })
    kim.socket.close()
  })

  it.each([
    ['without a user', 'rooms/lobby/join', {}, [400, 'INVALID_MESSAGE', 'userId']],
    ['an inbox', 'rooms/user%3Abob/join', { userId: 'ann' }, [403, 'FORBIDDEN', 'roomId']],
    ['a bad name', 'rooms/a%7Bb%7D/join', { userId: 'ann' }, [400, 'ROOM_NAME_INVALID', 'roomId']],
    ['no namespace', 'rooms/lobby/leave', { userId: 'ann', namespace: '/none' }, [404, 'NOT_FOUND', 'namespace']],
  ])('%s: refused', async (_, path, body, expected) => {
    expect(refusal(await post(path, body))).toEqual(expected)
  })
})

describe('the state of a room', () => {
  const put = (body: object) =>
    fetch(`${serving.url}/api/server/rooms/board/state`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then(async (response) => ({ status: response.status, body: await response.json() }))

  it('[D18] is read and changed, and members are sent it', async () => {
    const kim = await serving.connect('kim')
    await join(kim, 'board')
    expect(await put({ name: 'turn', value: 'white', userId: 'referee' })).toEqual({
      status: 200,
      body: { status: 'ok', version: 1, value: 'white' },
    })
    expect(await kim.next(({ type }) => type === 'state:changed')).toMatchObject({ value: 'white', userId: 'referee' })
    expect((await put({ name: 'turn', value: 'black', version: 0 })).body.error).toMatchObject({
      ...{ code: 'CONFLICT', value: 'white', version: 1 },
    })
    expect((await put({ name: 'moves', by: 2 })).body).toEqual({ status: 'ok', version: 2, value: 2 })
    expect((await put({ name: 'turn', deleted: true })).body).toEqual({ status: 'ok', version: 3 })
    expect((await get('rooms/board/state')).body).toEqual({
      ...{ fv: 3, state: { moves: { value: 2, version: 2 } }, more: false },
    })
    kim.socket.close()
  })

  it.each([
    [{ name: 'n' }, 'value'],
    [{ name: 'n', value: 1, by: 1 }, 'value'],
    [{ name: '', value: 1 }, 'name'],
    [{ value: 1 }, 'name'],
  ])('[D18] %j: refused', async (body, field) => {
    const { status, body: answer } = await put(body)
    expect([status, answer.error.code, answer.error.field]).toEqual([400, 'INVALID_MESSAGE', field])
  })
})

describe('refusals', () => {
  const deep = `{"roomId":"a","event":"e","data":${'['.repeat(70)}${']'.repeat(70)}}`

  it.each<[string, string, unknown, [number, string, string | undefined]]>([
    ['no JSON', 'publish', '{"roomId"', [400, 'PARSE_ERROR', undefined]],
    ['no object', 'publish', '[]', [400, 'INVALID_MESSAGE', undefined]],
    ['a missing field', 'publish', { roomId: 'a' }, [400, 'INVALID_MESSAGE', 'event']],
    ['a misspelt field', 'publish', { roomId: 'a', event: 'e', keey: 'k' }, [400, 'INVALID_MESSAGE', 'keey']],
    ['no room', 'publish', { roomId: 'a\u0000', event: 'e' }, [400, 'ROOM_NAME_INVALID', 'roomId']],
    ['a connection', 'publish', { roomId: 'c_abc', event: 'e' }, [400, 'ROOM_NAME_INVALID', 'roomId']],
    ['no namespace', 'publish', { namespace: '/no', roomId: 'a', event: 'e' }, [404, 'NOT_FOUND', 'namespace']],
    ['data and args', 'publish', { roomId: 'a', event: 'e', data: 1, args: [1] }, [400, 'INVALID_MESSAGE', 'data']],
    ['nested too deep', 'publish', deep, [400, 'INVALID_MESSAGE', undefined]],
    ['too large', 'publish', { roomId: 'a', event: 'e', data: 'x'.repeat(70_000) }, [413, 'TOO_LARGE', undefined]],
    ['far too large', 'publish', 'x'.repeat(200_000), [413, 'TOO_LARGE', undefined]],
    ['whom', 'disconnect', {}, [400, 'INVALID_MESSAGE', 'userId']],
    ['both', 'disconnect', { userId: 'a', connectionId: 'b' }, [400, 'INVALID_MESSAGE', 'userId']],
    ['a reason no close frame holds', 'disconnect', { userId: 'a', reason: 'é' }, [400, 'INVALID_MESSAGE', 'reason']],
    ['which event', 'redact', { roomId: 'a' }, [400, 'INVALID_MESSAGE', 'seq']],
    ['nobody', 'ban', { userId: '' }, [400, 'INVALID_MESSAGE', 'userId']],
  ])('[X8] %s: code and field', async (_, path, body, expected) => {
    expect(refusal(await post(path, body))).toEqual(expected)
  })

  it('[X8] the wrong method, and a page of another site', async () => {
    const wrong = await get('publish')
    expect([refusal(wrong)[0], wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    const headers = { authorization: `Bearer ${API_KEY}`, origin: 'https://evil.example' }
    expect((await fetch(`${serving.url}/api/server/rooms`, { headers })).status).toBe(403)
  })
})
