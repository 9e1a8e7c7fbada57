/**
 * `npm run chaos`: rounds of each fault against a real server, and a table.
 *
 *   --rounds N    of each fault (5)
 *   --faults a,b  of kill, term, reset, blackhole, slow (all)
 *   --calm N      messages between two rounds (150)
 *   --clients N   of each kind (2)
 */
import { parseArgs } from 'node:util'
import { type Outcome, runChaos } from './chaos.ts'
import { FAULTS, type Fault } from './faults.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    faults: { type: 'string', default: FAULTS.join() },
    calm: { type: 'string', default: '150' },
    clients: { type: 'string', default: '2' },
  },
})
const faults = values.faults.split(',')
const unknown = faults.filter((name) => !(FAULTS as readonly string[]).includes(name))
if (unknown.length > 0) {
  console.error(`There is no fault ${unknown.join(', ')}; there are ${FAULTS.join(', ')}`)
  process.exit(2)
}

const COLUMNS = ['faults', 'rounds', 'acknowledged', 'stored', 'heard', 'gaps', 'violations', 'seconds']
console.log(`| ${COLUMNS.join(' | ')} |\n|${'---|'.repeat(COLUMNS.length)}`)
for (const fault of faults as Fault[]) {
  const { violations, story, seconds, ...outcome }: Outcome = await runChaos({
    faults: [fault],
    rounds: Number(values.rounds),
    calm: Number(values.calm),
    perKind: Number(values.clients),
  })
  console.log(`| ${[...Object.values(outcome), violations.length, seconds.toFixed(0)].join(' | ')} |`)
  if (violations.length === 0) continue
  process.exitCode = 1
  console.log(`${violations.join('\n')}\n${story}`)
}
