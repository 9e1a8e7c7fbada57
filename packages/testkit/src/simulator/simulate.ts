/** Runs of the simulator: one seed is one run. A run that fails is cut down and described. D7. */
import '@roomful/client/eager' // no virtual time passes while a file is loaded
import { type Application, CHAT } from './application.ts'
import { describeStep, makePlan, type Plan, type Step } from './plan.ts'
import { World } from './world.ts'

export interface SimulateOptions extends Partial<Application> {
  readonly seed: number
  /** How much happens. Default 60 steps. */
  readonly steps?: number
  /** 2 to 4 nodes that share a simulated Redis; without it one server on a simulated disk. */
  readonly nodes?: number | undefined
}

export interface Run {
  readonly plan: Plan
  /** Violated guarantees; empty when all is well. */
  readonly violations: readonly string[]
  /** What happened, a line each. */
  readonly story: (lines?: number) => string
  /** Number of recorded facts: a run in which nothing happens proves nothing. */
  readonly facts: number
}

/** Runs one seed. The same seed and application give the same run, everywhere. */
export async function simulate({ seed, steps, nodes, ...application }: SimulateOptions): Promise<Run> {
  const whole: Application = { ...defaultsFor(application), ...application }
  const { rooms, extras } = whole
  return runPlan(makePlan(seed, { rooms, steps, nodes, ...extras }), whole)
}

/**
 * Fills what is left out from the built-in chat. An application with messages of its own does not send chat messages too,
 * and the chat's own check runs only with the chat's set-up.
 * @throws TypeError for a namespace that nothing declares
 */
function defaultsFor({ setUp, say, namespace = CHAT.namespace }: Partial<Application>): Application {
  if (!setUp && namespace !== CHAT.namespace) {
    throw new TypeError(`Say in setUp how the namespace ${namespace} is declared`)
  }
  const { rooms, events } = CHAT
  const own = setUp ? { ...CHAT, check: undefined } : CHAT
  return say ? { namespace, rooms, events, setUp: CHAT.setUp, say } : own
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

export interface ShrinkOptions {
  /** Most runs to spend on it. Default 200, which takes some seconds. */
  readonly runs?: number
}

/**
 * Cuts a failing plan down to the steps that the failure needs: first in large pieces, then step by step.
 * @returns the smallest plan found that still breaks the same; the plan itself if nothing breaks
 */
export async function shrink(plan: Plan, application: Application, { runs = 200 }: ShrinkOptions = {}): Promise<Plan> {
  let left = runs
  let wanted: string | undefined
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    left--
    const [problem] = (await runPlan({ ...plan, steps }, application)).violations
    return problem !== undefined && kindOf(problem, plan) === wanted
  }
  let steps = plan.steps
  const [problem] = (await runPlan(plan, application)).violations
  if (problem === undefined) return plan
  wanted = kindOf(problem, plan)
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < steps.length && left > 0; ) {
      const fewer = steps.toSpliced(at, size)
      if (await fails(fewer)) steps = fewer
      else at += size
    }
  }
  return { ...plan, steps }
}

/** A problem without who it was, where, and which number. */
function kindOf(problem: string, { clients, rooms }: Plan): string {
  const names = new Set([...rooms, ...clients.flatMap(({ name, user }) => [name, user])])
  const words = problem.split(/[^\w-]+/).filter((word) => !names.has(word) && !/\d/.test(word))
  return words.filter((word) => word !== '').join(' ')
}

/** Lines of the story that are shown: the end of it. */
const STORY_LINES = 120

/**
 * A failure as a person reads it: the problem, how to repeat it, its steps, and what happened.
 * @param run of the plan as it was cut down
 */
export function describeFailure({ plan, violations, story }: Run): string {
  const { seed, nodes, settings, retention, networkMs, diskMs, tokenMs, clients } = plan
  return [
    `seed ${seed}: ${violations.join('\n  ')}`,
    `clients: ${clients.map(({ name, user, kind }) => `${name} (${kind}, user ${user})`).join(', ')}`,
    `settings: ${JSON.stringify({ nodes, ...settings, retention, networkMs, diskMs, tokenMs })}`,
    `steps:\n${plan.steps.map((step) => `  ${describeStep(plan, step)}`).join('\n')}`,
    `what happened:\n${story(STORY_LINES)}`,
  ].join('\n')
}
