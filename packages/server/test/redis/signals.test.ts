/** What is for a user, or for one connection, reaches them on whatever node they are. */
import { afterAll, beforeAll, it } from 'vitest'
import { connectTo, serveNode, tokenFor } from './nodes-of-one-log.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
it('[Z7] [B23] a private event reaches a user on another node, who had none before', async () => {
  const [a, b] = [await serveNode(redis, 'inbox'), await serveNode(redis, 'inbox')]
  const ann = await connectTo(b, await tokenFor('ann'), '/ws/public')
  await a.roomful.get('/public').publish('user:ann', 'notification', [{ message: 'one' }])
  await ann.next(({ type, message }) => type === 'notification' && message === 'one')
})
it('[Z7] an emit to a user reaches their connections on another node', async () => {
  const [a, b] = [await serveNode(redis, 'inbox2'), await serveNode(redis, 'inbox2')]
  const ann = await connectTo(b, await tokenFor('ann'), '/ws/public')
  a.roomful.get('/public').to('user:ann').emit('hello', { x: 1 })
  await ann.next(({ type }) => type === 'hello')
})
it('[Z7] an emit to a connection, or to everyone, reaches other nodes', async () => {
  const [a, b] = [await serveNode(redis, 'inbox3'), await serveNode(redis, 'inbox3')]
  const ann = await connectTo(b, await tokenFor('ann'), '/ws/public')
  a.roomful.get('/public').to(ann.connectionId).emit('hello', { x: 1 })
  a.roomful.get('/public').emit('all', { x: 1 })
  await ann.next(({ type }) => type === 'hello')
  await ann.next(({ type }) => type === 'all')
})
