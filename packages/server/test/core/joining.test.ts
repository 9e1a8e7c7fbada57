/** Two things that a join promises to whoever has nothing else: an answer, and the truth about another log. */
import { createTestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

describe('a join', () => {
  it('[Q6] [C11] is answered even without an id, by room:joined', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    ann.send({ type: 'room:join', roomId: 'lobby' })
    expect(await ann.next('room:joined')).toMatchObject({ status: 'ok', roomId: 'lobby', seq: 0, count: 1 })
    ann.send({ type: 'room:join', roomId: '' })
    expect(await ann.next('error')).toMatchObject({ code: 'ROOM_NAME_INVALID', event: 'room:join' })
  })

  it('[V11] [C18] after a position in the log of another life says that it is another one', async () => {
    await using before = await createTestServer({ seed: 'first life' })
    const ann = await before.connect({ user: 'ann' })
    await ann.request('message:send', { roomId: 'r', content: 'kept by nobody' })
    const { data: stood } = await ann.request('room:join', 'r')
    await using later = await createTestServer({ seed: 'second life' })
    const again = await later.connect({ user: 'ann' })
    await again.request('message:send', { roomId: 'r', content: 'something else' })
    const after = { epoch: stood.epoch, seq: stood.seq }
    const { data } = await again.request('room:join', { roomId: 'r', after })
    expect(data).toMatchObject({ recovered: false, reason: 'epoch', from: 1, to: 1 })
    expect(await again.next('chat:message')).toMatchObject({ content: 'something else', seq: 1 })
  })
})
