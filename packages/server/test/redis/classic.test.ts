/** The four classic commands, over two servers on one Redis. */
import { afterAll, describe, expect, it } from 'vitest'
import { connect, serve } from './clients.ts'
import { startRedis } from './server.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

describe('classic clients of two nodes', () => {
  it('[A1.1] [A1.2] [A1.4] [A2.1] share rooms: lists of names, messages and numbers of members', async () => {
    const [a, b] = [await serve(redis.url, 'classic'), await serve(redis.url, 'classic')]
    const [ann, bob] = [await connect(a, 'ann'), await connect(b, 'bob')]
    const listOf =
      (names: string) =>
      ({ type, users }: { type: string; users?: unknown }) =>
        type === 'presence_update' && (users as string[]).toSorted().join() === names
    ann.socket.send(JSON.stringify({ type: 'join', room: 'lobby' }))
    await ann.next(listOf('ann'))
    bob.socket.send(JSON.stringify({ type: 'join', room: 'lobby' }))
    await Promise.all([ann.next(listOf('ann,bob')), bob.next(listOf('ann,bob'))])
    ann.socket.send(JSON.stringify({ type: 'message', text: 'hi' }))
    expect(await bob.next(({ type }) => type === 'message')).toMatchObject({
      room: 'lobby',
      from: 'ann',
      text: 'hi',
      seq: 1,
    })
    bob.socket.send(JSON.stringify({ type: 'list' }))
    const { rooms: listed } = await bob.next(({ type }) => type === 'rooms')
    expect(listed).toEqual([{ room: 'lobby', members: 2 }])
    ann.close()
    await bob.next(listOf('bob'))
    bob.socket.send(JSON.stringify({ type: 'leave' }))
    await bob.next(({ type }) => type === 'left')
    bob.socket.send(JSON.stringify({ type: 'list' }))
    expect((await bob.next(({ type, rooms }) => type === 'rooms' && rooms !== listed)).rooms).toEqual([])
    expect(ann.of('message')).toEqual([])
  })
})
