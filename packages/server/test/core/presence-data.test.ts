/** What members say of themselves in a room: in snapshots and numbered changes, gone with their connection. */
import { createTestServer, type Message, type TestClient } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

async function join(client: TestClient, state?: object): Promise<Message> {
  const { data, error } = await client.request('room:join', { roomId: 'x', ...(state ? { state } : {}) })
  if (error) throw new Error(error.code)
  return data
}

const set = (client: TestClient, state: object) => client.request('presence:set', { roomId: 'x', state })
/** What the last `presence:diff` says of a user. */
const changed = (client: TestClient, userId: string) =>
  client
    .messages('presence:diff')
    .flatMap(({ changed: list }) => list as Message[])
    .findLast((member) => member.userId === userId)

describe('presence data', () => {
  it('[D18] [U11] comes with the join, in the snapshot and in what others are sent', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
    await join(ann)
    const { users } = await join(bob, { mood: 'good' })
    const member = { userId: 'bob', name: 'bob', status: 'online', state: { mood: 'good' } }
    expect(users).toEqual([{ userId: 'ann', name: 'ann', status: 'online' }, member])
    expect(await ann.next('user:joined')).toMatchObject({ userId: 'bob', state: { mood: 'good' } })
    expect((await ann.request('presence:get', 'x')).data.users).toContainEqual(member)
  })

  it('[D18] [U11] an update is one numbered change, never a leave and a join', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
    await join(ann)
    await join(bob, { x: 1 })
    await server.advance(1_000)
    ann.forget()
    expect((await set(bob, { x: 2 })).data).toEqual({ status: 'ok', pv: 3 })
    for (let x = 3; x < 20; x++) await set(bob, { x })
    await server.advance(1_000)
    expect(changed(ann, 'bob')).toEqual({ userId: 'bob', name: 'bob', status: 'online', state: { x: 19 } })
    expect(ann.messages('presence:diff').length).toBeLessThan(5)
    expect([...ann.messages('user:joined'), ...ann.messages('user:left')]).toEqual([])
    const pv = (await ann.request('presence:get', 'x')).data.pv
    expect(ann.messages('presence:diff').at(-1)).toMatchObject({ pv })
    expect((await set(bob, { x: 19 })).data).toEqual({ status: 'ok', pv })
  })

  it('[D18] [U12] is merged over the connections of a user, and goes with each of them', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const ann = await server.connect({ user: 'ann' })
    const [desk, phone] = [await server.connect({ user: 'bob' }), await server.connect({ user: 'bob' })]
    await join(ann)
    await join(desk, { device: 'desk', typing: true })
    await join(phone, { device: 'phone' })
    const shown = async () => {
      await server.advance(1_000)
      return (await ann.request('presence:get', 'x')).data.users.find(({ userId }: Message) => userId === 'bob')?.state
    }
    expect(await shown()).toEqual({ device: 'phone', typing: true })
    await set(desk, { device: 'desk' })
    expect(await shown()).toEqual({ device: 'desk' })
    desk.close()
    expect(await shown()).toEqual({ device: 'phone' })
    expect(changed(ann, 'bob')?.state).toEqual({ device: 'phone' })
    await phone.request('room:leave', 'x')
    await join(phone)
    expect(await shown()).toBeUndefined()
  })

  it('[D18] has limits of its own: size, rate, membership, shape', async () => {
    await using server = await createTestServer({
      settings: { ratePerSecond: 10, ratePerMinute: 0, presencePerSecond: 20 },
    })
    const ann = await server.connect({ user: 'ann' })
    expect((await set(ann, { x: 1 })).error?.code).toBe('NOT_IN_ROOM')
    expect((await ann.request('room:join', { roomId: 'x', state: { x: 'x'.repeat(1_024) } })).error?.code).toBe(
      'TOO_LARGE',
    )
    await join(ann)
    await server.advance(1_000)
    expect((await set(ann, { x: 'x'.repeat(1_024) })).error?.code).toBe('TOO_LARGE')
    for (const state of ['here', 5, null, [1]]) {
      expect((await ann.request('presence:set', { roomId: 'x', state })).error?.code).toBe('INVALID_MESSAGE')
    }
    await server.advance(1_000)
    for (let x = 0; x < 20; x++) expect((await set(ann, { x })).error).toBeUndefined()
    expect((await set(ann, { x: 99 })).error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 1 })
  })
})
