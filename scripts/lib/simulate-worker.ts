/** One thread of `npm run simulate`: runs its share of the seeds and tells what it found. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { type Application, CHAT, FACTS, STREAMS, simulate } from '@roomful/testkit/simulator'
import { plant } from '../../packages/testkit/test/support/node-faults.ts'

/** What can be simulated, by name. */
export const APPLICATIONS: Readonly<Record<string, Application>> = { chat: CHAT, facts: FACTS, streams: STREAMS }

export interface Job {
  readonly from: number
  readonly until: number
  readonly stride: number
  readonly steps: number
  readonly nodes: number | undefined
  /** A fault that is planted. */
  readonly fault: string | undefined
  /** Of {@link APPLICATIONS}. */
  readonly application: string
}

export interface Finding {
  readonly seed: number
  readonly violations: readonly string[]
}

async function run({ from, until, stride, steps, nodes, fault, application }: Job): Promise<void> {
  plant(fault)
  for (let seed = from; seed < until; seed += stride) {
    const { violations, facts } = await simulate({ ...APPLICATIONS[application], seed, steps, nodes })
    parentPort?.postMessage(violations.length === 0 ? { facts } : { facts, finding: { seed, violations } })
  }
}

if (!isMainThread) await run(workerData as Job)
