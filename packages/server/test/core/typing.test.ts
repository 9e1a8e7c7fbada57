/** Who is writing: told to the others, and taken back in time. */
import { createTestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

describe('typing', () => {
  it('[B19] start is sent to the others, stop too, and after 5 s without another start', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const who = { roomId: 'x', userId: 'ann', name: 'ann' }
    await ann.request('typing:start', 'x')
    expect(await bob.next('user:typing')).toEqual({ type: 'user:typing', ...who })
    await ann.request('typing:stop', { roomId: 'x' })
    expect(await bob.next('user:stop-typing')).toBeDefined()
    await ann.request('typing', 'x')
    await server.advance(3_000)
    await ann.request('typing', 'x')
    await server.advance(4_500)
    expect(bob.messages('user:stop-typing')).toHaveLength(1)
    await server.advance(700)
    expect(bob.messages('user:stop-typing')).toHaveLength(2)
    expect(ann.messages(({ type }) => type.includes('typing'))).toEqual([])
    await ann.request('stop-typing', 'x')
    expect(bob.messages('user:stop-typing')).toHaveLength(2)
  })

  it.each(['cut', 'leave'] as const)('[B19] is taken back with the connection or the room (%s)', async (how) => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    await ann.request('typing:start', 'x')
    if (how === 'cut') ann.cut()
    else await ann.request('room:leave', 'x')
    await server.settle()
    expect(bob.messages('user:stop-typing')).toHaveLength(1)
    await server.advance(10_000)
    expect(bob.messages('user:stop-typing')).toHaveLength(1)
  })

  it('[B19] of somebody who may publish but is not in the room is told, and taken back too', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: [], bob: ['x'] })
    await ann.request('typing:start', 'x')
    expect(bob.messages('user:typing')).toHaveLength(1)
    ann.cut()
    await server.settle()
    expect(bob.messages('user:stop-typing')).toHaveLength(1)
    await server.advance(10_000)
    expect(bob.messages('user:stop-typing')).toHaveLength(1)
    expect(server.hub.runtime.timers.size).toBe(1)
  })
})
