/** The set-up that every command begins with: it installs when, and only when, what is installed is not what is locked. */
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const setup = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url))
const locked = {
  '': { name: 'house' },
  'node_modules/ws': { version: '8.0.0', integrity: 'sha512-a' },
  'node_modules/for-another-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
}
const installed = { 'node_modules/ws': locked['node_modules/ws'] }

let checkout: string

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'setup-'))
  await mkdir(join(checkout, 'scripts'))
  await mkdir(join(checkout, 'bin'))
  await cp(setup, join(checkout, 'scripts/setup.mjs'))
  await put('package-lock.json', { packages: locked })
  await npmThatExits(0)
})

afterEach(() => rm(checkout, { recursive: true }))

async function put(file: string, content: unknown): Promise<void> {
  await mkdir(join(checkout, file, '..'), { recursive: true })
  await writeFile(join(checkout, file), JSON.stringify(content))
}

/** A stand-in for npm that notes how it was called. */
function npmThatExits(code: number): Promise<void> {
  const script = `#!/bin/sh\nprintf '%s' "$1" > '${join(checkout, 'called')}'\nexit ${code}\n`
  return writeFile(join(checkout, 'bin/npm'), script, { mode: 0o755 })
}

async function runSetup() {
  const env = { ...process.env, PATH: `${join(checkout, 'bin')}:${process.env.PATH}` }
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, 'scripts/setup.mjs')], {
    env,
    encoding: 'utf8',
  })
  const npm = await readFile(join(checkout, 'called'), 'utf8').catch(() => 'not called')
  return { status, stderr, npm }
}

test('a fresh checkout is installed from the lockfile', async () => {
  expect(await runSetup()).toMatchObject({ status: 0, npm: 'ci' })
})

test('what is installed as locked is left alone, silently', async () => {
  await put('node_modules/.package-lock.json', { packages: installed })
  expect(await runSetup()).toEqual({ status: 0, stderr: '', npm: 'not called' })
})

test.each([
  ['another version', { 'node_modules/ws': { version: '7.0.0', integrity: 'sha512-a' } }],
  ['other bytes', { 'node_modules/ws': { version: '8.0.0', integrity: 'sha512-z' } }],
  ['one too few', {}],
])('%s is installed again', async (_name, packages) => {
  await put('node_modules/.package-lock.json', { packages })
  expect(await runSetup()).toMatchObject({ status: 0, npm: 'ci' })
})

test('an installation that fails stops the command with a sentence', async () => {
  await npmThatExits(7)
  expect(await runSetup()).toMatchObject({ status: 1, stderr: expect.stringContaining('npm ci failed (exit code 7)') })
})
