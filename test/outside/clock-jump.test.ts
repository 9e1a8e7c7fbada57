/** A whole server whose wall clock is set while it serves. docs/operations.md, "The clock jumped". */
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/receiver.ts'
import { dial, user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'

const SET_CLOCK = new URL('fixtures/set-clock.ts', import.meta.url).href
const API_KEY = 'the-api-key-of-a-test-about-clocks'
const HOUR_MS = 3_600_000

it('[D2] [G1] [I9] clients stay while the clock is set an hour ahead and back; webhooks and tokens wait for the right time', {
  timeout: 60_000,
}, async () => {
  const receiver = await startReceiver()
  const env = {
    ...UNLIMITED,
    CLOCK_JUMPS: `${HOUR_MS},${-HOUR_MS}`,
    ROOMFUL_API_KEY: API_KEY,
    ROOMFUL_WEBHOOK_URL: receiver.url,
    ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET,
    ROOMFUL_WEBHOOK_EVENTS: 'event.stored',
  }
  const server = await Server.start({ env, nodeArgs: ['--import', SET_CLOCK] })
  onTestFinished(() => server.dispose())
  const setClock = async (aheadMs: number): Promise<void> => {
    server.process.kill('SIGUSR2')
    const isSet = async (): Promise<boolean> => {
      const client = dial(server, '/ws/public?name=Clock')
      const { now } = await client.next('welcome')
      client.socket.terminate()
      return Math.abs(Number(now) - Date.now() - aheadMs) < HOUR_MS / 2
    }
    await expect.poll(isSet, { timeout: 10_000 }).toBe(true)
  }
  const closeOf = (expiresInS: number): Promise<{ code: number }> =>
    dial(server, `/ws?token=${token({ sub: 'cat' }, { expiresInS })}`).closed
  const contents = (): unknown[] =>
    receiver.events.map(({ data }) => (data.args as readonly [{ content?: string }])[0].content)

  const [ann, ben] = [await user(server, 'ann'), await user(server, 'ben')]
  for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'a' })
  const received: { seq: number; ts: number }[] = []
  const say = async (content: string): Promise<void> => {
    await ann.ok('message:send', { roomId: 'a', content })
    received.push((await ben.next({ type: 'chat:message', content })) as never)
  }
  await say('before')
  await expect.poll(contents, { timeout: 10_000 }).toEqual(['before'])

  await setClock(HOUR_MS)
  await say('an hour ahead')
  expect((await closeOf(600)).code).toBe(4001) // its time is over there
  // The receiver takes no delivery that seems to be of another hour, so it is kept.
  const webhooks = () => server.getJson('/api/server/webhooks', { authorization: `Bearer ${API_KEY}` })
  await expect.poll(webhooks, { timeout: 15_000 }).toMatchObject({ failure: { reason: 'answered 401' } })
  expect(contents()).toEqual(['before'])

  await setClock(0)
  await say('back')
  await expect.poll(contents, { timeout: 30_000 }).toEqual(['before', 'an hour ahead', 'back'])
  expect(received.map(({ seq }) => seq)).toEqual([1, 2, 3])
  const [, ahead, back] = received
  expect(back?.ts).toBe(ahead?.ts) // stands still until the clock has caught up
  for (const client of [ann, ben]) expect(client.socket.readyState).toBe(1)
  const cat = await user(server, 'cat')
  await cat.ok('room:join', { roomId: 'a' })
})
