/** Lists of rooms: a page at a time, however many there are, and what a page costs. */
import { createTestServer, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const name = (number: number): string => `room ${String(number).padStart(4, '0')}`

/** A server with so many rooms that a user is in. */
async function withRooms(count: number, settings: Parameters<typeof createTestServer>[0] = {}): Promise<TestServer> {
  const server = await createTestServer({ ...settings, settings: { maxRooms: 10_000, ...settings.settings } })
  await server.connect({ user: 'everywhere' })
  const joins = Array.from({ length: count }, (_, i) => server.get('/').join('everywhere', name(i)))
  await server.clock.until(Promise.all(joins))
  return server
}

describe('[M16] room:list', () => {
  it('answers a page of at most 100 by name, and says whether there are more', async () => {
    await using server = await withRooms(250, { settings: { ratePerSecond: 0 } })
    const ann = await server.connect({ user: 'ann' })
    const found: string[] = []
    let after: string | undefined
    for (let page = 0; page < 3; page++) {
      const { data } = await ann.request('room:list', after === undefined ? undefined : { after })
      expect(data).toMatchObject({ status: 'ok', more: page < 2 })
      expect(data.rooms.length).toBe(page < 2 ? 100 : 50)
      for (const { roomId } of data.rooms) found.push(roomId)
      after = found.at(-1)
    }
    expect(found).toEqual(Array.from({ length: 250 }, (_, i) => name(i)))
    expect((await ann.request('room:list', { limit: 2, after: name(7) })).data).toEqual({
      status: 'ok',
      rooms: [
        { roomId: name(8), count: 1 },
        { roomId: name(9), count: 1 },
      ],
      more: true,
    })
    expect((await ann.request('room:list', { after: 'zzz' })).data).toEqual({ status: 'ok', rooms: [], more: false })
  })

  it.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: 101 }, 'limit'],
    [{ after: 5 }, 'after'],
  ])('%j: refused with the field', async (data, field) => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    expect((await ann.request('room:list', data)).error).toMatchObject({ code: 'INVALID_MESSAGE', field })
  })

  it('counts a full page as four events, and a short list as one', async () => {
    await using server = await withRooms(100, { settings: { ratePerSecond: 10 } })
    const ann = await server.connect({ user: 'ann' })
    for (let page = 0; page < 3; page++) expect((await ann.request('room:list')).error).toBeUndefined()
    expect((await ann.request('presence:get', { roomId: 'x' })).error).toMatchObject({ code: 'RATE_LIMITED' })
    await server.advance(1_000)
    for (let count = 0; count < 10; count++)
      expect((await ann.request('room:list', { limit: 25 })).error).toBeUndefined()
    expect((await ann.request('room:list', { limit: 25 })).error).toMatchObject({ code: 'RATE_LIMITED' })
  })
})

describe('[M16] the classic list', () => {
  it('has the thousand rooms with the most members, and says how many there are', async () => {
    await using server = await withRooms(1_100, { settings: { ratePerSecond: 0 } })
    await server.connect({ user: 'ann' })
    await server.clock.until(server.get('/').join('ann', name(1_099)))
    const bob = await server.connect({ user: 'bob' })
    bob.send({ type: 'list' })
    const { type, rooms, count, ...rest } = await bob.next('rooms')
    expect([type, rooms.length, count, rest]).toEqual(['rooms', 1_000, 1_100, {}])
    expect(rooms.slice(0, 2)).toEqual([
      { room: name(1_099), members: 2 },
      { room: name(0), members: 1 },
    ])
  })

  it('has all of fewer, and nothing else', async () => {
    await using server = await withRooms(2)
    const bob = await server.connect({ user: 'bob' })
    bob.send({ type: 'list' })
    expect(await bob.next('rooms')).toEqual({
      type: 'rooms',
      rooms: [
        { room: name(0), members: 1 },
        { room: name(1), members: 1 },
      ],
    })
  })
})

describe('[M16] a page of history', () => {
  it('ends at a megabyte, from the end from which it is read, and has one event in any case', async () => {
    await using server = await createTestServer({ settings: { maxMessageBytes: 4 * 1024 ** 2 } })
    const namespace = server.get('/')
    const sizes = [700_000, 400_000, 500_000, 2_000_000]
    for (const size of sizes) {
      await server.clock.until(namespace.publish('archive', 'page', [{ text: 'x'.repeat(size) }]))
    }
    const seqs = async (page: object): Promise<unknown> => {
      const { events, more } = await server.clock.until(namespace.history('archive', { limit: 100, ...page }))
      return [events.map(({ seq }) => seq), more]
    }
    expect(await seqs({})).toEqual([[4], true])
    expect(await seqs({ before: 4 })).toEqual([[2, 3], true])
    expect(await seqs({ before: 2 })).toEqual([[1], false])
    expect(await seqs({ after: 0 })).toEqual([[1], true])
    expect(await seqs({ after: 1 })).toEqual([[2, 3], true])
    expect(await seqs({ after: 3 })).toEqual([[4], false])
  })
})
