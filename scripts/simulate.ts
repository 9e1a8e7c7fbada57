/**
 * `npm run simulate`: many seeds on all given workers, or one seed with its story.
 *
 *   --seeds N     how many (1,000)
 *   --from N      the first one (1)
 *   --seed N      this one alone: cut down to what fails, with its story
 *   --steps N     how much happens in a run (60)
 *   --nodes N     2 to 4 nodes that share a simulated Redis (one server on a simulated disk)
 *   --plant NAME  with a fault of packages/testkit/test/support/node-faults.ts, which must be found
 *   --with NAME   chat, facts (the state of rooms, presence data, read positions) or streams (messages in pieces)
 *   --workers N   threads (2)
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type Application, describeFailure, runPlan, shrink, simulate } from '@roomful/testkit/simulator'
import { plant } from '../packages/testkit/test/support/node-faults.ts'
import { APPLICATIONS, type Finding, type Job } from './lib/simulate-worker.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '60' },
    nodes: { type: 'string' },
    plant: { type: 'string' },
    with: { type: 'string', default: 'chat' },
    workers: { type: 'string', default: '2' },
  },
})
const steps = number('steps', values.steps)
const nodes = values.nodes === undefined ? undefined : number('nodes', values.nodes)
const application = APPLICATIONS[values.with] ?? unknown(values.with)

async function one(seed: number): Promise<void> {
  plant(values.plant)
  const run = await simulate({ ...application, seed, steps, nodes })
  if (run.violations.length === 0) {
    console.log(`${run.story()}\nseed ${seed}: all is well, ${run.facts} facts`)
    return
  }
  const plan = await shrink(run.plan, application)
  console.log(describeFailure(await runPlan(plan, application)))
  process.exitCode = 1
}

async function many(from: number, seeds: number, workers: number): Promise<void> {
  const startedMs = performance.now()
  const findings: Finding[] = []
  let facts = 0
  const work = Array.from({ length: workers }, (_, index) => {
    const share = { from: from + index, until: from + seeds, stride: workers }
    const job: Job = { ...share, steps, nodes, fault: values.plant, application: values.with }
    const worker = new Worker(new URL('./lib/simulate-worker.ts', import.meta.url), { workerData: job })
    worker.on('message', ({ finding, facts: more }: { finding?: Finding; facts: number }) => {
      facts += more
      if (!finding) return
      findings.push(finding)
      console.log(`seed ${finding.seed}: ${finding.violations[0]}`)
    })
    return new Promise<void>((resolve, reject) => worker.once('error', reject).once('exit', () => resolve()))
  })
  await Promise.all(work)
  const seconds = (performance.now() - startedMs) / 1000
  const rate = Math.round((seeds / seconds) * 60)
  const outcome = findings.length === 0 ? 'all is well' : `${findings.length} with violations`
  console.log(
    `${seeds} seeds from ${from} in ${seconds.toFixed(0)} s (${rate} a minute, ${Math.round(facts / seeds)} facts each): ${outcome}`,
  )
  if (findings[0] === undefined) return
  process.exitCode = 1
  console.log(
    `npm run simulate --${values.with === 'chat' ? '' : ` --with ${values.with}`}${nodes === undefined ? '' : ` --nodes ${nodes}`} --seed ${findings[0].seed} tells its story`,
  )
}

function unknown(name: string): Application {
  console.error(`--with is ${Object.keys(APPLICATIONS).join(' or ')}, not ${name}`)
  process.exit(2)
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  console.error(`--${name} is a whole number, not ${text}`)
  process.exit(2)
}

if (values.seed !== undefined) await one(number('seed', values.seed))
else await many(number('from', values.from), number('seeds', values.seeds), number('workers', values.workers))
