/**
 * `npm test`: types, lint, floors and the client's size, then every test project. With arguments
 * (`npm test -- commit`, `npm test -- -t A1.3`) only the tests that they name.
 */
import { clientSize, floors, lint, types } from './lib/checks.ts'
import { count, finish, runSteps, say } from './lib/steps.ts'
import { provide, systemParts } from './lib/system-parts.ts'
import { runTests } from './lib/vitest-run.ts'

const args = process.argv.slice(2)
const tally = { passed: 0, failed: 0 }
const projects = new Set(['packages', 'outside', 'nginx', 'nodes', 'install', 'python', 'browser'])

// What a test starts with `node` runs the sources too.
process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, '--conditions=source'].filter(Boolean).join(' ')

if (args.length === 0) await runSteps([types, lint, floors, clientSize], tally)
else say('Only the named tests are run; types, lint, floors and client size are not.')

for (const part of systemParts) {
  const missing = await provide(part)
  if (missing === undefined) continue
  projects.delete(part.project)
  count(`${part.project} tests`, { kind: 'skipped', reason: missing }, tally)
}

try {
  await runTests([...projects], args, tally)
} catch (error) {
  count(
    'tests',
    { kind: 'failed', output: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    tally,
  )
}
finish(tally)
