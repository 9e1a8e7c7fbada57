/** Brokers on one real Redis that ask each other. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createRedisBroker, type RedisBroker } from '../../src/adapters/brokers/redis/broker.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import type { BrokerListener } from '../../src/core/ports/broker.ts'
import type { NodeQuestion } from '../../src/core/ports/nodes.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

async function open(prefix: string, onAsk: (question: NodeQuestion) => unknown = () => 'yes'): Promise<RedisBroker> {
  const broker = createRedisBroker({
    url: redis.url,
    prefix,
    clock: systemClock,
    random: systemRandom,
    report: () => undefined,
  })
  broker.listen({ onBreak: () => undefined, onAsk } as unknown as BrokerListener)
  onTestFinished(() => broker.close())
  await broker.open('/')
  return broker
}

const QUESTION = { kind: 'test', namespace: '/', body: { who: 'ann' } }

it('[Z7] every other node is asked, and only those of the cluster', async () => {
  const one = await open('a', () => 'one')
  expect(await one.ask(QUESTION)).toEqual({ asked: 0, answered: 0, answers: [] })
  const asked: NodeQuestion[] = []
  const two = await open('a', (question) => {
    asked.push(question)
    return 'two'
  })
  const three = await open('a', async () => ({ is: 'three' }))
  await open('b')
  const { answers, ...reached } = await one.ask(QUESTION)
  expect(reached).toEqual({ asked: 2, answered: 2 })
  expect(new Map(answers.map(({ node, value }) => [node, value]))).toEqual(
    new Map<string, unknown>([
      [two.node, 'two'],
      [three.node, { is: 'three' }],
    ]),
  )
  expect(asked).toEqual([QUESTION])
  expect(await one.ask(QUESTION, [three.node, 'gone'])).toMatchObject({ asked: 1, answered: 1 })
  expect([...(await one.nodes())].sort()).toEqual([one.node, two.node, three.node].sort())
})

it('[Z7] a node that cannot answer is counted, and that does not take long', async () => {
  const one = await open('c')
  await open('c', () => {
    throw new Error('no')
  })
  const startedAt = performance.now()
  expect(await one.ask(QUESTION)).toEqual({ asked: 1, answered: 0, answers: [] })
  expect(performance.now() - startedAt).toBeLessThan(900)
})

it('[Z7] a node that says nothing is waited for a second', async () => {
  const one = await open('d')
  await open('d')
  await open('d', () => new Promise(() => undefined))
  const startedAt = performance.now()
  expect(await one.ask(QUESTION)).toMatchObject({ asked: 2, answered: 1, answers: [{ value: 'yes' }] })
  expect(performance.now() - startedAt).toBeLessThan(1_900)
})

it('[Z7] a node that was killed is counted until its lease is over, and not waited for', async () => {
  const one = await open('e')
  const inFuture = Date.now() + 60_000
  await redis.command('ZADD', '{e}:members', String(inFuture), 'killed')
  const startedAt = performance.now()
  expect(await one.ask(QUESTION)).toEqual({ asked: 1, answered: 0, answers: [] })
  expect(performance.now() - startedAt).toBeLessThan(900)
  await redis.command('ZADD', '{e}:members', '1', 'killed')
  expect(await one.ask(QUESTION)).toEqual({ asked: 0, answered: 0, answers: [] })
})

it('[Z7] while Redis is away a question is answered at once, and after it by everyone', async () => {
  const one = await open('f')
  await open('f')
  await one.nodes()
  await redis.kill()
  try {
    expect(await one.ask(QUESTION)).toEqual({ asked: 1, answered: 0, answers: [] })
  } finally {
    await redis.start()
  }
  await expect.poll(() => one.ask(QUESTION), { timeout: 10_000 }).toMatchObject({ asked: 1, answered: 1 })
})
