/** A contract is held against what comes in, whatever library its schemas are of; one that cannot work is refused. */
import { defineContract, event } from '@roomful/server'
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

const contract = defineContract({
  client: {
    move: event({ data: z.object({ to: z.object({ x: z.number() }), note: z.string().trim().default('none') }) }),
    add: event({ args: [z.number(), z.number()] }),
    hello: event({}),
  },
  server: {},
})

const servers: TestServer[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())))

async function startGame(): Promise<{ client: TestClient; heard: unknown[][] }> {
  const heard: unknown[][] = []
  const server = await createTestServer({
    setUp: (testServer) => {
      const game = testServer.namespace('/game', contract)
      game.on('move', (_context, data) => void heard.push([data]))
      game.on('add', (_context, a, b) => {
        heard.push([a, b])
        return a + b
      })
      game.on('hello', (_context, ...args: unknown[]) => void heard.push(args))
    },
  })
  servers.push(server)
  return { client: await server.connect({ namespace: '/game', user: 'ann' }), heard }
}

describe('what a contract declares', () => {
  it('[Q8] [D5] reaches the handler as the schema made it', async () => {
    const { client, heard } = await startGame()
    await client.request('move', { to: { x: 1 }, note: ' up ' })
    await client.request('move', { to: { x: 2 } })
    client.send({ event: 'add', args: [1, 2], id: 'sum' })
    expect(await client.next(({ ack }) => ack === 'sum')).toMatchObject({ data: 3 })
    expect(heard).toEqual([[{ to: { x: 1 }, note: 'up' }], [{ to: { x: 2 }, note: 'none' }], [1, 2]])
  })

  it.each([
    ['a field of a wrong kind', { event: 'move', data: { to: { x: '1' } } }, 'to.x'],
    ['a field that is missing', { event: 'move', data: {} }, 'to'],
    ['no data at all', { event: 'move' }, undefined],
    ['an argument of a wrong kind', { event: 'add', args: [1, 'two'] }, '1'],
    ['too few arguments', { event: 'add', args: [1] }, undefined],
    ['too many arguments', { event: 'add', args: [1, 2, 3] }, undefined],
  ])('[Q8] [D5] [C14] %s is refused before the handler runs, and the field is named', async (_name, message, field) => {
    const { client, heard } = await startGame()
    client.send({ ...message, id: 'bad' })
    const { error } = await client.next(({ ack }) => ack === 'bad')
    expect(error).toMatchObject({ code: 'INVALID_MESSAGE', message: expect.stringContaining(message.event) })
    expect(error.field).toBe(field)
    expect(heard).toEqual([])
  })

  it('[Q8] what it does not declare is UNKNOWN_EVENT', async () => {
    const { client } = await startGame()
    expect(await client.request('jump', {})).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } })
  })
})

describe('a contract that cannot work', () => {
  const field = (name: string) => z.object({ [name]: z.string() })

  it.each([
    ['data and args', { client: { a: event({ data: z.string(), args: [] }) }, server: {} }],
    ['durable and volatile', { client: {}, server: { a: event({ durable: true, volatile: true }) } }],
    ['a durable client event', { client: { a: event({ durable: true }) }, server: {} }],
    ['an event without a name', { client: { '': event({}) }, server: {} }],
    ['a client field that the envelope needs', { client: { a: event({ data: field('type') }) }, server: {} }],
    [
      'a durable field that the log writes',
      { client: {}, server: { a: event({ data: field('roomId'), durable: true }) } },
    ],
    ['a transient field that would be misread', { client: {}, server: { a: event({ data: field('seq') }) } }],
  ])('[D5] is refused where it is defined: %s', (_name, definition) => {
    expect(() => defineContract(definition)).toThrow(/"a"|name/)
  })

  it('[D5] a transient event may speak of a room and a time', () => {
    const definition = { client: {}, server: { a: event({ data: z.object({ roomId: z.string(), ts: z.number() }) }) } }
    expect(defineContract(definition)).toBe(definition)
  })
})
