/** Names of events that mean something elsewhere: hooks of the server, commands of the protocol. They are the application's. */
import { createTestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const NAMES = ['join', 'leave', 'enter', 'exit', 'stored', 'auth', 'ping', 'message', 'list']

describe('an event of a client', () => {
  it('[Q14] may have any name in {event, data}, beside the hook of that name', async () => {
    await using server = await createTestServer()
    const namespace = server.get('/public')
    const hooked: string[] = []
    namespace.hook('join', (_connection, roomId) => hooked.push(roomId))
    for (const name of NAMES) namespace.on(name, (_context, data) => ({ name, data }))
    const ann = await server.connect({ namespace: '/public' })
    for (const [index, event] of NAMES.entries()) {
      ann.send({ event, data: { index }, id: index + 1 })
      expect(await ann.next('ack')).toMatchObject({ ack: index + 1, data: { name: event, data: { index } } })
    }
    expect(hooked).toEqual([])
    await ann.request('room:join', { roomId: 'lobby' })
    expect(hooked).toEqual(['lobby'])
  })

  it('[Q14] stays the protocol’s in the flat form: classic commands and ping', async () => {
    await using server = await createTestServer()
    const namespace = server.get('/public')
    for (const name of ['join', 'ping']) namespace.on(name, () => 'swallowed')
    const ann = await server.connect({ namespace: '/public' })
    ann.send({ type: 'ping' })
    expect(await ann.next('pong')).toEqual({ type: 'pong' })
    ann.send({ type: 'join', room: 'x' })
    expect(await ann.next('joined')).toMatchObject({ room: 'x' })
  })

  it('[Q14] that no Socket.IO client can send is refused when it is declared, with a word on hooks', async () => {
    await using server = await createTestServer()
    expect(() => server.get('/').on('connect', () => undefined)).toThrow(/hook\('connect'/)
    expect(() => server.get('/').hook('nothing' as never, () => undefined)).toThrow(/no hook "nothing"/)
  })
})
