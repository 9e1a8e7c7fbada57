/** Webhooks of several nodes: one of them delivers, and another one goes on when it is killed. docs/webhooks.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/receiver.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'
import { user } from '../outside/lib/client.ts'
import { Server, UNLIMITED } from '../outside/lib/server.ts'

const entry = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))

it('[I9] [I11] [D2] what two nodes store is sent once by one of them, and by the other when that is killed in a batch', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-webhooks-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'always' })
  onTestFinished(() => redis.stop())
  const receiver = await startReceiver()
  const start = async (): Promise<Server> => {
    const webhooks = { ROOMFUL_WEBHOOK_URL: receiver.url, ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET }
    const server = await Server.start({
      entry,
      args: ['serve'],
      env: { ...UNLIMITED, ...webhooks, REDIS_URL: redis.url },
    })
    onTestFinished(() => server.dispose())
    return server
  }
  const first = await start() // the one that leads
  const second = await start()
  const [ann, ben] = [await user(first, 'ann'), await user(second, 'ben')]
  for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'a' })
  const sent: string[] = []
  const say = async (client: typeof ann, content: string): Promise<void> => {
    await client.ok('message:send', { roomId: 'a', content })
    sent.push(content)
  }
  for (let i = 0; i < 10; i++) await say(i % 2 === 0 ? ann : ben, `calm ${i}`)
  const contents = (): string[] =>
    receiver.events.filter(({ type }) => type === 'event.stored').map(({ data }) => (data.args as [{ content: string }])[0].content) // biome-ignore format: one list
  await expect.poll(contents, { timeout: 10_000 }).toEqual(sent)
  const entered = receiver.events.filter(({ type }) => type === 'member.entered').map(({ data }) => data.userId)
  expect(entered).toEqual(['ann', 'ben'])
  const isAsked = Promise.withResolvers<void>()
  receiver.answer = () => isAsked.resolve()
  for (let i = 0; i < 10; i++) await say(i % 2 === 0 ? ann : ben, `storm ${i}`)
  await isAsked.promise
  await first.kill()
  receiver.answer = undefined
  await say(ben, 'after')
  await expect.poll(() => [...new Set(contents())], { timeout: 30_000 }).toEqual(sent)
  // The node that was killed is cleared up after, and its user is gone.
  const exits = () => receiver.events.filter(({ type }) => type === 'member.exited').map(({ data }) => data.userId)
  await expect.poll(exits, { timeout: 30_000 }).toEqual(['ann'])
}, 120_000)

it('[I10] [I12] on Redis a message in pieces is sent whole when it ends, and what was redacted is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-webhooks-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'off' })
  onTestFinished(() => redis.stop())
  const receiver = await startReceiver()
  const roomful = createRoomful({
    redisUrl: redis.url,
    jwtSecret: 'a secret of at least thirty-two characters',
    webhookUrl: receiver.url,
    webhookSecret: WEBHOOK_SECRET,
    webhookRetryMs: 20,
  }).standardNamespaces()
  onTestFinished(() => roomful.close())
  await roomful.listen({ port: 0, host: '127.0.0.1' })
  const chat = roomful.get('/')
  const stream = await chat.stream('a', 'message:new', { userId: 'bot', name: 'Bot', content: 'Hello ' })
  stream.append('there')
  await stream.complete()
  await expect.poll(() => receiver.events.map(({ data }) => data.type)).toEqual(['message:new', 'message:ended'])
  expect(receiver.events[1]?.data).toMatchObject({ message: { id: stream.id, args: [{ content: 'Hello there' }] } })
  receiver.answer = (response) => response.writeHead(503).end()
  const { seq } = await chat.publish('a', 'message:new', [{ userId: 'bot', name: 'Bot', content: 'a secret' }])
  await expect.poll(() => receiver.attempts.length).toBeGreaterThan(2)
  expect(await chat.redact('a', seq)).toBe(true)
  receiver.answer = undefined
  await chat.publish('a', 'message:new', [{ userId: 'bot', name: 'Bot', content: 'the last' }])
  await expect.poll(() => JSON.stringify(receiver.events), { timeout: 8_000 }).toContain('the last')
  expect(JSON.stringify(receiver.events)).not.toContain('a secret')
}, 60_000)
