/** Every message of the room vocabulary with its schema as data. Servers check against them; clients import their types. */
export * from './down.ts'
export * from './messages/check.ts'
export type { AckOf, DataOf, DownMessage, UpMessage } from './messages/define.ts'
export * from './messages/shapes.ts'
export * from './up.ts'
