/** Webhooks of a server that is killed in the middle of a batch: nothing that was acknowledged is lost. docs/webhooks.md. */
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/receiver.ts'
import { type Client, user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const entry = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))

it('[I9] [I11] kill -9 in the middle of a batch loses nothing, keeps the order, and ends who was in a room', async () => {
  const receiver = await startReceiver()
  const env = { ...UNLIMITED, ROOMFUL_WEBHOOK_URL: receiver.url, ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET }
  let server = await Server.start({ entry, args: ['serve'], env })
  onTestFinished(() => server.dispose())
  const rooms = ['a', 'b', 'c']
  const sent = new Map(rooms.map((room) => [room, [] as string[]]))
  const enter = async (): Promise<Client> => {
    const client = await user(server, 'writer')
    for (const roomId of rooms) await client.ok('room:join', { roomId })
    return client
  }
  const write = async (client: Client, count: number, round: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      for (const roomId of rooms) {
        const content = `${round}-${i}`
        await client.ok('message:send', { roomId, content })
        sent.get(roomId)?.push(content)
      }
    }
  }
  for (let round = 0; round < 2; round++) {
    const client = await enter()
    await write(client, 10, round)
    // A batch is at the receiver, and neither taken nor refused, when the server is killed.
    const isAsked = Promise.withResolvers<void>()
    receiver.answer = () => isAsked.resolve()
    await write(client, 10, round + 10)
    await isAsked.promise
    await server.kill()
    receiver.answer = undefined
    server = await Server.start({ entry, args: ['serve'], env, data: server.data, port: server.port })
  }
  const contents = (roomId: string): string[] => {
    const stored = receiver.events.filter(({ type, data }) => type === 'event.stored' && data.roomId === roomId)
    return [...new Set(stored.map(({ data }) => (data.args as [{ content: string }])[0].content))]
  }
  for (const roomId of rooms) {
    await expect.poll(() => contents(roomId).length, { timeout: 10_000 }).toBe(40)
    expect(contents(roomId)).toEqual(sent.get(roomId))
  }
  // Who was there when it was killed, and did not come back, is gone.
  const last = () => receiver.events.filter(({ data }) => data.roomId === 'a').at(-1)?.type
  await expect.poll(last, { timeout: 25_000, interval: 250 }).toBe('room.vacated')
  const exits = receiver.events.filter(({ type, data }) => type === 'member.exited' && data.roomId === 'a')
  expect(exits).toMatchObject([{ data: { userId: 'writer', reason: 'lost' } }])
}, 90_000)
