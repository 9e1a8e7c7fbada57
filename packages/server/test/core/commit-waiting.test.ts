/** What waits to be stored has a bound, and beyond it says so at once. G2. */
import { createTestServer } from '@roomful/testkit'
import { expect, it } from 'vitest'

it('[G2] 100,000 requests wait for the log; one more is UNAVAILABLE, and the others are stored', async () => {
  await using server = await createTestServer({ log: { retention: 10 } })
  const namespace = server.get('/')
  const first = namespace.publish('x', 'first', [])
  await server.settle()
  await first
  const waiting = Array.from({ length: 100_000 }, (_, i) => namespace.publish('x', 'tick', [i]))
  const refusal = await namespace.publish('x', 'tick', ['one more']).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
  await server.settle()
  expect((await Promise.all(waiting)).at(-1)).toMatchObject({ seq: 100_001 })
}, 20_000)
