/** Imported first by the entries of the package: throws on a Node that is too old. */
import { nodeProblem } from './version.ts'

const problem = nodeProblem()
if (problem !== undefined) throw new Error(problem)
