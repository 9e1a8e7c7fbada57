/** The ports that others implement or drive, as `@roomful/server/ports`: types only, nothing runs on import. */
export type * from './broker.ts'
export type { Held, LeadLeases, LeadMark, WantedLead } from './leads.ts'
export type { Disconnected, NodeAnswers, NodeQuestion, NodesReached, Reached } from './nodes.ts'
export type { Clock, Random } from './system.ts'
