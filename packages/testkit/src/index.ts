/** What tests of the server, and of applications built on it, are made of. */
export { VirtualClock } from './clock.ts'
export { SeededRandom } from './random.ts'
