/** One thread of `npm run simulate`: runs its share of the seeds and tells what it found. */
import { parentPort, workerData } from 'node:worker_threads'
import { simulate } from '@roomful/testkit/simulator'
import { plant } from '../../packages/testkit/test/support/node-faults.ts'

export interface Job {
  readonly from: number
  readonly until: number
  readonly stride: number
  readonly steps: number
  readonly nodes: number | undefined
  /** A fault that is planted. */
  readonly fault: string | undefined
}

export interface Finding {
  readonly seed: number
  readonly violations: readonly string[]
}

const { from, until, stride, steps, nodes, fault } = workerData as Job
plant(fault)
for (let seed = from; seed < until; seed += stride) {
  const { violations, facts } = await simulate({ seed, steps, nodes })
  parentPort?.postMessage(violations.length === 0 ? { facts } : { facts, finding: { seed, violations } })
}
