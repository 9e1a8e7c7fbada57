/** What docs/testing.md shows is what runs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/lib/command.ts'

const SOURCES = ['packages/testkit/test/documented.test.ts', 'packages/react/test/test-server.test.tsx']
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const blocks = [...read('docs/testing.md').matchAll(/```tsx?\n([\s\S]*?)```/g)].map(([, code = '']) => code.trim())

describe('the code of docs/testing.md', () => {
  const sources = SOURCES.map(read).join('\n')

  it('is there', () => expect(blocks.length).toBeGreaterThanOrEqual(4))

  it.each(blocks)('is part of a test: %s', (code) => {
    for (const part of code.split('\n\n\n')) expect(sources).toContain(part)
  })
})
