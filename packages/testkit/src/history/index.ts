/**
 * Histories and what must hold for them, as `@roomful/testkit/history`: for the simulator, and for runs of your own against
 * a real server.
 */
export { type CheckOptions, HistoryCheck } from './check.ts'
export { type ClientFact, contentOf, type Fact, formatFact, type RecordedFact, type WorldFact } from './fact.ts'
export { History, type HistoryOptions } from './history.ts'
export type { LoggedEvent, LoggedRoom } from './sent.ts'
