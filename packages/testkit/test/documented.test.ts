/** What docs/testing.md shows: test/docs/testing.test.ts holds the page against this file. */
import { connect } from '@roomful/client'
import { defineContract, event, type Roomful } from '@roomful/server'
import { createTestServer } from '@roomful/testkit'
import { describeFailure, simulate } from '@roomful/testkit/simulator'
import { expect, it } from 'vitest'
import { z } from 'zod'

const contract = defineContract({
  client: {
    'save-task': event({
      data: z.object({ board: z.string(), title: z.string().min(1) }),
      ack: z.object({ status: z.literal('ok'), seq: z.number().optional() }),
    }),
  },
  server: { 'task:saved': event({ data: z.object({ title: z.string() }), durable: true }) },
})

function addTasks(roomful: Roomful): void {
  const tasks = roomful.namespace('/tasks', contract)
  tasks.on('save-task', (context, { board, title }) => {
    context.append(board, 'task:saved', { title })
    return ([stored]) => ({ status: 'ok', seq: stored?.seq })
  })
}

it('saves a task and tells the board', async () => {
  await using server = await createTestServer({ setUp: addTasks })
  const ann = await server.connect({ namespace: '/tasks', user: 'ann' })
  const bob = await server.connect({ namespace: '/tasks', user: 'bob', dialect: 'v1' })
  await bob.request('room:join', 'board:1')

  await ann.request('save-task', { board: 'board:1', title: 'Write' })
  expect(await bob.next('task:saved')).toMatchObject({ data: { title: 'Write' }, seq: 1 })

  bob.cut()
  await ann.request('save-task', { board: 'board:1', title: 'Test' })
  const back = await server.connect({ namespace: '/tasks', user: 'bob', dialect: 'v1', session: bob.session })
  expect(await back.next('task:saved')).toMatchObject({ data: { title: 'Test' }, seq: 2 })
})

it('the SDK misses nothing while it is cut off', async () => {
  await using server = await createTestServer({ setUp: addTasks })
  await using ann = connect<typeof contract>('http://test', server.clientOptions({ user: 'ann', namespace: '/tasks' }))
  const titles: string[] = []
  ann.room('board:1').on('task:saved', ({ title }) => titles.push(title))
  await server.settle()

  server.cut('ann')
  const bob = await server.connect({ namespace: '/tasks', user: 'bob' })
  await bob.request('save-task', { board: 'board:1', title: 'Write' })
  await server.advance(5_000)
  expect(titles).toEqual(['Write'])
})

it.each([1, 2, 3])('nothing is lost, whatever happens (seed %i)', async (seed) => {
  const run = await simulate({
    seed,
    setUp: addTasks,
    namespace: '/tasks',
    rooms: ['board:1', 'board:2'],
    events: ['task:saved'],
    say: (board, title) => ({ event: 'save-task', data: { board, title } }),
  })
  if (run.violations.length > 0) throw new Error(describeFailure(run))
})
