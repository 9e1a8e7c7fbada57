/** `npm run floors`: names every import and global that breaks the rules of `lib/floors/rules.ts`. */
import { floors } from './lib/checks.ts'
import { finish, runSteps } from './lib/steps.ts'

const tally = { passed: 0, failed: 0 }
await runSteps([floors], tally)
finish(tally)
