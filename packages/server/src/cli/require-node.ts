/** Imported first by the command: on a Node that is too old, prints a sentence and exits. */
import { nodeProblem } from '../version.ts'

const problem = nodeProblem()
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`)
  process.exit(1)
}
