/**
 * The test projects, one after another: `packages` is quick; `outside` starts real servers, `nginx` that program before
 * one, `nodes` several on one Redis; `install` installs what npm would publish; `browser` also starts Chromium and has the
 * machine to itself. Two workers, because two cores are what everyone is sure to have.
 */
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/**
 * `import` is always among them; named here, Node would also take it for what a CommonJS package requires. Without `module`,
 * which is for bundlers: Node does not find what those files import in `@opentelemetry/api`.
 */
const conditions = ['source', 'node']

interface ProjectOptions {
  readonly order: number
  readonly include: string[]
  readonly exclude?: string[]
  readonly maxWorkers: number
  /** Threads begin faster, processes can do everything that a process does. Default processes. */
  readonly pool?: 'threads'
  /** For one test and for one hook. */
  readonly timeoutMs: number
  /** What its files share, opened for the first of them. */
  readonly globalSetup?: string
}

function project(
  name: string,
  { order, include, exclude = [], maxWorkers, pool, timeoutMs, globalSetup }: ProjectOptions,
): TestProjectInlineConfiguration {
  return {
    // Of gateways of NestJS.
    oxc: { decorator: { legacy: true } },
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: ['source'] } },
    test: {
      name,
      include,
      exclude: [...configDefaults.exclude, ...exclude],
      maxWorkers,
      pool: pool ?? 'forks',
      sequence: { groupOrder: order },
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      ...(globalSetup !== undefined && { globalSetup }),
      // `eventsource-parser` names its TypeScript `source` too, which Node does not read there.
      server: { deps: { inline: [/\/node_modules\/(ai|@ai-sdk\/[^/]+|eventsource-parser)\//] } },
      // What a test starts with `process.execPath` resolves the workspace as the test does.
      env: { NODE_OPTIONS: '--conditions=source' },
    },
  }
}

export default defineConfig({
  test: {
    projects: [
      project('packages', {
        order: 0,
        include: [
          'packages/*/{src,test}/**/*.test.{ts,tsx}',
          'apps/*/{features,server,test}/**/*.test.ts',
          'examples/**/*.test.ts',
          'test/{tooling,docs}/**/*.test.ts',
        ],
        exclude: ['packages/{server,documents,socket.io}/test/redis/**'],
        maxWorkers: 2,
        pool: 'threads',
        timeoutMs: 10_000,
      }),
      project('outside', { order: 1, include: ['test/outside/**/*.test.ts'], maxWorkers: 2, timeoutMs: 30_000 }),
      project('nginx', { order: 2, include: ['test/nginx/**/*.test.ts'], maxWorkers: 1, timeoutMs: 30_000 }),
      project('nodes', {
        order: 2,
        include: ['test/nodes/**/*.test.ts', 'packages/{server,documents,socket.io}/test/redis/**/*.test.ts'],
        maxWorkers: 1,
        timeoutMs: 60_000,
      }),
      project('install', {
        order: 2,
        include: ['test/install/**/*.test.ts'],
        // They have nothing but what takes longer.
        exclude: process.env.INSTALL === 'all' ? [] : ['test/install/{ecosystem,react-native}.test.ts'],
        maxWorkers: 1,
        timeoutMs: 120_000,
        globalSetup: 'test/install/lib/packed.ts',
      }),
      project('python', { order: 2, include: ['test/python/**/*.test.ts'], maxWorkers: 1, timeoutMs: 30_000 }),
      project('browser', {
        order: 3,
        include: ['test/browser/**/*.test.ts'],
        maxWorkers: 1,
        timeoutMs: 60_000,
        globalSetup: 'test/browser/lib/shared-servers.ts',
      }),
    ],
  },
})
