/**
 * Runs the tests of Socket.IO's own server on `@roomful/socket.io`, and beside it on the server that they were written for.
 * The tests are fetched beforehand and stay where they are; the tools that they need are installed below bench/results.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

const ROOT = resolve(import.meta.dirname, '../..')
const TOOLS = join(ROOT, 'bench/results/socketio-suite')
/** The versions with which the suite was read. */
const INSTALLED = [
  'socket.io@4.8.4',
  'engine.io@6.6.13',
  'socket.io-client@4.8.4',
  'socket.io-client-v2@npm:socket.io-client@2.5',
  'mocha@10',
  'tsx@4',
  'expect.js@0.3.1',
  'supertest@7',
  'superagent@10',
]
const WITHOUT_SUITE =
  'Name the fetched tests: npm run conformance -- socket.io --suite DIR, where DIR is packages/socket.io of a checkout of ' +
  'github.com/socketio/socket.io, or its folder test.'
/** The suite echoes these two, which some copies of it lack. */
const FIXTURE_BYTES = 550_000
/** A loaded machine may break a test that has a window of 200 ms: what fails is asked again. */
const ATTEMPTS = 3

interface Outcome {
  readonly passed: readonly string[]
  /** Why, by the name of the test. */
  readonly failed: ReadonlyMap<string, string>
}

interface Report {
  /** All, in their order. */
  readonly tests: readonly { readonly fullTitle: string }[]
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[]
}

/** @returns whether every test that passes on Socket.IO's own server passes on ours */
export async function runSuite(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({ args: [...args], options: { suite: { type: 'string' } } })
  const tests =
    values.suite && [join(values.suite, 'test'), values.suite].find((each) => existsSync(join(each, 'index.ts')))
  if (!tests) {
    process.stderr.write(`${WITHOUT_SUITE}\n`)
    return false
  }
  await installTools()
  const control = await runOn('socket.io', 'socket.io', tests)
  const ours = await runOn('@roomful/socket.io', join(ROOT, 'packages/socket.io/cjs/index.cjs'), tests)
  for (const [name, why] of control.failed) process.stdout.write(`fails on socket.io itself: ${name}: ${why}\n`)
  for (const [name, why] of ours.failed) process.stdout.write(`fails on @roomful/socket.io: ${name}: ${why}\n`)
  return [...ours.failed.keys()].every((name) => control.failed.has(name))
}

async function installTools(): Promise<void> {
  if (existsSync(join(TOOLS, 'node_modules/mocha'))) return
  mkdirSync(TOOLS, { recursive: true })
  writeFileSync(join(TOOLS, 'package.json'), '{"private":true}')
  const { code, output } = await start('npm', ['install', '--no-audit', '--no-fund', ...INSTALLED], TOOLS)
  if (code !== 0) throw new Error(`The tools of the suite could not be installed:\n${output}`)
}

async function runOn(name: string, target: string, tests: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-suite-'))
  try {
    prepare(folder, target, tests)
    const passed = new Set<string>()
    let failed = new Map<string, string>()
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const report = await runMocha(folder)
      const names = namesIn(report)
      for (const test of report.passes) passed.add(names.get(test) as string)
      failed = new Map(
        report.failures
          .map((test) => [names.get(test) as string, (test.err.message ?? '').split('\n')[0] ?? ''] as const)
          .filter(([test]) => !passed.has(test)),
      )
      process.stdout.write(`${name}: ${passed.size} of ${passed.size + failed.size} passed\n`)
      if (failed.size === 0) break
    }
    return { passed: [...passed], failed }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Some tests have the same title. */
function namesIn({ tests, passes, failures }: Report): Map<object, string> {
  const counts = new Map<string, number>()
  const names = new Map<object, string>()
  const results = [...passes, ...failures]
  for (const { fullTitle } of tests) {
    const count = (counts.get(fullTitle) ?? 0) + 1
    counts.set(fullTitle, count)
    const result = results.find((each) => each.fullTitle === fullTitle && !names.has(each))
    if (result) names.set(result, count === 1 ? fullTitle : `${fullTitle} (${count})`)
  }
  return names
}

/** The tests import `..`, so the server stands where Socket.IO's own would. */
function prepare(folder: string, target: string, tests: string): void {
  const modules = join(TOOLS, 'node_modules')
  const { version } = JSON.parse(readFileSync(join(modules, 'socket.io-client/package.json'), 'utf8')) as {
    version: string
  }
  cpSync(tests, join(folder, 'test'), { recursive: true })
  symlinkSync(modules, join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, version }))
  writeFileSync(join(folder, 'index.js'), `module.exports = require(${JSON.stringify(target)})\n`)
  mkdirSync(join(folder, 'lib'))
  for (const file of ['index.js', 'typed-events.js'])
    writeFileSync(join(folder, 'lib', file), "module.exports = require('..')\n")
  const index = join(folder, 'test/index.ts')
  // Of another HTTP server, which is not installed.
  writeFileSync(index, readFileSync(index, 'utf8').replace(/.*uws.*\n/g, ''))
  const fixtures = join(folder, 'test/fixtures')
  mkdirSync(fixtures, { recursive: true })
  const rows = Array.from({ length: FIXTURE_BYTES / 60 }, (_, id) => ({
    id,
    name: `row ${id}`,
    tags: ['some', 'tags'],
  }))
  if (!existsSync(join(fixtures, 'big.json'))) writeFileSync(join(fixtures, 'big.json'), JSON.stringify(rows))
  if (!existsSync(join(fixtures, 'big.jpg'))) writeFileSync(join(fixtures, 'big.jpg'), randomBytes(FIXTURE_BYTES))
}

async function runMocha(folder: string): Promise<Report> {
  const mocha = join(TOOLS, 'node_modules/.bin/mocha')
  const file = join(folder, 'report.json')
  const reporter = ['--reporter', 'json', '--reporter-option', `output=${file}`]
  const { output } = await start(
    mocha,
    ['--import=tsx', '--timeout', '10000', '--exit', ...reporter, 'test/index.ts'],
    folder,
  )
  if (!existsSync(file)) throw new Error(`The suite did not run:\n${output}`)
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  rmSync(file)
  return report
}

async function start(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, NODE_OPTIONS: '--conditions=source' }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise<number | null>((done) => child.once('close', done))
  const parts = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await closed, output: parts.join('') }
}
