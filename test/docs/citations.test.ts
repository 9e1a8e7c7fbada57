/** An id or a section that a comment, a test's name or a document cites has its place in a document of the repository. */
import { globSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const all = (path: string, pattern: RegExp): string[] => Array.from(read(path).matchAll(pattern), ([, id = '']) => id)

const requirements = all('docs/requirements.md', /^\| ([A-DPR]\d+(?:\.\d+)?) \|/gm)
const places = new Set([
  ...requirements,
  ...all('SPEC.md', /^- \*\*([A-Z]\d+)\*\*/gm),
  ...all('docs/guarantees.md', /\*\*(G\d) /g),
])
const letters = new Set([...places].map((id) => id[0]))
const sections = new Set(all('PROTOCOL.md', /^## (\d+)\./gm))

const files = globSync(
  [
    '*.md',
    'docs/**/*.md',
    'packages/*/{src,test}/**/*.{ts,tsx}',
    'packages/*/README.md',
    '{apps,examples}/*/**/*.{ts,tsx,md}',
    '{bench,scripts,test}/**/*.{ts,mjs}',
  ],
  { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|findings)(\/|$)|^docs\/api/.test(path) },
)

const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm
const IN_A_TITLE = /(?<=['"`\s])\[([A-Z]\d{1,2}(?:\.\d)?)\](?=[\s'"`])/g
/** Stands alone: no part of a word, a path, an escape, a colour or a code span. */
const ID = /(?<![\w.#%/`$-])([A-Z]\d{1,2}(?:\.\d)?)(?![\w`%/-]|\.\d)/g
/** Sizes and formats that look like ids. */
const NO_IDS = new Set(['A4'])

/** What people read of a file: all of a document without its code, comments and titles of a source. */
function proseOf(path: string): string {
  const text = read(path)
  if (extname(path) === '.md') return text.replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '')
  return Array.from(text.matchAll(COMMENT), ([comment]) => comment.replaceAll(/`[^`\n]*`/g, '')).join('\n')
}

function citedIn(path: string): string[] {
  const ids = Array.from(proseOf(path).matchAll(ID), ([, id = '']) => id)
  if (extname(path) !== '.md') ids.push(...Array.from(read(path).matchAll(IN_A_TITLE), ([, id = '']) => id))
  return ids.filter((id) => letters.has(id[0]) && !NO_IDS.has(id))
}

describe('a citation', () => {
  it('is found in many files', () => {
    expect(requirements.length).toBeGreaterThan(120)
    expect(files.length).toBeGreaterThan(500)
    expect(files.filter((path) => citedIn(path).length > 0).length).toBeGreaterThan(200)
  })

  it('of an id leads to its sentence', () => {
    const lost = files.flatMap((path) =>
      citedIn(path)
        .filter((id) => !places.has(id))
        .map((id) => `${path}: ${id}`),
    )
    expect(lost).toEqual([])
  })

  it('of a section of PROTOCOL.md leads to a heading', () => {
    const lost = files.flatMap((path) =>
      Array.from(
        proseOf(path).matchAll(/PROTOCOL\.md,? (?:sections? )?(\d+(?:(?:, | and )\d+)*)/g),
        ([, list = '']) => list,
      )
        .flatMap((list) => list.match(/\d+/g) ?? [])
        .filter((section) => !sections.has(section))
        .map((section) => `${path}: PROTOCOL.md ${section}`),
    )
    expect(lost).toEqual([])
  })

  it('names no page that is not in the repository', () => {
    const lost = files.flatMap((path) =>
      (proseOf(path).match(/\b(?:DESIGN|WIRE|TARGETS|HOUSE|REQUIREMENTS)(?:\.md| \d)|\b[Dd]ocuments? 00\d/g) ?? []).map(
        (page) => `${path}: ${page}`,
      ),
    )
    expect(lost).toEqual([])
  })
})

describe('docs/requirements.md', () => {
  it('has each id once, without a hole', () => {
    expect(new Set(requirements).size).toBe(requirements.length)
    for (const [letter, last] of Object.entries({ B: 38, C: 22, D: 22, P: 15, R: 9 })) {
      const numbers = requirements.filter((id) => id.startsWith(letter)).map((id) => Number(id.slice(1)))
      expect(numbers, letter).toEqual(Array.from({ length: last }, (_, index) => index + 1))
    }
  })

  it('has a row for each letter of SPEC.md', () => {
    const ofSpec = all('SPEC.md', /^## ([A-Z]) — /gm)
    expect(all('docs/requirements.md', /^\| ([A-Z]) \| \[/gm)).toEqual(ofSpec)
  })
})
