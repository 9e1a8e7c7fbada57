/** How much one may say: per connection and second, per user and minute. C12, B34. Settings are the defaults unless named. */
import { describe, expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { useServer } from './lib/use-server.ts'
import { until } from './lib/wait.ts'

/** Sends `count` requests at once and returns their acks in order. */
async function burst(client: Client, count: number, prefix: string, type = 'chat:message'): Promise<Frame[]> {
  for (let i = 0; i < count; i++) client.send({ type, roomId: prefix, content: `${prefix}${i}`, id: `${prefix}${i}` })
  const acks: Frame[] = []
  for (let i = 0; i < count; i++) acks.push(await client.next({ ack: `${prefix}${i}` }))
  return acks
}
const isLimited = (ack: Frame): boolean => (ack.error as { code?: string } | undefined)?.code === 'RATE_LIMITED'

describe('with the default limits', () => {
  const server = useServer()

  it('[C12] welcome tells the limits', async () => {
    const client = await user(server, 'told')
    expect(client.received[0]?.limits).toMatchObject({ ratePerSecond: 10, ratePerMinute: 30 })
  })

  it('[C12] ten a second pass, the eleventh is RATE_LIMITED, and the connection is kept', async () => {
    const client = await user(server, 'eager')
    const acks = await burst(client, 14, 'e')
    expect(acks.slice(0, 10).filter(isLimited)).toEqual([])
    expect(acks.slice(10).every(isLimited)).toBe(true)
    expect(acks[10]?.error).toMatchObject({
      code: 'RATE_LIMITED',
      message: expect.stringMatching(/rate limit exceeded/i),
      retryAfter: 1,
    })
    await client.settled()
    client.send({ type: 'chat:message', roomId: 'e', content: 'without id' })
    expect(await client.next('error')).toMatchObject({
      code: 'RATE_LIMITED',
      retryAfter: expect.any(Number),
      event: 'chat:message',
    })
  })

  it('[C12] the window slides: after a second it goes on', async () => {
    const client = await user(server, 'patient')
    await burst(client, 12, 'p')
    const start = performance.now()
    const again = async (): Promise<boolean> =>
      !isLimited(await client.request('chat:message', { roomId: 'p', content: 'again' }))
    await until(again, { everyMs: 100, what: 'going on after a second' })
    expect(performance.now() - start).toBeLessThan(2500)
  })

  it('[C12] pings, joins and leaves are not counted', async () => {
    const client = await user(server, 'joiner')
    for (let i = 0; i < 20; i++) {
      client.send({ type: 'ping' })
      await client.ok('room:join', { roomId: `j${i}` })
    }
    for (let i = 0; i < 20; i++) await client.ok('room:leave', { roomId: `j${i}` })
    expect((await burst(client, 10, 'j')).filter(isLimited)).toEqual([])
  })

  it('[C12] another connection is not slowed by the one that is', async () => {
    const [loud, quiet] = [await user(server, 'loud'), await user(server, 'quiet')]
    await burst(loud, 20, 'l')
    await quiet.ok('chat:message', { roomId: 'l', content: 'calm' })
  })

  it('[C12] ten times the rate for 5 s is abuse: 1008', { timeout: 20_000 }, async () => {
    const [abuser, other] = [await user(server, 'abuser'), await user(server, 'bystander')]
    let sent = 0
    const flood = setInterval(() => {
      for (let i = 0; i < 10; i++, sent++) abuser.send({ type: 'typing:start', roomId: 'flood' })
    }, 50)
    const start = performance.now()
    try {
      expect((await abuser.closed).code).toBe(1008)
    } finally {
      clearInterval(flood)
    }
    expect(sent).toBeGreaterThanOrEqual(500) // 10 times 10 a second for 5 s
    expect(performance.now() - start).toBeLessThan(9000)
    await other.ok('chat:message', { roomId: 'flood', content: 'undisturbed' })
  })
})

describe('with only the minute limit', () => {
  const server = useServer({ env: { ROOMFUL_RATE_PER_SECOND: '0' } })

  it('[B34] 30 messages a minute, over all connections of the user; the answer says how long to wait', async () => {
    const tabs = await Promise.all([1, 2, 3].map(() => user(server, 'talker')))
    const start = Date.now()
    for (const [i, tab] of tabs.entries()) expect((await burst(tab, 10, `t${i}-`)).filter(isLimited)).toEqual([])
    for (const tab of tabs) {
      const error = await tab.refused('chat:message', { roomId: 't', content: 'one too many' })
      const elapsedS = (Date.now() - start) / 1000
      expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number), message: expect.any(String) })
      expect(error.retryAfter as number).toBeLessThanOrEqual(60)
      expect(error.retryAfter as number).toBeGreaterThanOrEqual(Math.floor(60 - elapsedS - 1))
    }
    const newTab = await user(server, 'talker')
    expect(await newTab.refused('message:private', { to: 'other', content: 'by another way' })).toMatchObject({
      code: 'RATE_LIMITED',
    })
    await (await user(server, 'other')).ok('chat:message', { roomId: 't', content: 'not my limit' })
  })

  it('[B34] refused ones do not extend the wait, and what appends nothing is free', async () => {
    const client = await user(server, 'insistent')
    await burst(client, 30, 'i')
    const first = (await client.refused('chat:message', { roomId: 'i', content: 'x' })).retryAfter as number
    for (let i = 0; i < 40; i++) await client.refused('chat:message', { roomId: 'i', content: 'x' })
    expect(
      (await client.refused('chat:message', { roomId: 'i', content: 'x' })).retryAfter as number,
    ).toBeLessThanOrEqual(first)
    await client.ok('history:get', { roomId: 'i' })
    await client.ok('room:join', { roomId: 'i' })
    await client.ok('presence:get', { roomId: 'i' })
  })

  it('[B34] a repeat by key costs nothing, and answers even beyond the limit', async () => {
    const client = await user(server, 'repeater')
    const first = await client.ok('chat:message', { roomId: 'k', content: 'once', key: 'rate-key' })
    for (let i = 0; i < 35; i++) await client.ok('chat:message', { roomId: 'k', content: 'once', key: 'rate-key' })
    expect((await burst(client, 29, 'k')).filter(isLimited)).toEqual([])
    await client.refused('chat:message', { roomId: 'k', content: 'beyond' })
    expect(await client.ok('chat:message', { roomId: 'k', content: 'once', key: 'rate-key' })).toEqual(first)
  })
})
