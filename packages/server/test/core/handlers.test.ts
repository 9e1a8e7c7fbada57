/** Every way in which a handler can fail ends in an answer, a fact for the log, and a server that goes on. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { RoomfulError } from '../../src/core/base/errors.ts'

type Open = (server: TestServer) => Promise<TestClient>

const dialects: Record<string, Open> = {
  plain: (server) => server.connect({ user: 'ann' }),
  v1: (server) => server.connect({ user: 'ann', dialect: 'v1' }),
  async classic(server) {
    const client = await server.connect({ user: 'ann' })
    client.send({ type: 'join', room: 'x' })
    await client.next('joined')
    return client
  },
}

/** The refusal of a request with id 1, in whatever form the dialect has for it. */
function refusals(client: TestClient): { code: string; message: string; field?: string }[] {
  return client.received.flatMap((message) =>
    message.error
      ? [message.error]
      : message.type === 'error'
        ? [{ code: message.code, message: message.message }]
        : [],
  )
}

async function failing(): Promise<TestServer> {
  return createTestServer({
    setUp: (kit) => {
      const namespace = kit.hub.addNamespace(['/'], undefined, { open: true, classic: true })
      namespace.on('throws', () => {
        throw new TypeError('secret detail')
      })
      namespace.on('rejects', async () => {
        await Promise.resolve()
        throw new TypeError('secret detail')
      })
      namespace.on('string', () => {
        throw 'just a string'
      })
      namespace.on('nothing', () => Promise.reject(undefined))
      namespace.on('undefined', () => {
        throw undefined
      })
      namespace.on('refuses', () => {
        throw new RoomfulError('SOLD_OUT', 'There are none left', { retryAfterMs: 1_500, field: 'item' })
      })
      namespace.on('answer-throws', () => () => {
        throw new Error('too late')
      })
      namespace.on('cycle', () => {
        const cycle: Record<string, unknown> = {}
        cycle.self = cycle
        return cycle
      })
      namespace.on('fine', () => ({ status: 'ok' }))
    },
  })
}

describe.each(['plain', 'v1'])('a handler that fails, told in %s', (dialect) => {
  const open = dialects[dialect] as Open

  it.each(['throws', 'rejects', 'string', 'nothing', 'undefined', 'answer-throws', 'cycle'])(
    '[B38] %s: INTERNAL, a fact with everything, and the connection goes on',
    async (event) => {
      await using server = await failing()
      const client = await open(server)
      const { error } = await client.request(event, { password: 'x' })
      expect(error).toMatchObject({ code: 'INTERNAL', message: 'Something went wrong on the server' })
      expect(JSON.stringify(client.received)).not.toContain('secret detail')
      const [failed] = server.observed('handler:failed')
      expect(failed).toMatchObject({ event, userId: 'ann', connectionId: client.id, payload: [{ password: 'x' }] })
      expect((await client.request('fine')).data).toEqual({ status: 'ok' })
      expect(server.hub.links.open.size).toBe(1)
    },
  )

  it('[B38] a refusal of the application reaches the client whole, and is no failure', async () => {
    await using server = await failing()
    const client = await open(server)
    const { error } = await client.request('refuses')
    expect(error).toEqual({ code: 'SOLD_OUT', message: 'There are none left', retryAfter: 2, field: 'item' })
    expect(server.observed('handler:failed')).toEqual([])
  })
})

describe.each(Object.keys(dialects))('a handler that hangs, told in %s', (dialect) => {
  it('[B38] is answered with TIMEOUT; what it does later is discarded', async () => {
    let letGo: () => void = () => undefined
    const signals: AbortSignal[] = []
    await using server = await createTestServer()
    server.get('/').on('hangs', async (ctx) => {
      signals.push(ctx.signal)
      ctx.toAll('x').emit('early')
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
      ctx.toAll('x').emit('late')
      ctx.append('x', 'late')
      await ctx.join('elsewhere')
      return { status: 'late' }
    })
    const client = await (dialects[dialect] as Open)(server)
    if (dialect !== 'classic') await client.request('room:join', { roomId: 'x' })
    client.forget()
    client.send(dialect === 'v1' ? { event: 'hangs', id: 1 } : { type: 'hangs', id: 1 })
    await server.advance(4_900)
    expect(refusals(client)).toEqual([])
    expect(signals[0]?.aborted).toBe(false)
    await server.advance(200)
    expect(refusals(client)).toMatchObject([{ code: 'TIMEOUT' }])
    expect(signals[0]?.aborted).toBe(true)
    letGo()
    await server.advance(1_000)
    expect(refusals(client)).toHaveLength(1)
    expect(client.messages((m) => ['early', 'late'].includes(m.type ?? m.event))).toEqual([])
    expect(client.messages((m) => m.data?.status === 'late')).toEqual([])
    expect([...server.get('/').state.rooms.keys()]).toEqual(['x'])
    expect(server.get('/').state.rooms.get('x')).toMatchObject({ head: 0, pins: 0 })
    expect(server.observed('handler:failed')).toHaveLength(1)
  })
})

describe('a classic connection', () => {
  it.each(['throws', 'rejects', 'string'])('[B38] %s: gets an error frame and goes on', async (event) => {
    await using server = await createTestServer()
    server.get('/').on('throws', () => {
      throw new Error('secret detail')
    })
    server.get('/').on('rejects', () => Promise.reject(new Error('secret detail')))
    server.get('/').on('string', () => {
      throw 'just a string'
    })
    const client = await (dialects.classic as Open)(server)
    client.send({ type: event })
    expect(await client.next('error')).toMatchObject({
      code: 'INTERNAL',
      message: 'Something went wrong on the server',
    })
    client.send({ type: 'list' })
    await client.next('rooms')
  })
})

describe('subscribers of the server', () => {
  it('[B38] one that throws harms neither the others nor the house', async () => {
    await using server = await createTestServer()
    const heard: string[] = []
    server.get('/').hook('connect', () => {
      throw new Error('listener')
    })
    server.get('/').hook('connect', ({ user }) => heard.push(user.sub))
    const client = await server.connect({ user: 'ann' })
    expect(heard).toEqual(['ann'])
    expect((await client.request('room:list')).data).toMatchObject({ status: 'ok' })
    expect(server.observed('handler:failed')).toMatchObject([{ event: 'connect', userId: 'ann' }])
  })
})

describe('what is no request', () => {
  it('[C14] bad JSON, no type, unknown events and wrong shapes are refused with a code and the field', async () => {
    await using server = await createTestServer()
    const client = await server.connect({ user: 'ann' })
    client.send('{oops')
    expect(await client.next('error')).toMatchObject({ code: 'PARSE_ERROR', message: 'Invalid JSON' })
    client.send({ no: 'type' })
    expect(await client.next('error')).toMatchObject({
      code: 'INVALID_MESSAGE',
      message: 'Message must have a type field',
    })
    client.send('[1]')
    expect(await client.next('error')).toMatchObject({ code: 'INVALID_MESSAGE' })
    client.send(new Uint8Array([1, 2]))
    expect(await client.next('error')).toMatchObject({ code: 'INVALID_MESSAGE' })
    expect((await client.request('no-such')).error).toMatchObject({ code: 'UNKNOWN_EVENT' })
    expect((await client.request('__proto__')).error).toMatchObject({ code: 'UNKNOWN_EVENT' })
    const missing = await client.request('message:send', { roomId: 'x' })
    expect(missing.error).toMatchObject({ code: 'INVALID_MESSAGE', field: 'content' })
    expect((await client.request('room:join', { roomId: 7 })).error).toMatchObject({ field: 'roomId' })
    expect(client.closed).toBeUndefined()
  })
})

describe('an answer that cannot be told', () => {
  it('[B38] leaves the others of the same turn alone, and a join that it confirms in force', async () => {
    await using server = await createTestServer()
    server.get('/').on('join-big', async (ctx) => {
      await ctx.join('x', 0)
      return { size: 10n }
    })
    const ann = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob' })
    await bob.request('message:send', { roomId: 'x', content: 'before' })
    const refused = ann.post('join-big')
    const sent = bob.post('message:send', { roomId: 'x', content: 'same turn' })
    await server.settle()
    expect(ann.answer(refused)?.error).toMatchObject({ code: 'INTERNAL' })
    expect(bob.answer(sent)?.data).toMatchObject({ status: 'ok', seq: 2 })
    await bob.request('message:send', { roomId: 'x', content: 'after' })
    expect(ann.messages('chat:message').map(({ content }) => content)).toEqual(['before', 'same turn', 'after'])
  })
})
