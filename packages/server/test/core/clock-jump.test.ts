/** The wall clock of the machine is set while the server runs. docs/operations.md, "The clock jumped". */
import { createTestServer, SeededRandom, type TestClient, VirtualClock } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { TICKET_LIFETIME_MS, Tickets } from '../../src/adapters/auth/tickets.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const JUMPS = [
  ['an hour ahead', HOUR_MS],
  ['ten minutes ahead', 10 * MINUTE_MS],
  ['ten minutes back', -10 * MINUTE_MS],
  ['an hour back', -HOUR_MS],
] as const

const say = (client: TestClient, content: string, more: { key?: string } = {}) =>
  client.request('message:send', { roomId: 'a', content }, more)

describe.each(JUMPS)('the clock jumps %s', (_, jumpMs) => {
  it('[G1] events keep their numbers, and their times never go back', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    await ann.request('room:join', 'a')
    await say(ann, 'before')
    const before = await ann.next('chat:message')
    server.clock.jump(jumpMs)
    await say(ann, 'after')
    const after = await ann.next('chat:message')
    expect(after).toMatchObject({ seq: 2, ts: Math.max(before.ts, server.clock.now()) })
    expect(ann.closed).toBeUndefined()
  })

  it('[H12] an open connection ends when the time is over that its token had left', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ token: server.token('ann', { expiresInMs: 3 * MINUTE_MS }) })
    await server.advance(MINUTE_MS)
    server.clock.jump(jumpMs)
    await server.advance(MINUTE_MS + 29_000)
    expect(ann.messages('auth_expiring')).toEqual([])
    await ann.next('auth_expiring', 1_100)
    await server.advance(59_000)
    expect(ann.closed).toBeUndefined() // time to bring another one
    await server.advance(1_100)
    expect(ann.closed).toEqual({ code: 4002, reason: 'Token expired' })
  })

  it('[B34] minutes of rate limits last a minute', async () => {
    await using server = await createTestServer({ settings: { ratePerSecond: 0, ratePerMinute: 2 } })
    const ann = await server.connect({ user: 'ann' })
    for (const content of ['1', '2']) expect((await say(ann, content)).error).toBeUndefined()
    server.clock.jump(jumpMs)
    expect((await say(ann, '3')).error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 60 })
    await server.advance(MINUTE_MS)
    expect((await say(ann, '4')).error).toBeUndefined()
  })

  it('[A3.4] a ticket is good for its 30 seconds', async () => {
    const clock = new VirtualClock()
    const tickets = new Tickets(clock, new SeededRandom(1))
    const alice = { user: { sub: 'alice', name: 'Alice', role: 'user' }, expiresAt: undefined } as const
    const [used, late] = [tickets.issue(alice), tickets.issue(alice)]
    clock.jump(jumpMs)
    await clock.advance(TICKET_LIFETIME_MS - 1)
    expect(tickets.redeem(used)).toBe(alice)
    await clock.advance(1)
    expect(() => tickets.redeem(late)).toThrow('unknown, used or expired')
  })

  it('[G3] a repeated request is recognised', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    const first = await say(ann, 'once', { key: 'k-1' })
    server.clock.jump(jumpMs)
    expect((await say(ann, 'once', { key: 'k-1' })).data).toEqual(first.data)
  })

  it('[C18] [G4] a client that was away has all that it missed, and its user left after the grace', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    await ann.request('room:join', 'a')
    const ben = await server.connect({ user: 'ben', dialect: 'v1' })
    await ben.request('room:join', 'a')
    ben.cut()
    server.clock.jump(jumpMs)
    await server.advance(4_000)
    expect(ann.messages('user:left')).toEqual([])
    await server.advance(2_000)
    expect(ann.messages('user:left')).toHaveLength(1)
    await say(ann, 'while Ben was away')
    const back = await server.connect({ user: 'ben', dialect: 'v1', session: ben.session })
    expect(await back.next('message:new')).toMatchObject({ seq: 1, data: { content: 'while Ben was away' } })
  })
})
