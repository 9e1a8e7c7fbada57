/** The floors check is proven able to fail: each rule is broken on purpose in a small copy of the house. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findViolations } from '../../scripts/lib/floors/floors.ts'
import { coreOrder, floorRules } from '../../scripts/lib/floors/rules.ts'

let house: string

beforeEach(async () => {
  house = await mkdtemp(join(tmpdir(), 'floors-'))
  for (const [name, entries] of Object.entries({ protocol: ['.', './messages'], server: ['.'], client: ['.'] })) {
    const exports = Object.fromEntries(
      entries.map((entry) => [entry, { source: `./src/${entry === '.' ? 'index' : entry}.ts` }]),
    )
    await put(`packages/${name}/package.json`, JSON.stringify({ name: `@roomful/${name}`, exports }))
  }
})

afterEach(() => rm(house, { recursive: true }))

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(house, file)), { recursive: true })
  await writeFile(join(house, file), text)
}

async function problems(): Promise<string[]> {
  const { violations } = await findViolations(house, floorRules)
  return violations.map(({ file, line, text }) => `${file}:${line} ${text}`)
}

const core = 'packages/server/src/core/state/namespace-state.ts'

test.each([
  ['core importing Node', core, `import { readFile } from 'node:fs'`, 'may not import node:fs'],
  ['core importing a type of Node', core, `import type { Server } from 'node:http'`, 'may not import node:http'],
  ['core naming a type of a package inline', core, `let socket: import('ws').WebSocket`, 'may not import ws'],
  ['core importing a package lazily', core, `const ws = await import('ws')`, 'may not import ws'],
  [
    'core reaching up',
    core,
    `export * from '../../adapters/auth/jwt.ts'`,
    'may not import packages/server/src/adapters/auth/jwt.ts',
  ],
  [
    'core reaching over',
    core,
    `export { x } from '../../config/settings.ts'`,
    'may not import packages/server/src/config/settings.ts',
  ],
  ['core reading the environment', core, `const port = process.env.PORT`, 'may not use process'],
  ['core reading the clock', core, `const now = Date.now()`, 'may not use Date.now'],
  ['core reading the clock by a string', core, `const now = Date['now']()`, 'may not use Date.now'],
  ['core reading the clock through an object', core, `const now = new Date()`, 'may not use new Date()'],
  ['core setting a timer', core, `setTimeout(() => {}, 1)`, 'may not use setTimeout'],
  ['core setting a timer globally', core, `globalThis.setTimeout(() => {}, 1)`, 'may not use setTimeout'],
  ['core handing a timer on', core, `start({ setTimeout })`, 'may not use setTimeout'],
  ['core drawing lots', core, `const lot = Math.random()`, 'may not use Math.random'],
  [
    'protocol importing the server',
    'packages/protocol/src/a.ts',
    `import '@roomful/server'`,
    'may not import @roomful/server',
  ],
  ['client importing Node', 'packages/client/src/a.ts', `import 'node:events'`, 'may not import node:events'],
  [
    'client bundling the schemas',
    'packages/client/src/a.ts',
    `import { up } from '@roomful/protocol/messages'`,
    'may only import types of @roomful/protocol/messages',
  ],
  [
    'adapter importing another family',
    'packages/server/src/adapters/auth/jwt.ts',
    `import { http } from '../http/router.ts'`,
    'may not import packages/server/src/adapters/http/router.ts',
  ],
  [
    'broker importing the other broker',
    'packages/server/src/adapters/brokers/local/log.ts',
    `import { script } from '../redis/script.ts'`,
    'may not import packages/server/src/adapters/brokers/redis/script.ts',
  ],
  ['application reaching inside', 'apps/commons/main.ts', `import '@roomful/server/src/hub.ts'`, 'is no public entry'],
  [
    'application climbing out',
    'apps/commons/main.ts',
    `import '../../../packages/server/src/index.ts'`,
    'reaches out of its package',
  ],
  ['a file on no floor', 'packages/attic/src/a.ts', 'export {}', 'stands on no floor'],
])('tells of %s', async (_name, file, line, expected) => {
  await put(file, `/** Why. */\n\n${line}\n`)
  const found = await problems()
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(expected)
  expect(found[0]).toContain(file === 'packages/attic/src/a.ts' ? `${file}:1 ` : `${file}:3 `)
})

test('tells of an import circle once', async () => {
  const folder = 'packages/server/src/core'
  await put(`${folder}/a.ts`, `import { b } from './b.ts'\nexport const a = () => b`)
  await put(`${folder}/b.ts`, `\nexport { a as b } from './a.ts'`)
  expect(await problems()).toEqual([
    `${folder}/a.ts:1 imports in a circle: ${folder}/a.ts → ${folder}/b.ts → ${folder}/a.ts`,
  ])
})

test.each(['packages/server/src/core', 'packages/client/src', 'packages/protocol/src'])(
  'tells of a circle of types in %s',
  async (folder) => {
    await put(`${folder}/c.ts`, `import { d } from './d.ts'\nexport type C = typeof d`)
    await put(`${folder}/d.ts`, `\nimport type { C } from './c.ts'\nexport const d = (c: C) => c`)
    expect(await problems()).toEqual([
      `${folder}/c.ts:1 imports in a circle: ${folder}/c.ts → ${folder}/d.ts → ${folder}/c.ts`,
    ])
  },
)

test('allows a circle of types elsewhere', async () => {
  const folder = 'packages/server/src/adapters/auth'
  await put(`${folder}/c.ts`, `import type { D } from './d.ts'\nexport type C = D`)
  await put(`${folder}/d.ts`, `import type { C } from './c.ts'\nexport type D = C`)
  expect(await problems()).toEqual([])
})

const floorsOfCore = [...coreOrder.order.map((name) => `${name}/`), '']

test.each(floorsOfCore.slice(1).map((higher, below) => [floorsOfCore[below], higher || 'the top', higher]))(
  'tells of an import from %s of the core up to %s, types included, and of none down',
  async (lower, _name, higher) => {
    const [low, high] = [`${coreOrder.folder}/${lower}low.ts`, `${coreOrder.folder}/${higher}high.ts`]
    const up = higher === '' ? '../high.ts' : `../${higher}high.ts`
    await put(low, `\nimport type { High } from '${up}'\nexport type Low = High`)
    await put(high, `export type High = 1`)
    expect(await problems()).toEqual([`${low}:2 imports upwards within the core: ${high}`])
    await put(low, 'export type Low = 1')
    await put(high, `import type { Low } from '${higher === '' ? './' : '../'}${lower}low.ts'\nexport type High = Low`)
    expect(await problems()).toEqual([])
  },
)

test('lets a clean house stand', async () => {
  await put(
    core,
    `import { LIMITS } from '@roomful/protocol'
     import { up } from '@roomful/protocol/messages'
     import type { StandardSchemaV1 } from '@standard-schema/spec'
     import { emit } from './emit.ts'
     // process.env, Date.now() and setTimeout in a comment
     export const text = 'Math.random()'
     export function later(clock: { setTimeout(): void; process: number }) { clock.setTimeout(); return clock.process }
     export const at = (ms: number) => new Date(ms)`,
  )
  await put('packages/server/src/core/requests/emit.ts', 'export const emit = 1')
  await put(
    'packages/server/src/adapters/http/router.ts',
    `import 'node:http'\nimport 'ws'\nimport '../../core/requests/emit.ts'\nimport './origin.ts'`,
  )
  await put('packages/server/src/adapters/transports/origin.ts', 'export {}')
  await put(
    'packages/server/src/index.ts',
    `export * from './core/requests/emit.ts'\nexport * from './adapters/http/router.ts'`,
  )
  await put('packages/client/src/index.ts', `import type { Up } from '@roomful/protocol/messages'\nexport type { Up }`)
  await put('apps/commons/main.ts', `import '@roomful/server'\nimport 'zod'\nimport 'node:http'`)
  expect(await problems()).toEqual([])
})

test('refuses to vouch for a file that does not parse', async () => {
  await put(core, 'export const = 1')
  await expect(problems()).rejects.toThrow(`${core} does not parse`)
})
