/** Imported first by the command, for its effect: says so on a Node that is too old, and ends the process. */
import { nodeProblem } from '../version.ts'

const problem = nodeProblem()
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`)
  process.exit(1)
}
