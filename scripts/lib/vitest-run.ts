/** Runs the test projects inside this process and counts what came of every test, so that nothing has to be read back from output. */
import { parseCLI, startVitest, type TestModule } from 'vitest/node'
import { onCI, say, type Tally } from './steps.ts'

/** @param args what a person would write after `vitest run`: file filters, `-t`, `--project` … */
export async function runTests(projects: readonly string[], args: readonly string[], tally: Tally): Promise<void> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args])
  const byName = options.testNamePattern !== undefined
  const vitest = await startVitest('test', filter, { project: [...projects], ...options, run: true, watch: false })
  const modules = vitest.state.getTestModules()
  for (const module of modules) countModule(module, byName, tally)
  const unhandled = vitest.state.getUnhandledErrors().length
  if (unhandled > 0) {
    tally.failed += unhandled
    say(` ✗ ${unhandled} unhandled ${unhandled === 1 ? 'error' : 'errors'} outside of any test`)
  }
  const found = new Set(modules.map((module) => module.project.name))
  const empty = args.length === 0 ? projects.filter((name) => !found.has(name)) : found.size === 0 ? projects : []
  if (empty.length > 0) {
    tally.failed += 1
    say(` ✗ no test file was found in ${empty.join(', ')}`)
  }
  await vitest.close()
}

function countModule(module: TestModule, byName: boolean, tally: Tally): void {
  let failed = 0
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    const name = `${module.relativeModuleId} > ${test.fullName}`
    if (state === 'passed') tally.passed += 1
    else if (state === 'failed') failed += 1
    else if (state === 'pending') {
      failed += 1
      say(` ✗ ${name} never finished`)
    } else if (!byName) {
      if (onCI()) failed += 1
      say(` ${onCI() ? '✗' : '-'} ${name} SKIPPED: marked so in the test`)
    }
  }
  // A file that broke before or around its tests has failed even when no single test has.
  if (failed === 0 && !module.ok()) {
    failed = 1
    say(` ✗ ${module.relativeModuleId} failed outside of its tests`)
  }
  tally.failed += failed
}
