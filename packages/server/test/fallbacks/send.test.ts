/** One client event over HTTP: the same handlers, limits, keys and errors as over a link. C11, B35, C14. */

import { connect } from 'node:net'
import { RoomfulError } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { bearer, errorOf, type Message, serve, socket, stream, tokenOf, until } from './serving.ts'

const send = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) })
const answerOf = async (response: Response): Promise<Message> => (await response.json()) as Message

describe('an event over HTTP', () => {
  it('[C11] is answered with its acknowledgement, in both forms of plain', async () => {
    const { url, roomful } = await serve()
    const ann = await stream(`${url}/sse?room=lobby&token=${tokenOf('ann')}`)
    const flat = await send(`${url}/send`, { type: 'chat:message', roomId: 'lobby', content: 'flat' }, bearer('ben'))
    expect([flat.status, await answerOf(flat)]).toMatchObject([200, { status: 'ok', id: 'lobby-1', seq: 1 }])
    const envelope = { event: 'message:send', data: { roomId: 'lobby', content: 'two\n☃' } }
    const answer = await answerOf(await send(`${url}/send/chat?token=${tokenOf('ben')}`, envelope))
    expect(answer).toMatchObject({ status: 'ok', seq: 2 })
    await until('both', () => ann.durable().length === 2)
    expect(ann.durable().map(({ content, name, seq }) => [seq, name, content])).toEqual([
      [1, 'ben', 'flat'],
      [2, 'ben', 'two\n☃'],
    ])
    expect(ann.heard.some(({ type }) => type === 'user:joined' || type === 'presence:update')).toBe(false)
    await until('only the stream to be left', () => hubOf(roomful).links.open.size === 1)
  })

  it('[D2] is stored once per key', async () => {
    const { url } = await serve()
    const message = { type: 'chat:message', roomId: 'lobby', content: 'once', key: 'k-1' }
    const first = await answerOf(await send(`${url}/send`, message, bearer('ann')))
    expect(await answerOf(await send(`${url}/send`, message, bearer('ann')))).toEqual(first)
    const other = await send(`${url}/send`, { ...message, content: 'twice' }, bearer('ann'))
    expect(await errorOf(other)).toEqual([409, 'CONFLICT'])
  })

  it('[D18] says in a refusal what a program needs to do better', async () => {
    const { url } = await serve()
    const set = (value: string) =>
      send(`${url}/send`, { type: 'state:set', roomId: 'lobby', name: 'turn', value, version: 0 }, bearer('ann'))
    expect(await answerOf(await set('black'))).toMatchObject({ status: 'ok', version: 1 })
    const refused = await set('white')
    expect(refused.status).toBe(409)
    expect(await answerOf(refused)).toMatchObject({ error: { code: 'CONFLICT', value: 'black', version: 1 } })
  })

  it('[M6] speaks in a room for members when its user is there with another connection', async () => {
    const { url } = await serve({}, (roomful) => {
      const board = roomful.namespace('/board').room('*', { publish: 'members' })
      roomful.chat(board)
    })
    const message = { type: 'chat:message', roomId: 'lobby', content: 'Hi' }
    expect(await errorOf(await send(`${url}/send/board`, message, bearer('ann')))).toEqual([400, 'NOT_IN_ROOM'])
    await stream(`${url}/sse/board?room=lobby&token=${tokenOf('ann')}`)
    expect(await answerOf(await send(`${url}/send/board`, message, bearer('ann')))).toMatchObject({ status: 'ok' })
  })

  it('[B34] [C12] counts as over a link: per second, and per minute over all connections of the user', async () => {
    const { url } = await serve({ ratePerSecond: 3, ratePerMinute: 4 })
    const say = (content: string) =>
      send(`${url}/send`, { type: 'chat:message', roomId: 'lobby', content }, bearer('ann'))
    for (const content of ['1', '2', '3']) expect((await say(content)).status).toBe(200)
    const limited = await say('4')
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '1'])
    const ws = await socket(`${url}/ws?token=${tokenOf('ann')}`)
    expect(await ws.ask({ type: 'chat:message', roomId: 'lobby', content: '4' })).toMatchObject({ status: 'ok' })
    const over = await ws.ask({ type: 'chat:message', roomId: 'lobby', content: '5' })
    expect(over).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('[B34] a guest cannot begin anew with each request', async () => {
    const { url } = await serve({ ratePerMinute: 2 })
    const say = () => send(`${url}/send/public?name=Ann`, { type: 'chat:message', roomId: 'lobby', content: 'x' })
    expect([(await say()).status, (await say()).status, (await say()).status]).toEqual([200, 200, 429])
  })

  it('[B38] answers a handler that throws, and one that takes too long for its client', async () => {
    const facts: string[] = []
    const { url, roomful } = await serve({ observer: { observe: ({ type }) => facts.push(type) } }, (server) => {
      const board = server.namespace('/board')
      board.on('throw', () => {
        throw new Error('broken')
      })
      board.on('own', () => {
        throw new RoomfulError('NOT_PAID', 'Pay first', { field: 'amount' })
      })
      board.on('nothing', () => undefined)
      board.on('wait', () => new Promise(() => undefined))
    })
    const ask = (type: string) => send(`${url}/send/board`, { type }, bearer('ann'))
    expect(await errorOf(await ask('throw'))).toEqual([500, 'INTERNAL'])
    expect(facts).toContain('handler:failed')
    const own = await ask('own')
    expect([own.status, await answerOf(own)]).toEqual([
      400,
      { error: { code: 'NOT_PAID', message: 'Pay first', field: 'amount' } },
    ])
    expect(await answerOf(await ask('nothing'))).toBe(null)
    const abort = new AbortController()
    const body = JSON.stringify({ type: 'wait' })
    const waiting = fetch(`${url}/send/board`, { method: 'POST', body, headers: bearer('ann'), signal: abort.signal })
    await until('the request', () => hubOf(roomful).links.open.size === 1)
    abort.abort()
    await expect(waiting).rejects.toThrow()
    await until('nothing to be left', () => hubOf(roomful).links.open.size === 0)
  })
})

describe('a refusal', () => {
  const message = { type: 'chat:message', roomId: 'lobby', content: 'x' }
  it.each<[string, string, unknown, Record<string, string>, number, string]>([
    ['no token', '/send', message, {}, 401, 'UNAUTHENTICATED'],
    ['a bad token', '/send/public?token=x', message, {}, 401, 'TOKEN_INVALID'],
    ['a role that does not fit', '/send/admin', message, bearer('ann'), 403, 'FORBIDDEN'],
    ['a namespace that is not there', '/send/nowhere', message, bearer('ann'), 404, 'NOT_FOUND'],
    ['no JSON', '/send/public', '{"type":', {}, 400, 'PARSE_ERROR'],
    ['nothing', '/send/public', '', {}, 400, 'PARSE_ERROR'],
    ['no type', '/send/public', {}, {}, 400, 'INVALID_MESSAGE'],
    ['an unknown event', '/send/public', { type: 'nonsense' }, {}, 400, 'UNKNOWN_EVENT'],
    ['a field that is missing', '/send/public', { type: 'chat:message', roomId: 'a' }, {}, 400, 'INVALID_MESSAGE'],
    ['a join', '/send/public', { type: 'room:join', roomId: 'a' }, {}, 400, 'INVALID_MESSAGE'],
    ['an auth', '/send/public', { type: 'auth', token: 'x' }, {}, 400, 'INVALID_MESSAGE'],
    ['60,000 levels', '/send/public', `{"type":"x","data":${'['.repeat(60_000)}`, {}, 400, 'INVALID_MESSAGE'],
    ['a large message', '/send/public', { ...message, content: 'x'.repeat(70_000) }, {}, 413, 'TOO_LARGE'],
    ['a large body', '/send/public', 'x'.repeat(300_000), {}, 413, 'TOO_LARGE'],
    ['a foreign origin', '/send/public', message, { origin: 'https://evil.example' }, 403, 'FORBIDDEN'],
  ])('[B35] [C14] is told by status and code: %s', async (_, path, body, headers, status, code) => {
    const { url, roomful } = await serve()
    expect(await errorOf(await send(url + path, body, headers))).toEqual([status, code])
    await until('nothing to be left', () => hubOf(roomful).links.open.size === 0)
  })

  it('[A3.3] a client that goes away in the middle of its body harms nobody', async () => {
    const { url, port, roomful } = await serve()
    await new Promise<void>((resolve) => {
      const raw = connect(port, '127.0.0.1', () => {
        raw.write('POST /send/public HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"type"', () => raw.destroy())
      })
      raw.once('close', () => resolve())
    })
    expect((await send(`${url}/send/public`, message)).status).toBe(200)
    await until('nothing to be left', () => hubOf(roomful).links.open.size === 0)
  })
})
