/** The checks that read the sources and run nothing of them; `npm test` and `npm run check` share these. */
import { globSync } from 'node:fs'
import { measureClient } from './client-size.ts'
import { root, runCommand } from './command.ts'
import { findViolations } from './floors/floors.ts'
import { floorRules } from './floors/rules.ts'
import type { Outcome, Step } from './steps.ts'

const programs = ['tsconfig.json', 'packages/*/tsconfig.json', 'apps/*/tsconfig.json', 'apps/*/web/tsconfig.json']

export const types: Step = {
  name: 'types',
  async run() {
    const found = globSync(programs, { cwd: root })
    const results = []
    for (const program of found.sort())
      results.push(await runCommand('tsc', ['--project', program, '--pretty', 'false']))
    const failures = results.filter((result) => !result.ok)
    if (failures.length === 0) return { kind: 'passed', note: `${found.length} programs` }
    return { kind: 'failed', output: failures.map((result) => result.output).join('') }
  },
}

export const lint: Step = {
  name: 'lint',
  run: () => command('biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
}

export const floors: Step = {
  name: 'floors',
  async run() {
    const { files, violations } = await findViolations(root, floorRules)
    if (violations.length === 0) return { kind: 'passed', note: `${files} files` }
    return { kind: 'failed', output: violations.map(({ file, line, text }) => `${file}:${line} ${text}`).join('\n') }
  },
}

export const clientSize: Step = {
  name: 'client size',
  async run() {
    const { bytes, limitBytes } = await measureClient(root)
    const sentence = `@roomful/client is ${bytes} bytes minified and gzipped; the limit is ${limitBytes}`
    return bytes <= limitBytes ? { kind: 'passed', note: sentence } : { kind: 'failed', output: sentence }
  },
}

/** A step that is one program: its exit code is the outcome, its words are shown when it fails. */
export async function command(program: string, args: readonly string[]): Promise<Outcome> {
  const { ok, output } = await runCommand(program, args)
  return ok ? { kind: 'passed' } : { kind: 'failed', output }
}
