/**
 * The simulator, as `@roomful/testkit/simulator`: a server, its disk and clients on networks that fail, decided by a seed.
 */
export { type Application, CHAT, type Outcome } from './application.ts'
export type { ClientEnd, Host, SimulatedLink } from './link.ts'
export { type NetworkOptions, SimulatedNetwork } from './network.ts'
export { type ClientPlan, makePlan, type Plan, type PlanOptions, type Step } from './plan.ts'
export { describeFailure } from './report.ts'
export { shrink } from './shrink.ts'
export { type Run, runPlan, type SimulateOptions, simulate } from './simulate.ts'
