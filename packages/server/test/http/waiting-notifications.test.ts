/** Polls that wait for a notification, on time that the test decides: what ends them, and how many there may be. B10. */
import { createTestServer } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { NotificationPolls } from '../../src/adapters/http/notification-polls.ts'

const HOUR_MS = 3_600_000

async function bench(waitingMax?: number) {
  const server = await createTestServer({ settings: { ratePerSecond: 0 } })
  const notifications = new NotificationPolls(server.hub, waitingMax)
  const since = `${server.get('/notifications').state.logId}.0`
  /** @returns what it was answered, or the code of its refusal; nothing while it waits */
  const poll = (sub = 'ann', expiresAt: number | undefined = undefined, signal = new AbortController().signal) => {
    const seen: { answer?: unknown } = {}
    const reader = { identity: { user: { sub, name: sub, role: 'user' }, expiresAt }, ip: '', userAgent: '' }
    notifications.poll(reader, { since, waitMs: 25_000, signal }).then(
      (page) => Object.assign(seen, { answer: (page as { notifications: unknown[] }).notifications }),
      ({ code }) => Object.assign(seen, { answer: code }),
    )
    return seen
  }
  return { server, notifications, poll }
}

it('[B10] [G8] a poll that waits is refused when its token ends, and answered before when its time is up', async () => {
  const { server, poll } = await bench()
  await using _ = server
  const now = server.clock.now()
  const [short, long] = [poll('ann', now + 10_000), poll('ann', now + HOUR_MS)]
  await server.advance(9_000)
  expect([short.answer, long.answer]).toEqual([undefined, undefined])
  await server.advance(1_100)
  expect([short.answer, long.answer]).toEqual(['TOKEN_EXPIRED', undefined])
  await server.advance(15_000)
  expect(long.answer).toEqual([])
})

it('[B10] [C15] polls that wait are answered when the server drains', async () => {
  const { server, poll } = await bench()
  await using _ = server
  const polls = [poll('ann'), poll('bob')]
  await server.settle()
  expect(polls).toEqual([{}, {}])
  const drained = server.hub.drain()
  await server.settle()
  expect(polls).toEqual([{ answer: [] }, { answer: [] }])
  await server.advance(20_000)
  await drained
})

it('[B10] [R3] so many may wait; one more is told to come back, and those who leave make room', async () => {
  const { server, poll } = await bench(100)
  await using _ = server
  const clients = Array.from({ length: 100 }, () => new AbortController())
  const polls = clients.map(({ signal }, i) => poll(`u${i >> 5}`, undefined, signal))
  await server.settle()
  expect(polls.every(({ answer }) => answer === undefined)).toBe(true)
  const late = poll()
  await server.settle()
  expect(late.answer).toBe('UNAVAILABLE')
  for (const client of clients) client.abort()
  await server.settle()
  const later = poll()
  await server.settle()
  expect(later.answer).toBe(undefined)
  expect(Reflect.get(server.get('/notifications').inboxes, 'watchers').size).toBe(1)
})
