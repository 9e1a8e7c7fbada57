/** The hook that runs when a durable event was stored. */
import type { StoredEvent } from '@roomful/server'
import { createTestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

describe('the hook "stored"', () => {
  it('runs once per durable event, in the order of the log, with who caused it and under which key', async () => {
    const events: StoredEvent[] = []
    await using server = await createTestServer({ settings: UNLIMITED })
    server.get('/').hook('stored', (event) => events.push(event))
    const { ann } = await audience(server, { ann: ['x'] })
    const { data } = await ann.request('message:send', { roomId: 'x', content: 'one' }, { key: 'k1' })
    await ann.request('message:send', { roomId: 'x', content: 'one' }, { key: 'k1' }) // a repeat
    server.get('/').to('x').emit('note', 'transient')
    const published = server.get('/').publish('y', 'note', [{ text: 'two' }, 2])
    await server.settle()
    expect(await published).toMatchObject({ seq: 1 })
    expect(events).toMatchObject([
      { id: data.id, roomId: 'x', seq: 1, ts: data.ts, type: 'message:new', userId: 'ann', key: 'k1' },
      { id: 'y-1', roomId: 'y', seq: 1, type: 'note', data: { text: 'two' }, args: [{ text: 'two' }, 2] },
    ])
    expect(events[0]?.data).toMatchObject({ name: 'ann', content: 'one' })
    expect(events[1]?.userId).toBeUndefined()
  })

  it('hears a private message once per inbox, and nothing that was refused', async () => {
    const rooms: string[] = []
    await using server = await createTestServer({ settings: UNLIMITED })
    server.get('/').hook('stored', ({ type, roomId }) => type === 'message:private' && rooms.push(roomId))
    const { ann } = await audience(server, { ann: [] })
    await ann.request('message:private', { to: 'bob', content: 'hello' })
    expect((await ann.request('message:private', { to: 'guest:none', content: 'hello' })).error?.code).toBe('NOT_FOUND')
    expect(rooms).toEqual(['user:bob', 'user:ann'])
  })

  it('may store something itself; one that throws or rejects is reported and harms nothing', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const namespace = server.get('/')
    namespace.hook('stored', ({ type }) => {
      if (type === 'message:new') throw new Error('thrown')
    })
    namespace.hook('stored', async ({ type, userId = '' }) => {
      if (type !== 'message:new') return
      await namespace.publish('audit', 'note', [{ userId }])
      throw new Error('rejected')
    })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x', 'audit'] })
    expect((await ann.request('message:send', { roomId: 'x', content: 'one' })).data).toMatchObject({ status: 'ok' })
    expect(await bob.next('note')).toMatchObject({ userId: 'ann', roomId: 'audit', seq: 1 })
    expect(bob.messages('chat:message')).toHaveLength(1)
    const errors = ['thrown', 'rejected'].map((message) => ({ event: 'stored', userId: 'ann', error: { message } }))
    expect(server.observed('handler:failed')).toMatchObject(errors)
  })
})
