/** A Node that is too old is said so in a sentence, by every entry, instead of a module that is missing. */
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { nodeProblem } from '../../src/version.ts'

const SENTENCE =
  /^Roomful needs Node 22\.13 or later, and this is Node 20\.1\.0\. Get a newer one from https:\/\/nodejs\.org\.$/
const PRETEND = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })",
)}`
const here = fileURLToPath(new URL('../../../testkit', import.meta.url))
const run = promisify(execFile)

/** What a program writes that believes to be on Node 20. */
async function onOldNode(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    const options = { cwd: here, timeout: 20_000 }
    return { ...(await run(process.execPath, ['--conditions=source', '--import', PRETEND, ...args], options)), code: 0 }
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number }
  }
}

describe('on a Node that is too old', () => {
  it.each([
    '@roomful/server',
    '@roomful/server/testing',
    '@roomful/documents',
    '@roomful/testkit',
    '@roomful/testkit/simulator',
  ])(
    '%s says so',
    async (entry) => {
      const { stdout } = await onOldNode(
        '--input-type=module',
        '-e',
        `import('${entry}').catch((e) => console.log(e.message))`,
      )
      expect(stdout.trim()).toMatch(SENTENCE)
    },
    30_000,
  )

  it('the command says so, and nothing else', async () => {
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const { stdout, stderr, code } = await onOldNode(cli, 'version')
    expect([stdout, stderr.trim(), code]).toEqual(['', expect.stringMatching(SENTENCE), 1])
  }, 30_000)

  it('nothing that is loaded with an entry needs a module that such a Node does not have', () => {
    const root = fileURLToPath(new URL('../../../..', import.meta.url))
    const files = globSync('packages/{server,documents,testkit}/src/**/*.ts', { cwd: root })
    const importing = files.filter((file) =>
      /^import (?!type\b).*'node:sqlite'/m.test(readFileSync(join(root, file), 'utf8')),
    )
    // A thread of its own, started later.
    expect(importing).toEqual([expect.stringMatching(/worker\.ts$/)])
  })
})

it.each([
  ['18.20.8', true],
  ['22.12.0', true],
  ['22.13.0', false],
  ['24.0.0', false],
  ['26.1.0', false],
  [undefined, false],
])('Node %s: too old is %s', (version, isTooOld) => {
  expect(nodeProblem(version) !== undefined).toBe(isTooOld && version !== undefined)
})
