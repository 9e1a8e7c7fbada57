/** The tests themselves run where the sources do: on the pinned Node, resolving packages to their sources. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('tests run on a Node that can run the sources', () => {
  expect(Number.parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(24)
})

test('a child of a test resolves a package to its source', () => {
  const script = `process.stdout.write(import.meta.resolve('@roomful/protocol'))`
  const resolved = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(resolved).toMatch(/packages\/protocol\/src\/index\.ts$/)
})

test('an import in a test resolves a package to its source', async () => {
  expect(import.meta.resolve('@roomful/protocol')).toMatch(/packages\/protocol\/src\/index\.ts$/)
  expect(await import('@roomful/protocol')).toHaveProperty('CLOSE_CODES')
})
