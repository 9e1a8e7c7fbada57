/** The test projects: `packages` is quick and parallel; `outside` and `browser` start real servers and take turns. */
import { defineConfig } from 'vitest/config'

const conditions = ['source', 'module', 'node', 'import', 'default']
const resolve = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: ['source'] } } }

/** Children that a test starts with `process.execPath` resolve the workspace as the test does. */
const env = { NODE_OPTIONS: '--conditions=source' }

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        ...resolve,
        test: {
          name: 'packages',
          include: [
            'packages/*/{src,test}/**/*.test.ts',
            'apps/*/{src,test}/**/*.test.ts',
            'test/tooling/**/*.test.ts',
          ],
          env,
        },
      },
      {
        ...resolve,
        test: {
          name: 'outside',
          include: ['test/outside/**/*.test.ts'],
          env,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...resolve,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          env,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
