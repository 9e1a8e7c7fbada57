/** What is on the site and where it stands in the menu. A page that no group names fails the build. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiPages } from '../docs/api-pages.ts'

export interface Page {
  /** Path of its Markdown in the repository; of a made page, where it would be. */
  readonly source: string
  readonly title: string
  readonly markdown: string
}

export interface Group {
  readonly name: string
  readonly pages: readonly Page[]
}

/** In this order. A pattern takes the pages that no group names in full, so a new guide needs no line here. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Start: ['README.md', 'docs/install.md', 'docs/event-in-five-minutes.md'],
  Guides: [
    'docs/sdk.md',
    'docs/react.md',
    'docs/react-native.md',
    'docs/embedding.md',
    'docs/frameworks.md',
    'docs/identity.md',
    'docs/documents.md',
    'docs/http-api.md',
    'docs/testing.md',
    'docs/commons.md',
    'docs/*.md',
  ],
  'Moving here': ['docs/socket-io.md', 'docs/nestjs.md', 'docs/from-*.md'],
  Operating: [
    'docs/settings.md',
    'docs/guarantees.md',
    'docs/troubleshooting.md',
    'docs/scaling.md',
    'docs/backup.md',
    'docs/measurements.md',
    'SECURITY.md',
  ],
  Handbook: ['docs/handbook/README.md', 'docs/handbook/*.md'],
  Reference: ['PROTOCOL.md', 'SPEC.md', 'packages/*/README.md'],
  API: ['docs/api/*.md'],
  Project: [
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'CODE_OF_CONDUCT.md',
    'docs/requirements.md',
    'docs/writing.md',
    'docs/releasing.md',
    'docs/decisions/README.md',
    'docs/decisions/*.md',
    '{test,examples}/**/README.md',
  ],
}

/** @throws when a page of `docs` or of the root is in no group */
export function readGroups(root: string): Group[] {
  const made = new Map<string, string>([
    ...Array.from(apiPages(root), ([name, text]) => [`docs/api/${name}.md`, text] as const),
    ['docs/decisions/README.md', decisionList(root)],
  ])
  const named = new Set(Object.values(GROUPS).flat())
  const taken = new Set<string>()
  const groups = Object.entries(GROUPS).map(([name, patterns]) => {
    const sources = patterns.flatMap((pattern) =>
      [
        ...globSync(pattern, { cwd: root, exclude: (path) => path.includes('node_modules') }).sort(),
        ...[...made.keys()].filter((path) => path === pattern || matches(path, pattern)),
      ].filter((source) => source === pattern || !named.has(source)),
    )
    const fresh = sources.filter((source) => !taken.has(source) && taken.add(source))
    return { name, pages: fresh.map((source) => readPage(root, source, made.get(source))) }
  })
  const all = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  const lost = all.filter((source) => !taken.has(source))
  if (lost.length > 0) throw new Error(`In no group of scripts/lib/site/pages.ts: ${lost.join(', ')}`)
  return groups
}

/** Of `docs/api/*.md`, for pages that are not files. */
function matches(path: string, pattern: string): boolean {
  return pattern.endsWith('/*.md') && path.slice(0, path.lastIndexOf('/')) === pattern.slice(0, -'/*.md'.length)
}

function readPage(root: string, source: string, made: string | undefined): Page {
  const markdown = made ?? readFileSync(join(root, source), 'utf8')
  const [, title = source] = /^# (.+)$/m.exec(markdown) ?? []
  return { source, title: title.replaceAll('`', ''), markdown }
}

function decisionList(root: string): string {
  const lines = globSync('docs/decisions/*.md', { cwd: root })
    .sort()
    .map((source) => {
      const name = source.slice('docs/decisions/'.length)
      const { title } = readPage(root, source, undefined)
      return `- [${title}](${name})`
    })
  return `# Decisions\n\nContext, choice and cost of what others will ask about.\n\n${lines.join('\n')}\n`
}
