/**
 * A few hundred seeds of the simulator, the runs that once failed, and the simulator as an application's author uses it.
 * `npm run simulate` runs as many as you like; what it is worth is shown in planted-faults.test.ts.
 */
import { defineContract, event } from '@roomful/server'
import {
  CHAT,
  describeFailure,
  makePlan,
  type Plan,
  type Run,
  runPlan,
  type SimulateOptions,
  shrink,
  simulate,
} from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import pastPlans from './past-plans.json' with { type: 'json' }

/**
 * What the simulator once found, cut down to the steps that it took. Plans, not seeds: a seed means another run whenever
 * plan.ts changes. To check that a plan still finds its fault, undo the fix.
 */
const PAST = pastPlans as readonly (Plan & { readonly found: string })[]

const CHUNKS = 10
const SEEDS_PER_CHUNK = 20

function expectWell(run: Run): void {
  if (run.violations.length > 0) throw new Error(describeFailure(run))
}

describe('[D7] an application of its own', () => {
  it('must say how a namespace is declared', async () => {
    await expect(simulate({ seed: 1, namespace: '/tasks' })).rejects.toThrow('Say in setUp how the namespace /tasks')
  })

  it('may have the chat in a namespace of another name', async () => {
    const setUp: SimulateOptions['setUp'] = (roomful) => void roomful.chat(roomful.namespace('/talk'))
    for (let seed = 1; seed <= 5; seed++) expectWell(await simulate({ seed, namespace: '/talk', setUp }))
  })
})

describe('[D2] [R2] nothing lost, nothing twice, in order', () => {
  it.each(Array.from({ length: CHUNKS }, (_, chunk) => 1 + chunk * SEEDS_PER_CHUNK))(
    'in the runs from seed %i on',
    { timeout: 30_000 },
    async (from) => {
      for (let seed = from; seed < from + SEEDS_PER_CHUNK; seed++) expectWell(await simulate({ seed }))
    },
  )

  it.each(PAST)('once failed: $found', async (plan) => expectWell(await runPlan(plan, CHAT)))
})

describe('[D7] the simulator', () => {
  it('is the same run for the same seed, and another one for another', async () => {
    const story = async (seed: number): Promise<string> => (await simulate({ seed })).story()
    expect(await story(7)).toBe(await story(7))
    expect(await story(7)).not.toBe(await story(8))
  })

  it('runs the events, rooms and rules of an application, and asks what else must hold of it', async () => {
    const contract = defineContract({
      client: { 'save-task': event({ data: z.object({ board: z.string(), title: z.string() }) }) },
      server: { 'task:saved': event({ data: z.object({ title: z.string() }), durable: true }) },
    })
    let checked = 0
    const options = {
      namespace: '/tasks',
      rooms: ['board:1', 'board:2'],
      events: ['task:saved'],
      say: (board: string, title: string) => ({ event: 'save-task', data: { board, title } }),
      chatter: undefined,
    }
    for (let seed = 1; seed <= 5; seed++) {
      const run = await simulate({
        ...options,
        seed,
        setUp: (roomful) => {
          const tasks = roomful.namespace('/tasks', contract)
          tasks.room('board:*', { durable: true })
          tasks.on('save-task', (context, { board, title }) => context.append(board, 'task:saved', { title }))
        },
        check: ({ log }) => {
          checked += [...log.values()].reduce((sum, { events }) => sum + events.length, 0)
        },
      })
      expectWell(run)
    }
    expect(checked).toBeGreaterThan(50)
  })

  it('tells a failure as a story: the seed, what is wrong, the few steps that it takes, what happened', async () => {
    const broken = {
      ...CHAT,
      check: () => {
        throw new Error('There is one who has never said anything')
      },
    }
    const plan = makePlan(1, { rooms: CHAT.rooms, steps: 20 })
    const small = await shrink(plan, broken, { runs: 10 })
    expect(small.steps.length).toBeLessThan(plan.steps.length)
    const failure = describeFailure(await runPlan(small, broken))
    expect(failure).toContain('seed 1: There is one who has never said anything')
    expect(failure).toMatch(/enters lobby behind #0/)
  })
})
