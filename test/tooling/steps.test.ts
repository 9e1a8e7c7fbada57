/** The counting behind `npm test`: a skip is named, and on CI it is a failure; a check that throws has failed. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runSteps, type Step } from '../../scripts/lib/steps.ts'

let printed: string

beforeEach(() => {
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const steps: Step[] = [
  { name: 'good', run: async () => ({ kind: 'passed', note: '3 files' }) },
  { name: 'bad', run: async () => ({ kind: 'failed', output: 'line 3 is wrong' }) },
  { name: 'broken', run: () => Promise.reject(new Error('no such program')) },
  { name: 'absent', run: async () => ({ kind: 'skipped', reason: 'no such machine' }) },
]

test.each([
  ['', { passed: 1, failed: 2 }],
  ['true', { passed: 1, failed: 3 }],
])('counts with CI=%j', async (ci, expected) => {
  vi.stubEnv('CI', ci)
  const tally = { passed: 0, failed: 0 }
  await runSteps(steps, tally)
  expect(tally).toEqual(expected)
  expect(printed).toContain('good · 3 files')
  expect(printed).toContain('line 3 is wrong')
  expect(printed).toContain('no such program')
  expect(printed).toContain('absent SKIPPED: no such machine')
})
