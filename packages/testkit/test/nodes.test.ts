/** The simulator with several nodes on one simulated Redis. `npm run simulate -- --nodes 2` runs as many seeds as you like. */
import { CHAT, describeFailure, makePlan, runPlan, type Step } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'

const NODES = [2, 3, 4] as const
const SEEDS = 10
/** What happens to the nodes and to Redis. */
const OF_NODES: ReadonlySet<Step['do']> = new Set([
  ...(['kill', 'deploy', 'power failure', 'disk stalls', 'disk is full'] as const),
  ...(['suspend', 'isolate', 'disconnect', 'lose pushes', 'promote'] as const),
])

describe('[C20] nothing lost, nothing twice, in order, on whatever node', () => {
  it.each(NODES)('of %i that all stay up', { timeout: 60_000 }, async (nodes) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const plan = makePlan(seed, { rooms: CHAT.rooms, nodes })
      const run = await runPlan({ ...plan, steps: plan.steps.filter((step) => !OF_NODES.has(step.do)) }, CHAT)
      if (run.violations.length > 0) throw new Error(describeFailure(run))
      expect(run.facts).toBeGreaterThan(50)
    }
  })

  it('is the same run for the same seed', async () => {
    const story = async (): Promise<string> =>
      (await runPlan(makePlan(3, { rooms: CHAT.rooms, nodes: 2 }), CHAT)).story()
    expect(await story()).toBe(await story())
  })
})
