/** `npm run check`: everything that can be said about the sources without running them, and about the packages made of them. */
import { join } from 'node:path'
import { clientSize, command, floors, lint, types } from './lib/checks.ts'
import { root, runCommand } from './lib/command.ts'
import { PUBLISHED, packageName } from './lib/publish/packages.ts'
import { unreachableTypes } from './lib/published-types.ts'
import { finish, runSteps, type Step } from './lib/steps.ts'

const deadCode: Step = { name: 'dead code', run: () => command('knip', ['--no-progress']) }

const build: Step = { name: 'build', run: () => command('node', ['scripts/build.ts']) }

const packageExports: readonly Step[] = PUBLISHED.map((name) => ({
  name: `package exports of ${packageName(name)}`,
  run: () => command('publint', ['--strict', `packages/${name}`]),
}))

/** What npm would publish loads in plain Node, without the workspace's own export condition. */
const builtPackages: readonly Step[] = PUBLISHED.filter((name) => name !== 'create-roomful').map((name) => ({
  name: `built ${packageName(name)} loads`,
  run: () => command('node', ['--input-type=module', '--eval', `await import('${packageName(name)}')`]),
}))

const publishedTypes: readonly Step[] = PUBLISHED.map((name) => ({
  name: `types of ${packageName(name)} come with it`,
  async run() {
    const problems = unreachableTypes(join(root, `packages/${name}`))
    return problems.length === 0 ? { kind: 'passed' } : { kind: 'failed', output: problems.join('\n') }
  },
}))

const audit: Step = {
  name: 'audit',
  async run() {
    const { ok, output } = await runCommand('npm', ['audit', '--audit-level=moderate', '--json'])
    if (ok) return { kind: 'passed' }
    if (output.includes('"auditReportVersion"')) return { kind: 'failed', output }
    const [, status] = /"statusCode": (\d+)/.exec(output) ?? []
    return { kind: 'skipped', reason: `the registry offers none (HTTP status ${status ?? 'unknown'})` }
  },
}

process.chdir(root)
const tally = { passed: 0, failed: 0 }
await runSteps(
  [types, lint, floors, deadCode, build, ...packageExports, ...builtPackages, ...publishedTypes, clientSize, audit],
  tally,
)
finish(tally)
