/** Rooms with a number of seats: a seat is a user, and never more of them than there are. */
import { appending, createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

describe('capacity', () => {
  const lobby = (capacity: number): Promise<TestServer> =>
    createTestServer({
      setUp: (kit) => {
        kit.namespace('/').room('game:*', { capacity })
        kit.namespace('/public', undefined, { open: true, guests: true }).room('game:*', { capacity })
      },
      broker: (broker, clock) => ({
        ...broker,
        async subscribe(...args) {
          await new Promise<void>((resolve) => void clock.after(3, resolve))
          return broker.subscribe(...args)
        },
      }),
    })

  it('[B24] a race for the last seat gives exactly one', async () => {
    await using server = await lobby(4)
    const clients = await Promise.all(Array.from({ length: 30 }, (_, i) => server.connect({ user: `u${i}` })))
    const ids = clients.map((client) => client.post('room:join', 'game:1'))
    await server.advance(100)
    const answers = clients.map((client, i) => client.answer(ids[i] as number))
    expect(answers.filter((answer) => answer?.data.status === 'ok' && !answer.error)).toHaveLength(4)
    expect(answers.filter((answer) => answer?.error?.code === 'ROOM_FULL')).toHaveLength(26)
    expect(server.get('/').state.rooms.get('game:1')?.count).toBe(4)
    expect(server.get('/').state.rooms.get('game:1')?.pins).toBe(0)
  })

  it('[B24] a seat is a user, kept during the grace, free after leaving of any kind', async () => {
    await using server = await lobby(2)
    const join = async (client: TestClient) =>
      (await client.request('room:join', 'game:1', { withinMs: 50 })).error?.code
    const ann = await server.connect({ user: 'ann' })
    const tab = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    const cy = await server.connect({ user: 'cy' })
    expect([await join(ann), await join(tab), await join(bob), await join(cy)]).toEqual([
      undefined,
      undefined,
      undefined,
      'ROOM_FULL',
    ])
    ann.close()
    expect(await join(cy)).toBe('ROOM_FULL')
    bob.cut()
    expect(await join(cy)).toBe('ROOM_FULL')
    await server.advance(5_100)
    expect(await join(cy)).toBeUndefined()
    await tab.request('room:leave', 'game:1')
    expect(await join(await server.connect({ user: 'dan' }))).toBeUndefined()
  })

  describe('a seat that several joins of its user count on', () => {
    /** One seat, a user with two tabs, and something on its way into the log for 30 ms, which joins wait for. */
    const start = async () => {
      const server = await createTestServer({
        setUp: (kit) => void kit.namespace('/').room('game:*', { capacity: 1 }),
        broker: (broker, clock) =>
          appending(broker, async (appends, store) => {
            await new Promise<void>((resolve) => void clock.after(30, resolve))
            return store(appends)
          }),
      })
      const stall = (): void => void server.get('/').publish('hall', 'news', [])
      const [ann, tab, bob] = await Promise.all(['ann', 'ann', 'bob'].map((user) => server.connect({ user })))
      return { server, stall, ann: ann as TestClient, tab: tab as TestClient, bob: bob as TestClient }
    }
    const join = async (client: TestClient) => client.request('room:join', 'game:1', { withinMs: 50 })

    it('[B24] [G6] is not given away when one of them comes to nothing', async () => {
      const { server, stall, ann, tab, bob } = await start()
      await using _ = server
      stall()
      ann.post('room:join', 'game:1')
      const late = tab.post('room:join', 'game:1')
      await server.advance(10)
      ann.close()
      await server.advance(50)
      expect(tab.answer(late)?.data).toMatchObject({ status: 'ok', count: 1 })
      expect((await join(bob)).error?.code).toBe('ROOM_FULL')
      tab.close()
      expect((await join(bob)).data).toMatchObject({ status: 'ok', count: 1 })
    })

    it('[B24] [G6] is not given away when the one who sits there leaves', async () => {
      const { server, stall, ann, tab, bob } = await start()
      await using _ = server
      await join(ann)
      stall()
      const late = tab.post('room:join', 'game:1')
      await server.advance(10)
      ann.close()
      await server.advance(10)
      const other = bob.post('room:join', 'game:1')
      await server.advance(50)
      expect(tab.answer(late)?.data).toMatchObject({ status: 'ok', count: 1 })
      expect(bob.answer(other)?.error?.code).toBe('ROOM_FULL')
    })
  })

  it('[B24] a guest who signs in keeps the seat, under the other name', async () => {
    await using server = await lobby(1)
    const guest = await server.connect({ namespace: '/public' })
    const join = async (client: TestClient) => client.request('room:join', 'game:1', { withinMs: 50 })
    await join(guest)
    guest.send({ type: 'auth', token: server.token('ann') })
    await guest.next('auth_ok')
    const bob = await server.connect({ user: 'bob', namespace: '/public' })
    expect((await join(bob)).error?.code).toBe('ROOM_FULL')
    await guest.request('room:leave', 'game:1')
    expect((await join(bob)).data).toMatchObject({ status: 'ok', count: 1 })
  })

  it('[B24] a seat taken for a join that came to nothing is given back', async () => {
    await using server = await lobby(1)
    const ann = await server.connect({ user: 'ann' })
    await server.advance(3)
    ann.post('room:join', 'game:1')
    ann.close()
    await server.advance(50)
    const bob = await server.connect({ user: 'bob' })
    expect((await bob.request('room:join', 'game:1', { withinMs: 50 })).error).toBeUndefined()
    bob.close()
    await server.advance(1_000)
    expect(server.get('/').state.rooms.size).toBe(0)
  })
})
