/** What the server asks a client: answered, refused, late, twice, never. Time is virtual. */
import { type Connection, defineContract, event } from '@roomful/server'
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { ASKED_MAX } from '../../src/core/state/client-requests.ts'

const contract = defineContract({
  client: { 'order:place': event({ data: z.object({ item: z.string() }), ack: z.object({ isSure: z.boolean() }) }) },
  server: {
    confirm: event({ data: z.object({ item: z.string() }), ack: z.object({ isSure: z.boolean() }) }),
    add: event({ args: [z.number(), z.number()], ack: z.number() }),
    'order:placed': event({ data: z.object({ item: z.string() }) }),
  },
})

function withOrders(server: TestServer): void {
  const orders = server.namespace('/orders', contract)
  orders.on('order:place', async (context, { item }) => {
    const { isSure } = await context.connection.request('confirm', { item }, { timeoutMs: 1_000 })
    if (isSure) context.broadcast.emit('order:placed', { item })
    return { isSure }
  })
}

/** A server with one client, and the connection as the server holds it. */
async function meet(dialect: 'plain' | 'v1' = 'plain') {
  const server = await createTestServer()
  onTestFinished(() => server.close())
  const client = await server.connect({ user: 'ann', dialect })
  const connection = server.get('/').connections.get(client.id) as Connection
  return { server, client, connection }
}

const asked = (client: TestClient) => client.next(({ type }) => type === 'request')

describe.each(['plain', 'v1'] as const)('a %s client', (dialect) => {
  it('[C9] [Q12] answers what it is asked, in the form of an acknowledgement', async () => {
    const { server, client, connection } = await meet(dialect)
    const answer = connection.request('confirm', { id: 7, roomId: 'its own' })
    const sum = connection.call('add', 1, 2)
    const nothing = connection.request('ready')
    await server.settle()
    const ch = dialect === 'v1' ? { ch: 1 } : {}
    const data = { id: 7, roomId: 'its own' }
    expect(await asked(client)).toEqual({ type: 'request', ...ch, id: 1, event: 'confirm', data })
    expect(await asked(client)).toEqual({ type: 'request', ...ch, id: 2, event: 'add', args: [1, 2] })
    expect(await asked(client)).toEqual({ type: 'request', ...ch, id: 3, event: 'ready' })
    client.send({ ack: 2, data: 3 })
    client.send({ type: 'ack', ack: 1, data: { isSure: true } })
    client.send({ ack: 3 })
    expect(await Promise.all([answer, sum, nothing])).toEqual([{ isSure: true }, 3, undefined])
  })

  it('[C9] [Q12] refuses with a code', async () => {
    const { client, connection } = await meet(dialect)
    const refused = connection.request('confirm', 1)
    const rubbish = connection.request('confirm', 2)
    client.send({ ack: 1, error: { code: 'NOT_NOW', message: 'Later', field: 'a' } })
    client.send({ ack: 2, error: { code: 12 } })
    await expect(refused).rejects.toMatchObject({ code: 'NOT_NOW', message: 'Later', field: 'a' })
    await expect(rubbish).rejects.toMatchObject({ code: 'INVALID_MESSAGE', message: 'The client refused' })
  })
})

describe('a question', () => {
  it('[C9] [Q13] that is not answered in time is over; late, double and stray answers do no harm', async () => {
    const { server, client, connection } = await meet()
    const late = connection.request('confirm', 1, { timeoutMs: 100 })
    const patient = connection.request('confirm', 2)
    late.catch(() => undefined)
    patient.catch(() => undefined)
    await server.advance(200)
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', message: /"confirm" within 100 ms/ })
    client.send({ ack: 1, data: 'late' })
    client.send({ ack: 99, data: 'stray' })
    client.send({ ack: 'no number', data: 'stray' })
    client.send({ ack: 2, data: 'first' })
    client.send({ ack: 2, data: 'second' })
    expect(await patient).toBe('first')
    const silent = connection.request('confirm', 3)
    silent.catch(() => undefined)
    await server.advance(5_100)
    await expect(silent).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(client.messages('error')).toEqual([])
    expect(client.closed).toBeUndefined()
  })

  it('[C9] [Q13] ends with its connection, and leaves no timer', async () => {
    const { server, client, connection } = await meet()
    const pending = connection.request('confirm', 1)
    pending.catch(() => undefined)
    await server.settle()
    client.cut()
    await expect(pending).rejects.toMatchObject({ code: 'DISCONNECTED' })
    await expect(connection.request('confirm', 2)).rejects.toMatchObject({ code: 'DISCONNECTED' })
    await server.advance(10_000)
    expect(server.hub.runtime.timers.size).toBe(0)
  })

  it('[C9] [Q13] ends with its signal', async () => {
    const { connection } = await meet()
    const stop = new AbortController()
    const pending = connection.request('confirm', 1, { signal: stop.signal })
    stop.abort(new Error('no longer needed'))
    await expect(pending).rejects.toThrow('no longer needed')
    await expect(connection.request('confirm', 1, { signal: stop.signal })).rejects.toThrow('no longer needed')
  })

  it('[Q13] too many at once are refused', async () => {
    const { client, connection } = await meet()
    const all = Array.from({ length: ASKED_MAX + 1 }, () => connection.request('confirm'))
    const outcomes = Promise.allSettled(all)
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    client.cut()
    expect((await outcomes).filter(({ status }) => status === 'fulfilled')).toEqual([])
  })

  it('[Q12] is not for a client that knows only four commands', async () => {
    const { client, connection } = await meet()
    client.send({ type: 'join', room: 'lobby' })
    await client.next('joined')
    await expect(connection.request('confirm')).rejects.toMatchObject({ code: 'CANNOT_ANSWER' })
  })

  it('[Q12] an answer over the limit is refused as every message is', async () => {
    const { client, connection } = await meet()
    const pending = connection.request('confirm')
    client.send({ ack: 1, data: 'x'.repeat(70_000) })
    await expect(pending).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })
})

describe('[D5] by a contract', () => {
  it('[C9] [Q12] a handler asks the client whose request it handles, and its answer is checked', async () => {
    await using server = await createTestServer({ setUp: withOrders })
    const ann = await server.connect({ namespace: '/orders', user: 'ann' })
    const ben = await server.connect({ namespace: '/orders', user: 'ben' })
    const id = ann.post('order:place', { item: 'tea' })
    const { id: question } = await asked(ann)
    ann.send({ ack: question, data: { isSure: true } })
    expect(await ben.next('order:placed')).toMatchObject({ item: 'tea' })
    expect(ann.answer(id)?.data).toEqual({ isSure: true })
    const second = ann.post('order:place', { item: 'milk' })
    ann.send({ ack: (await asked(ann)).id, data: { isSure: 'perhaps' } })
    await server.settle()
    expect(ann.answer(second)?.error).toMatchObject({ code: 'INVALID_MESSAGE', field: 'isSure' })
  })

  it('[D5] names, arguments and answers of what is asked are known', () => {
    const types = (server: TestServer) => {
      const orders = server.namespace('/typed', contract)
      orders.hook('connect', async (connection) => {
        expectTypeOf(connection.request('confirm', { item: 'a' })).resolves.toEqualTypeOf<{ isSure: boolean }>()
        expectTypeOf(connection.call('add', 1, 2)).resolves.toEqualTypeOf<number>()
        // @ts-expect-error the item is missing
        connection.request('confirm', {})
        // @ts-expect-error this event asks nothing
        connection.request('order:placed', { item: 'a' })
        // @ts-expect-error what is asked is not told to everyone
        orders.emit('confirm', { item: 'a' })
      })
    }
    expect(types).toBeTypeOf('function')
    const both = { client: {}, server: { a: event({ ack: z.string(), durable: true }) } }
    expect(() => defineContract(both)).toThrow(/neither durable nor volatile/)
  })

  it('[B38] a listener of connections that fails later harms nobody', async () => {
    const setUp = (server: TestServer): void => {
      server.namespace('/late').hook('connect', async (connection) => void (await connection.request('hello')))
    }
    await using server = await createTestServer({ setUp })
    const ann = await server.connect({ namespace: '/late', user: 'ann' })
    await asked(ann)
    ann.cut()
    await server.settle()
    expect(server.observed('handler:failed')).toMatchObject([
      { event: 'connect', userId: 'ann', error: { code: 'DISCONNECTED' } },
    ])
  })
})
