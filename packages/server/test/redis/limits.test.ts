/** What a user, or an address, may do in a minute, over two whole servers. B34. */
import { afterAll, describe, expect, it } from 'vitest'
import { connectTo, serveNode, type TestSocket, tokenFor } from './nodes-of-one-log.ts'
import { startRedis } from './server.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

let prefixes = 0

async function twoNodes(settings: object) {
  const prefix = `limits${++prefixes}`
  return [await serveNode(redis, prefix, settings), await serveNode(redis, prefix, settings)] as const
}

async function say(socket: TestSocket, content: string, more: object = {}) {
  const { data } = await socket.ask('message:send', { roomId: 'lobby', content, ...more })
  return data as { status: string; code?: string; retryAfter?: number }
}

const limited = { status: 'error', code: 'RATE_LIMITED', retryAfter: expect.any(Number) }

describe('two nodes count together', () => {
  it('[B34] [L4] [L5] [G3] the messages of a user: repeats are free, refusals do not extend the wait', async () => {
    const [a, b] = await twoNodes({ ratePerMinute: 3 })
    const token = await tokenFor('ann')
    const [one, two] = [await connectTo(a, token), await connectTo(b, token)]
    const key = (of: string) => ({ key: of })
    expect(await say(one, '1', key('k1'))).toMatchObject({ status: 'ok', seq: 1 })
    expect(await say(two, '2', key('k2'))).toMatchObject({ status: 'ok', seq: 2 })
    for (const socket of [one, two]) expect(await say(socket, '1', key('k1'))).toMatchObject({ status: 'ok', seq: 1 })
    expect(await say(two, '3')).toMatchObject({ status: 'ok', seq: 3 })
    for (const socket of [one, two, one]) {
      const refused = await say(socket, 'too many')
      expect(refused).toMatchObject({ ...limited, message: 'Rate limit exceeded: 3 messages a minute' })
      expect(refused.retryAfter).toBeGreaterThan(50)
      expect(refused.retryAfter).toBeLessThanOrEqual(60)
    }
    expect(await say(one, '2', key('k2'))).toMatchObject({ status: 'ok', seq: 2 })
    expect(await say(await connectTo(b, await tokenFor('bob')), 'hi')).toMatchObject({ status: 'ok', seq: 4 })
  })

  it('[L15] the rooms that a user makes, by joins and by messages', async () => {
    const [a, b] = await twoNodes({ newRoomsPerMinute: 2 })
    const token = await tokenFor('ann')
    const [one, two] = [await connectTo(a, token), await connectTo(b, token)]
    const join = async (socket: TestSocket, roomId: string) => (await socket.ask('room:join', { roomId })).data
    expect(await join(one, 'r1')).toMatchObject({ status: 'ok' })
    expect(await say(two, 'hi', { roomId: 'r2' })).toMatchObject({ status: 'ok' })
    expect(await say(one, 'hi', { roomId: 'r3' })).toMatchObject(limited)
    expect(await join(two, 'r3')).toMatchObject(limited)
    expect(await join(two, 'r1')).toMatchObject({ status: 'ok' })
    expect(await say(one, 'hi', { roomId: 'r2' })).toMatchObject({ status: 'ok' })
  })

  it('[L13] the connections of a user and of an address', async () => {
    const [a, b] = await twoNodes({ connectsPerMinute: 4 })
    const token = await tokenFor('ann')
    for (const node of [a, b, a, b]) await connectTo(node, token)
    const refusal = await fetch(`${a.url}/poll?room=lobby&token=${token}`)
    expect(refusal.status).toBe(429)
    expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(50)
    expect((await fetch(`${b.url}/poll?room=lobby&token=${await tokenFor('bob')}`)).status).toBe(429)
  })

  it('[L14] the messages of all guests of an address', async () => {
    const [a, b] = await twoNodes({ ratePerMinute: 1, ratePerSecond: 0, maxConnectionsPerIp: 0 })
    const guests = await Promise.all(Array.from({ length: 22 }, (_, i) => connectTo(i % 2 === 0 ? a : b)))
    const answers = await Promise.all(guests.map((guest) => say(guest, 'hi')))
    expect(answers.filter(({ status }) => status === 'ok')).toHaveLength(20)
    expect(answers.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(2)
  })
})
