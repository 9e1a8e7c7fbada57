/**
 * The simulator, as `@roomful/testkit/simulator`: a server, its disk and clients on networks that fail, decided by a seed.
 */
export { type Application, CHAT, type Outcome } from './application.ts'
export { FACTS } from './facts/facts.ts'
export { STREAMS } from './facts/streams.ts'
export type { ClientEnd, Host, SimulatedLink } from './link.ts'
export { type NetworkOptions, SimulatedNetwork } from './network.ts'
export { type ClientPlan, makePlan, type Plan, type PlanOptions, type Step } from './plan.ts'
export { describeFailure, type Run, runPlan, type SimulateOptions, shrink, simulate } from './simulate.ts'
