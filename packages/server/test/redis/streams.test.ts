/** A message in pieces on several nodes: read along, joined late, stopped and continued from whatever node. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { textsOf } from '../core/texts-of.ts'
import { connectTo, serveNode, type TestSocket, tokenFor } from './nodes-of-one-log.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const ASSISTANT = { userId: 'assistant', name: 'Assistant' }
const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0, streamPiecesPerSecond: 0 }
const known = ({ frames }: TestSocket) => textsOf({ received: [...frames] })

async function join(node: Parameters<typeof connectTo>[0], sub: string): Promise<TestSocket> {
  const client = await connectTo(node, await tokenFor(sub), '/ws')
  await client.ask('room:join', { roomId: 'x' })
  return client
}

it('[D17] [N11] reaches members of every node in the same pieces, and who joins late whole', async () => {
  const [a, b] = [await serveNode(redis, 's1', UNLIMITED), await serveNode(redis, 's1', UNLIMITED)]
  const [ann, bob] = [await join(a, 'ann'), await join(b, 'bob')]
  const answer = await a.roomful.get('/').stream('x', 'message:new', ASSISTANT)
  for (let i = 0; i < 100; i++) {
    answer.append(`word ${i} "é👍" `)
    if (i % 10 === 0) await answer.flushed()
  }
  await answer.flushed()
  const cy = await join(b, 'cy')
  answer.append('the end')
  const { length } = await answer.complete()
  for (const client of [ann, bob, cy]) {
    await client.next(({ type }) => type === 'message:ended')
    expect(known(client)).toMatchObject({ 1: { state: 'complete' } })
    expect(known(client)[1]?.text).toHaveLength(length)
  }
  expect(known(bob)).toEqual(known(ann))
  expect(known(cy)).toEqual(known(ann))
  const { data } = await bob.ask('history:get', { roomId: 'x' })
  const [message] = (data as { events: { content: string; state: string }[] }).events
  expect(message).toMatchObject({ content: known(ann)[1]?.text, state: 'complete' })
})

it('[D17] [N11] is written and stopped by clients of different nodes', async () => {
  const [a, b] = [await serveNode(redis, 's2', UNLIMITED), await serveNode(redis, 's2', UNLIMITED)]
  const [ann, bob] = [await join(a, 'ann'), await join(b, 'bob')]
  const phone = await join(b, 'ann')
  const { seq } = (await ann.ask('message:stream', { roomId: 'x', content: 'on ' })).data as { seq: number }
  await ann.ask('message:append', { roomId: 'x', seq, at: 3, text: 'and ' })
  const more = await phone.ask('message:append', { roomId: 'x', seq, at: 7, text: 'on' })
  expect(more.data).toEqual({ status: 'ok', length: 9 })
  const refused = await bob.ask('message:append', { roomId: 'x', seq, at: 9, text: '!' })
  expect(refused.error).toMatchObject({ code: 'FORBIDDEN' })
  expect((await bob.ask('message:stop', { roomId: 'x', seq })).data).toMatchObject({ state: 'cancelled', length: 9 })
  await ann.next(({ type, userId }) => type === 'message:stop' && userId === 'bob')
  for (const client of [ann, bob, phone]) {
    await client.next(({ type }) => type === 'message:ended')
    expect(known(client)).toEqual({ [seq]: { text: 'on and on', state: 'cancelled' } })
  }
})

it('[D17] [N11] aborts the signal of a handler on another node', async () => {
  const [a, b] = [await serveNode(redis, 's3', UNLIMITED), await serveNode(redis, 's3', UNLIMITED)]
  const bob = await join(b, 'bob')
  const answer = await a.roomful.get('/').stream('x', 'message:new', ASSISTANT)
  answer.append('thinking')
  await answer.flushed()
  const aborted = new Promise((resolve) => answer.signal.addEventListener('abort', resolve))
  await bob.ask('message:stop', { roomId: 'x', seq: answer.seq })
  await aborted
  await expect(answer.complete()).resolves.toEqual({ state: 'cancelled', length: 8 })
})

it('[D17] [N11] goes on under its key on another node, and is interrupted there when its writer is gone', async () => {
  const settings = { ...UNLIMITED, streamIdleMs: 600 }
  const [a, b] = [await serveNode(redis, 's4', settings), await serveNode(redis, 's4', settings)]
  const bob = await join(b, 'bob')
  const first = await a.roomful.get('/').stream('x', 'message:new', ASSISTANT, { key: 'answer' })
  first.append('one ')
  await first.flushed()
  const second = await b.roomful.get('/').stream('x', 'message:new', ASSISTANT, { key: 'answer' })
  expect(second).toMatchObject({ seq: first.seq, length: 4 })
  second.append('two')
  await second.complete()
  await bob.next(({ type }) => type === 'message:ended')
  expect(known(bob)).toEqual({ 1: { text: 'one two', state: 'complete' } })
  const ann = await join(a, 'ann')
  const { seq } = (await ann.ask('message:stream', { roomId: 'x', content: 'I am' })).data as { seq: number }
  ann.close()
  await bob.next(({ type, target }) => type === 'message:ended' && target === seq)
  expect(known(bob)[seq]).toEqual({ text: 'I am', state: 'interrupted' })
})
