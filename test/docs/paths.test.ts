/** A path that a document names exists, a link leads somewhere, and a command is one that package.json has. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const documents = globSync(['*.md', 'llms.txt', 'docs/**/*.md', 'examples/*/*.md', 'packages/*/README.md'], {
  cwd: root,
}).filter(
  (path) => !path.startsWith('docs/api/'), // made, and not committed
)
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(root, document), 'utf8')

  it('names only files that exist', () => {
    const named = Array.from(text.matchAll(/`((?:packages|apps|scripts|test|docs|examples|bench)\/[\w./-]+)`/g))
    for (const [, path = ''] of named) expect(existsSync(join(root, path)), path).toBe(true)
    const inServer = Array.from(text.matchAll(/`((?:core|adapters|vocabulary)\/[\w./-]+)`/g))
    for (const [, path = ''] of inServer) expect(existsSync(join(root, 'packages/server/src', path)), path).toBe(true)
  })

  it('links only to what is there', () => {
    const links = Array.from(text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(#[^)\s]+)?\)/g))
    for (const [, target = '', anchor] of links) {
      const path = join(root, dirname(document), target)
      expect(existsSync(path), target).toBe(true)
      if (anchor) expect(anchorsOf(readFileSync(path, 'utf8')), `${target}${anchor}`).toContain(anchor.slice(1))
    }
  })

  it('names only commands that package.json has', () => {
    const named = Array.from(text.matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g), ([, run, own]) => run ?? own ?? '')
    for (const name of named) expect(Object.keys(scripts)).toContain(name)
  })
})

/** As the common renderers make them. */
function anchorsOf(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
