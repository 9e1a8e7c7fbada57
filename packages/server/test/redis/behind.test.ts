/** A client that comes from another node, or was sent more by it, may know more than the node that it comes to. */
import { afterAll, expect, it } from 'vitest'
import { serve, signIn } from './clients.ts'
import { cutBefore } from './cut.ts'
import { tokenFor } from './nodes-of-one-log.ts'
import { startRedis } from './server.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

interface Position {
  readonly epoch: string
  readonly seq: number
}

it('[G4] a node that is behind its client waits for what is missing, and reports no gap', async () => {
  const gate = await cutBefore(redis.port)
  const [a, b] = [await serve(redis.url, 'behind'), await serve(gate.url, 'behind')]
  // Ann sits in the room on this node already, so that her second connection has nothing to ask of Redis there.
  const [first, second, bob] = [await signIn(b, 'ann'), await signIn(b, 'ann'), await signIn(a, 'bob')]
  for (const client of [first, bob]) await client.ask('room:join', { roomId: 'lobby' })
  await bob.ask('message:send', { roomId: 'lobby', content: 'one' })
  await first.next(({ content }) => content === 'one')
  gate.hold()
  await bob.ask('message:send', { roomId: 'lobby', content: 'two' })
  const { epoch, seq } = (await bob.ask('room:join', { roomId: 'lobby' })).data as Position
  const answer = second.ask('room:join', { roomId: 'lobby', after: { epoch, seq } })
  // Late enough for an answer that does not wait.
  await first.ask('presence:get', { roomId: 'lobby' })
  expect(second.of('ack')).toEqual([])
  gate.release()
  expect((await answer).data).toMatchObject({ recovered: true, epoch, seq: 2 })
})

it('[B23] a node that was cut off finds the first private message that its users got meanwhile', async () => {
  const gate = await cutBefore(redis.port)
  const [a, b] = [await serve(redis.url, 'inbox'), await serve(gate.url, 'inbox')]
  const [ann, bob] = [await signIn(a, 'ann'), await signIn(b, 'bob')]
  gate.cut()
  await ann.ask('message:private', { to: 'bob', content: 'psst' })
  expect(bob.of('message:private')).toEqual([])
  gate.mend()
  await bob.next(({ type }) => type === 'message:private')
  await ann.ask('message:private', { to: 'bob', content: 'once more' })
  await bob.next(({ content }) => content === 'once more')
  expect(bob.of('message:private').map(({ content }) => content)).toEqual(['psst', 'once more'])
})

it('[G4] a cursor of the log after a loss is good on a node that does not know of the loss yet', async () => {
  const own = await startRedis()
  const gate = await cutBefore(own.port)
  const [a, b] = [await serve(own.url, 'logs'), await serve(gate.url, 'logs')]
  const token = await tokenFor('ann')
  const poll = async ({ url }: { url: string }, after?: string) => {
    const query = after === undefined ? '' : `&after=${after}&wait=0`
    const response = await fetch(`${url}/poll?room=lobby&token=${token}${query}`)
    return (await response.json()) as { events: { type: string; content?: string }[]; cursor: string }
  }
  const [bob, watcher] = [await signIn(a, 'bob'), await signIn(b, 'watcher')]
  for (const client of [bob, watcher]) await client.ask('room:join', { roomId: 'lobby' })
  await bob.ask('message:send', { roomId: 'lobby', content: 'one' })
  const dump = await own.dump()
  await bob.ask('message:send', { roomId: 'lobby', content: 'lost' })
  await bob.next(({ content }) => content === 'lost')
  gate.cut()
  await own.restore(dump)
  await bob.next(({ type }) => type === 'reset')
  const { cursor } = await poll(a)
  await bob.ask('message:send', { roomId: 'lobby', content: 'two' })
  gate.mend()
  const { events } = await poll(b, cursor)
  expect(events.map(({ type, content }) => content ?? type)).toEqual(['two'])
  await Promise.all([a.close(), b.close()])
  await own.stop()
})

it('[G4] what names a message by its number changes none of a log that came while it waited', async () => {
  const own = await startRedis()
  const gate = await cutBefore(own.port)
  const [a, b] = [await serve(own.url, 'numbers'), await serve(gate.url, 'numbers')]
  const [here, there, queued] = [await signIn(a, 'bob'), await signIn(b, 'bob'), await signIn(b, 'bob')]
  const other = await signIn(b, 'bob')
  for (const client of [here, there, queued, other]) await client.ask('room:join', { roomId: 'lobby' })
  const dump = await own.dump()
  await there.ask('message:send', { roomId: 'lobby', content: 'lost' })
  await here.next(({ content }) => content === 'lost')
  gate.cut()
  // It waits for what Redis knows of its key, for the history, and for a request before it.
  const seq = { roomId: 'lobby', seq: 1 }
  const answers = [
    there.ask('message:redact', { ...seq, key: 'k1' }),
    other.ask('message:edit', { ...seq, content: 'edited' }),
    queued.ask('message:redact', seq),
    queued.ask('message:edit', { ...seq, content: 'edited' }),
  ]
  await own.restore(dump)
  await here.next(({ type }) => type === 'reset')
  await here.ask('message:send', { roomId: 'lobby', content: 'two' })
  gate.mend()
  for (const answer of await Promise.all(answers)) expect(['NOT_FOUND', 'UNAVAILABLE', 'TIMEOUT']).toContain((answer.error as { code: string }).code) // biome-ignore format: one line
  await here.ask('message:send', { roomId: 'lobby', content: 'three' })
  const { events } = await a.roomful.get('/').history('lobby', { limit: 50 })
  expect(events.map(({ type, content }) => [type, content])).toEqual([
    ['message:new', 'two'],
    ['message:new', 'three'],
  ])
  await Promise.all([a.close(), b.close()])
  await own.stop()
})
