/**
 * Runs the public tests around Socket.IO on `@roomful/socket.io`, and beside it on the packages that they were written for: those
 * of its server, of Engine.IO's server, of its client, and of the two protocols. The tests are fetched beforehand and stay where
 * they are; the tools that they need are installed below bench/results.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

const ROOT = resolve(import.meta.dirname, '../..')
const TOOLS = join(ROOT, 'bench/results/socketio-suites')
/** The versions with which the suites were read. */
const INSTALLED = [
  'socket.io@4.8.4',
  'engine.io@6.6.13',
  'socket.io-client@4.8.4',
  'socket.io-client-v2@npm:socket.io-client@2.5',
  'engine.io-client@6',
  'engine.io-client-v3@npm:engine.io-client@3.5',
  'mocha@11',
  'tsx@4',
  'expect.js@0.3.1',
  'supertest@7',
  'superagent@10',
  'express-session@1',
  'helmet@8',
  'base64-arraybuffer@1',
  'cookie@0.7',
  'has-cors@1',
  'text-blob-builder@0.0.1',
  '@sinonjs/fake-timers@11',
  'chai@4',
  'chai-string@1',
  'node-fetch@3',
  'ws@8',
]
/** The suite of Socket.IO's server echoes these two, which some copies of it lack. */
const FIXTURE_BYTES = 550_000
/** A loaded machine may break a test that has a window of 200 ms: what fails is asked again. */
const ATTEMPTS = 3
/** Where the servers of the protocol suites listen. */
const PROTOCOL_PORT = 31_877

interface Suite {
  /** Of a repository: the folder above the tests. */
  readonly from: string
  /** Without it, it is no such folder. */
  readonly index: string
  readonly mocha: readonly string[]
  /** What the tests' `..` is, of the official package and of ours. */
  readonly targets?: readonly [string, string]
  /** A module that stands for another one in the tests, where they import the server by its name. */
  readonly alias?: string
  /** A program of ../peers that the tests connect to, run with each of these. */
  readonly server?: readonly [string, string]
  readonly prepare?: (folder: string) => void
}

const ours = join(ROOT, 'packages/socket.io/cjs/index.cjs')
const SUITES: Readonly<Record<string, Suite>> = {
  'socket.io': {
    from: 'packages/socket.io of github.com/socketio/socket.io',
    index: 'index.ts',
    mocha: ['--import=tsx', '--timeout', '10000', 'test/index.ts'],
    targets: ['socket.io', ours],
    prepare: prepareServerSuite,
  },
  'engine.io': {
    from: 'packages/engine.io of github.com/socketio/socket.io',
    index: 'server.js',
    mocha: ['--timeout', '4000', ...['engine.io', 'middlewares', 'server'].map((name) => `test/${name}.js`)],
    targets: ['engine.io', join(ROOT, 'packages/socket.io/src/engine/index.ts')],
  },
  'socket.io-client': {
    from: 'packages/socket.io-client of github.com/socketio/socket.io',
    index: 'support/hooks.ts',
    mocha: ['--import=tsx', '--require', 'test/support/hooks.ts', '--timeout', '10000', 'test/index.ts'],
    targets: ['socket.io-client', 'socket.io-client'],
    alias: 'socket.io',
    // Some tests look into the package.
    prepare: (folder) => symlinkSync(join(TOOLS, 'node_modules/socket.io-client/build'), join(folder, 'build')),
  },
  'socket.io-protocol': {
    from: 'test-suite of github.com/socketio/socket.io-protocol',
    index: 'test-suite.js',
    mocha: ['test/test-suite.js'],
    server: ['socket.io', '@roomful/socket.io'],
    prepare: prepareProtocolSuite,
  },
  'engine.io-protocol': {
    from: 'test-suite of github.com/socketio/engine.io-protocol',
    index: 'test-suite.js',
    mocha: ['test/test-suite.js'],
    server: ['engine.io', '@roomful/socket.io/engine'],
    prepare: prepareProtocolSuite,
  },
}

export const SUITE_NAMES: readonly string[] = Object.keys(SUITES)

interface Outcome {
  readonly passed: number
  /** Why, by the name of the test. */
  readonly failed: ReadonlyMap<string, string>
}

interface Report {
  /** All, in their order. */
  readonly tests: readonly { readonly fullTitle: string }[]
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[]
}

/** @returns whether every test that passes on the official packages passes on ours */
export async function runSuite(name: string, args: readonly string[]): Promise<boolean> {
  const suite = SUITES[name] as Suite
  const { values } = parseArgs({ args: [...args], options: { suite: { type: 'string' } } })
  const tests =
    values.suite && [join(values.suite, 'test'), values.suite].find((each) => existsSync(join(each, suite.index)))
  if (!tests) {
    process.stderr.write(
      `Name the fetched tests: npm run conformance -- ${name} --suite DIR, where DIR is ${suite.from}, checked out.\n`,
    )
    return false
  }
  await installTools()
  const control = await runOn('the official packages', suite, 0, tests)
  const own = await runOn('@roomful/socket.io', suite, 1, tests)
  for (const [test, why] of control.failed) process.stdout.write(`fails on the official packages: ${test}: ${why}\n`)
  for (const [test, why] of own.failed) process.stdout.write(`fails on @roomful/socket.io: ${test}: ${why}\n`)
  return [...own.failed.keys()].every((test) => control.failed.has(test))
}

async function installTools(): Promise<void> {
  if (existsSync(join(TOOLS, 'node_modules/mocha'))) return
  mkdirSync(TOOLS, { recursive: true })
  writeFileSync(join(TOOLS, 'package.json'), '{"private":true}')
  const { code, output } = await start('npm', ['install', '--no-audit', '--no-fund', ...INSTALLED], TOOLS)
  if (code !== 0) throw new Error(`The tools of the suites could not be installed:\n${output}`)
}

async function runOn(who: string, suite: Suite, side: 0 | 1, tests: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-suite-'))
  try {
    prepare(folder, suite, side, tests)
    const passed = new Set<string>()
    let failed = new Map<string, string>()
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const report = await withServer(suite.server?.[side], () => runMocha(folder, suite.mocha))
      const names = namesIn(report)
      for (const test of report.passes) passed.add(names.get(test) as string)
      failed = new Map(
        report.failures
          .map((test) => [names.get(test) as string, (test.err.message ?? '').split('\n')[0] ?? ''] as const)
          .filter(([test]) => !passed.has(test)),
      )
      process.stdout.write(`${who}: ${passed.size} of ${passed.size + failed.size} passed\n`)
      if (failed.size === 0) break
    }
    return { passed: passed.size, failed }
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

/** The tests import `..`, so the package stands where the official one would. */
function prepare(folder: string, suite: Suite, side: 0 | 1, tests: string): void {
  const modules = join(TOOLS, 'node_modules')
  const { version } = JSON.parse(readFileSync(join(modules, 'socket.io-client/package.json'), 'utf8')) as {
    version: string
  }
  cpSync(tests, join(folder, 'test'), { recursive: true })
  symlinkSync(modules, join(folder, 'node_modules'))
  const isModule = suite.server !== undefined
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, version, ...(isModule && { type: 'module' }) }),
  )
  if (suite.targets) {
    const target = JSON.stringify(suite.targets[side])
    writeFileSync(join(folder, 'index.js'), `module.exports = require(${target})\n`)
    mkdirSync(join(folder, 'lib'))
    for (const file of ['index.js', 'typed-events.js'])
      writeFileSync(join(folder, 'lib', file), "module.exports = require('..')\n")
  }
  if (suite.alias && side === 1) {
    const server = join(folder, 'test/support/server.ts')
    writeFileSync(server, readFileSync(server, 'utf8').replace(`"${suite.alias}"`, JSON.stringify(ours)))
  }
  suite.prepare?.(folder)
}

function prepareServerSuite(folder: string): void {
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

/** The tests wait for one message and then for the next. As in browsers, two that were read together are two events. */
const BROWSER_LIKE = `globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { allowSynchronousEvents: false })
  }
}`

function prepareProtocolSuite(folder: string): void {
  const file = join(folder, 'test/test-suite.js')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/localhost:\d+/, `localhost:${PROTOCOL_PORT}`))
  const imports = join(folder, 'test/node-imports.js')
  writeFileSync(imports, readFileSync(imports, 'utf8').replace('globalThis.WebSocket = WebSocket', BROWSER_LIKE))
}

async function withServer<T>(library: string | undefined, run: () => Promise<T>): Promise<T> {
  if (library === undefined) return run()
  const program = join(import.meta.dirname, 'protocol-server.ts')
  const flags = ['--conditions=source', program, '--library', library, '--port', String(PROTOCOL_PORT)]
  const server = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(server.stdout, 'data')
    return await run()
  } finally {
    server.kill()
    await once(server, 'exit')
  }
}

async function runMocha(folder: string, args: readonly string[]): Promise<Report> {
  const mocha = join(TOOLS, 'node_modules/mocha/bin/mocha.js')
  const file = join(folder, 'report.json')
  const reporter = ['--reporter', 'json', '--reporter-option', `output=${file}`]
  const { output } = await start(process.execPath, [mocha, '--exit', ...reporter, ...args], folder)
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
