/** What is not needed in order to connect: loaded together, once the connection is open or earlier for who needs it. */
export { answer } from './answer.ts'
export { readHistory } from './history.ts'
export { Outbox } from './outbox.ts'
