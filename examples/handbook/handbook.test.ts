/** What the pages of the handbook print is what their programs print, but for numbers, ids and moments. */
import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { demos, run } from './demos.ts'

const root = new URL('../..', import.meta.url).pathname
const pages = globSync('docs/handbook/*.md', { cwd: root }).map((path) => readFileSync(root + path, 'utf8'))
const shown = new Map(
  pages.flatMap((page) =>
    Array.from(
      page.matchAll(/<!-- made: ([a-z-]+) -->\s*```text\n([\s\S]*?)\n```\s*<!-- end: \1 -->/g),
      ([, name = '', text = '']) => [name, text] as const,
    ),
  ),
)

/** Without what differs from run to run. */
function masked(text: string): string {
  return text
    .replaceAll(/[AB]\d\b/g, 'message') // who of two was first
    .replaceAll(/(?<=")(?=\w*\d)[\w-]{10,}/g, 'id')
    .replaceAll(/(?<=id: )\w+/g, 'id')
    .replaceAll(/(?!\b(?:10|40)\d\d\b)\b\d+(?:\.\d+)?/g, '0') // close codes stay
    .replaceAll(/ +/g, ' ')
}

it('shows the output of every program once', () => {
  expect([...shown.keys()].sort()).toEqual(Object.keys(demos).sort())
})

it.each(Object.entries(demos))('%s prints what the handbook says', async (name, demo) => {
  expect(masked(await run(demo))).toBe(masked(shown.get(name) ?? ''))
})
