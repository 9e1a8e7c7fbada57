/**
 * Plain English: words that strangers stumble over become fewer. Each part has a recorded maximum, which may only go
 * down: lower the number here when you rewrite a text, so that the words do not come back.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname

/** docs/writing.md says what to write instead. */
const WORDS = /(?<![\w-])(?:nobody|whoever|somebody|told|heard|anew|him|his|the house|in one breath)(?![\w-])/gi

const MAXIMA: Readonly<Record<string, number>> = {
  'packages/client/src': 0,
  'packages/create-roomful/src': 0,
  'packages/documents/src': 0,
  'packages/nestjs/src': 0,
  'packages/opentelemetry/src': 0,
  'packages/protocol/src': 0,
  'packages/react/src': 0,
  'packages/roomful/src': 0,
  'packages/socket.io/src': 0,
  'packages/solid/src': 0,
  'packages/svelte/src': 0,
  'packages/vue/src': 0,
  'packages/server/src': 8,
  'packages/testkit/src': 0,
  apps: 0,
  docs: 0,
  '*.md': 0,
}

const SKIPPED = /(^|\/)(node_modules|dist|static)(\/|$)|^docs\/(?:writing\.md|api\/)/

/** A code of the HTTP API, not a word. */
const CODE = 'TOLD'

function wordsIn(text: string): number {
  return (text.match(WORDS) ?? []).filter((word) => word !== CODE).length
}

function countIn(part: string): Map<string, number> {
  const files = globSync(part.includes('*') ? part : `${part}/**/*.{ts,tsx,md,css,html}`, { cwd: root })
  return new Map(
    files
      .filter((path) => !SKIPPED.test(path))
      .map((path) => [path, wordsIn(readFileSync(join(root, path), 'utf8'))] as const)
      .filter(([, count]) => count > 0),
  )
}

describe('words to leave behind', () => {
  it('are counted in every part', () => {
    const parts = globSync('packages/*/src', { cwd: root }).sort()
    expect(Object.keys(MAXIMA).sort()).toEqual([...parts, 'apps', 'docs', '*.md'].sort())
  })

  it.each(Object.entries(MAXIMA))('%s has at most %i', (part, maximum) => {
    const counts = countIn(part)
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    const worst = [...counts].sort(([, a], [, b]) => b - a).slice(0, 5)
    const places = worst.map(([path, count]) => `${path} ${count}`).join(', ')
    expect(total, `write it plainly; most are in ${places}`).toBeLessThanOrEqual(maximum)
  })
})
