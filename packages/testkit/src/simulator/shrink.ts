/** Cuts a plan that fails down to what the failure needs: first large pieces, then single steps, then what each step adds. */
import type { Application } from './application.ts'
import type { Plan, Step } from './plan.ts'
import { runPlan } from './simulate.ts'

export interface ShrinkOptions {
  /** Most runs to spend on it. Default 200, which takes some seconds. */
  readonly runs?: number
}

/** @returns the smallest plan found that still breaks something; the plan itself if none does */
export async function shrink(plan: Plan, application: Application, { runs = 200 }: ShrinkOptions = {}): Promise<Plan> {
  let left = runs
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    left--
    return (await runPlan({ ...plan, steps }, application)).violations.length > 0
  }
  let steps = plan.steps
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < steps.length && left > 0; ) {
      const fewer = steps.toSpliced(at, size)
      if (await fails(fewer)) steps = fewer
      else at += size
    }
  }
  return { ...plan, steps }
}
