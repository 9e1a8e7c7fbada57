/** The simulator's front door: one seed, one run, and its story if something was wrong. D7. */
import '@roomful/client/eager' // no virtual time passes while a file is loaded
import { type Application, CHAT } from './application.ts'
import { makePlan, type Plan } from './plan.ts'
import { World } from './world.ts'

export interface SimulateOptions extends Partial<Application> {
  readonly seed: number
  /** How much happens. Default 60 steps. */
  readonly steps?: number
}

export interface Run {
  readonly plan: Plan
  /** What must not be and was; nothing when all is well. */
  readonly violations: readonly string[]
  /** What happened, a line each. */
  readonly story: (lines?: number) => string
  /** What went on: a run in which nothing happens proves nothing. */
  readonly facts: number
}

/** Runs one seed. The same seed and application give the same run, everywhere. */
export async function simulate({ seed, steps, ...application }: SimulateOptions): Promise<Run> {
  const whole: Application = { ...defaultsFor(application), ...application }
  return runPlan(makePlan(seed, { rooms: whole.rooms, steps }), whole)
}

/**
 * The house's chat in whatever is left out. An application that speaks for itself is not made to speak as one does in the
 * chat as well; and what must hold of the chat's own rooms holds where its own set-up runs.
 * @throws TypeError for a namespace that nothing declares
 */
function defaultsFor({ setUp, say, namespace = CHAT.namespace }: Partial<Application>): Application {
  if (!setUp && namespace !== CHAT.namespace) {
    throw new TypeError(`Say in setUp how the namespace ${namespace} is declared`)
  }
  const { rooms, hears } = CHAT
  const own = setUp ? { ...CHAT, check: undefined } : CHAT
  return say ? { namespace, rooms, hears, setUp: CHAT.setUp, say } : own
}

/** Runs a plan that was made, or cut down, before. */
export async function runPlan(plan: Plan, application: Application): Promise<Run> {
  const world = new World(plan, application)
  try {
    await world.run()
  } catch (error) {
    world.history.violate(`the run ended with ${error instanceof Error ? error.stack : String(error)}`)
  } finally {
    world.close()
  }
  const { history } = world
  return { plan, violations: history.violations, story: (lines) => history.story(lines), facts: history.facts.length }
}
