/**
 * `npm run pack`: leaves a tarball of every published package in dist/tarballs, checked by publint and
 * `@arethetypeswrong/cli`. `--built` packs what was built before. `--release` also refuses placeholders in the manifests.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { command } from './lib/checks.ts'
import { root } from './lib/command.ts'
import { manifestProblems, rangeProblems } from './lib/publish/manifest.ts'
import { TEMPLATES } from './lib/publish/packages.ts'
import { type Packed, packAll } from './lib/publish/stage.ts'
import { finish, type Outcome, runSteps, type Step } from './lib/steps.ts'

process.chdir(root)
const isRelease = process.argv.includes('--release')
const tally = { passed: 0, failed: 0 }
let packed: readonly Packed[] = []

/** Hosts that are reserved for examples. */
const PLACEHOLDER = /example\.(?:org|com)/

function checkManifests(): Outcome {
  const versions = new Map(packed.map(({ name, version }) => [name, version]))
  const problems = packed.flatMap(({ manifest }) => manifestProblems(manifest, (name) => versions.get(name)))
  for (const template of TEMPLATES) {
    const manifest = JSON.parse(readFileSync(join(template, 'package.json'), 'utf8')) as Record<string, unknown>
    problems.push(...rangeProblems({ ...manifest, name: template }, (name) => versions.get(name)))
  }
  if (isRelease) {
    for (const { name, manifest } of packed) {
      if (PLACEHOLDER.test(JSON.stringify(manifest))) problems.push(`${name}: still has the address of a placeholder`)
    }
  }
  return problems.length === 0 ? { kind: 'passed' } : { kind: 'failed', output: problems.join('\n') }
}

const build: Step = { name: 'build', run: () => command('node', ['scripts/build.ts']) }
const pack: Step = {
  name: 'tarballs',
  async run() {
    packed = await packAll()
    return { kind: 'passed', note: packed.map(({ tarball }) => relative(root, tarball)).join(' ') }
  },
}

await runSteps(process.argv.includes('--built') ? [pack] : [build, pack], tally)
if (tally.failed === 0) {
  const checks = packed.flatMap(({ name, folder, tarball }): Step[] => [
    { name: `publint of ${name}`, run: () => command('publint', ['--strict', folder]) },
    // Node 22.12 and later require() ESM, so a second build for CommonJS is not needed.
    { name: `types of ${name}`, run: () => command('attw', [tarball, '--profile', 'esm-only', '--no-emoji']) },
  ])
  await runSteps([{ name: 'manifests', run: async () => checkManifests() }, ...checks], tally)
}
finish(tally)
