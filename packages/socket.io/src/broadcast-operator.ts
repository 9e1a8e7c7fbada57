/** Where tools that replace methods of Socket.IO's classes look for this one, below `dist`. */
export { BroadcastOperator } from './operators.ts'
