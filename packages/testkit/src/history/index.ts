/**
 * Histories and what must hold for them, as `@roomful/testkit/history`: for the simulator, and for runs of your own against
 * a real server.
 */
export { type CheckOptions, HistoryCheck, type LoggedEvent, type LoggedRoom } from './check.ts'
export { contentOf } from './content.ts'
export { type ClientFact, type Fact, type ToldFact, tell, type WorldFact } from './fact.ts'
export { History, type HistoryOptions } from './history.ts'
