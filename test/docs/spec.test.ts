/** SPEC.md binds prose to tests: every rule is shown by one or says that none shows it, and everything that can grow is in its inventory. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const spec = read('SPEC.md')

interface Rule {
  readonly id: string
  readonly text: string
  /** Tests that it names: a path, and the part of a title unless the id is in the title. */
  readonly tests: readonly { readonly path: string; readonly title: string }[]
}

const rules: Rule[] = Array.from(
  spec.matchAll(/^- \*\*([A-Z]\d+)\*\* ([\s\S]*?) → ([\s\S]*?)(?=\n(?:-|\n|$))/gm),
  ([, id = '', text = '', shown = '']) => ({
    id,
    text,
    tests: Array.from(shown.replaceAll(/\s+/g, ' ').matchAll(/`([^`]+)`(?: “([^”]*)”)?/g), ([, path = '', title]) => ({
      path,
      title: title ?? `[${id}]`,
    })),
  }),
)

/** Titles stand in their file as literals, some with escaped quotes. */
const literals = (path: string): string => read(path).replaceAll(/\\(['"`])/g, '$1')

describe('the rules', () => {
  it('are numbered once each, without a hole', () => {
    expect(rules.length).toBeGreaterThan(60)
    expect(rules.length).toBe(spec.match(/^- \*\*[A-Z]\d+\*\*/gm)?.length)
    const ids = rules.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) if (!id.endsWith('1') || id.length > 2) expect(ids).toContain(before(id))
  })

  it.each(rules.filter(({ tests }) => tests.length > 0))('$id is shown by the tests that it names', ({ tests }) => {
    for (const { path, title } of tests) {
      expect(existsSync(join(root, path)), path).toBe(true)
      expect(literals(path).includes(title), `a test with ${title} in ${path}`).toBe(true)
    }
  })

  it('that no test shows say so, and none says so that a test cites', () => {
    const cited = new Set(
      globSync(['packages/*/{src,test}/**/*.ts', 'test/**/*.test.ts', 'apps/*/test/**/*.ts'], { cwd: root }).flatMap(
        (path) => Array.from(read(path).matchAll(/^\s*(?:it|test)\b.*?['"`]\[([A-Z]\d+)\]/gm), ([, id]) => id),
      ),
    )
    const unshown = rules.filter(({ tests }) => tests.length === 0).map(({ id }) => id)
    const saysSo = (id: string): boolean => new RegExp(`\\*\\*${id}\\*\\*[^→]*→ \\*no test yet\\*`).test(spec)
    expect(unshown.filter((id) => !saysSo(id))).toEqual([])
    expect(
      unshown.filter((id) => cited.has(id)),
      'name the tests that cite these rules in SPEC.md',
    ).toEqual([])
  })
})

function before(id: string): string {
  return `${id[0]}${Number(id.slice(1)) - 1}`
}

/** Folders of sources in the inventory, and how their paths begin there. */
const FOLDERS = [
  ['packages/server/src/', ''],
  ['packages/documents/src/', 'documents/'],
  ['packages/socket.io/src/', 'socket.io/'],
] as const

/** Sources by the path that the inventory gives them. */
const sources = new Map(
  FOLDERS.flatMap(([folder, prefix]) =>
    globSync(`${folder}**/*.ts`, { cwd: root }).map(
      (path) => [prefix + path.slice(folder.length), read(path)] as const,
    ),
  ),
)

describe('the inventory', () => {
  const rows = spec.split('\n').filter((line) => line.startsWith('| `'))
  const timers = spec.slice(spec.indexOf('| timer |')).split('\n')

  it('names every field that can hold more than one', () => {
    const missing = [...sources]
      .filter(([path]) => !path.startsWith('config/'))
      .flatMap(([path, source]) => fieldsOf(source).map((field) => ({ path, field })))
      .filter(({ path, field }) => !rows.some((row) => row.includes(`\`${path}\``) && row.includes(`\`${field}\``)))
      .map(({ path, field }) => `${path} ${field}`)
    expect(missing, 'add a row with its bound, and what happens at it, to the inventory in SPEC.md').toEqual([])
  })

  it('names every file that sets a timer', () => {
    const missing = [...sources]
      // Examples in comments set none.
      .map(([path, source]) => [path, source.replaceAll(/\/\*[\s\S]*?\*\//g, '')] as const)
      .filter(([, source]) => /\btimers\.add\(|\bclock\.after\(|(?<!\.)\bset(?:Timeout|Interval)\(/.test(source))
      .map(([path]) => path)
      .filter((path) => path !== 'core/base/timer-wheel.ts' && path !== 'adapters/system/clock-and-random.ts')
      .filter((path) => !timers.some((row) => row.includes(`\`${path}\``)))
    expect(missing, 'add a row to the timers in SPEC.md').toEqual([])
  })

  it('names a test for every outcome with a code', () => {
    for (const row of rows) {
      const [where = '', , , outcome = '', shown = ''] = row.slice(2, -2).split(' | ')
      const [, path] = /^`([^`]+)`$/.exec(shown) ?? []
      if (path !== undefined) expect(existsSync(join(root, path)), path).toBe(true)
      else if (/`[A-Z_]{4,}`|\b(?:4008|1008|1013|413)\b/.test(outcome)) expect(shown, where).toBe('*no test yet*')
    }
  })

  it('names nothing that is gone', () => {
    for (const row of rows) {
      const [where = ''] = row.split(' | ')
      const [path = '', ...fields] = Array.from(where.matchAll(/`([^`]+)`/g), ([, name]) => name as string)
      const source = sources.get(path) ?? ''
      expect(source, path).not.toBe('')
      for (const field of fields) expect(source, `${path} ${field}`).toMatch(new RegExp(`\\b${field}\\b`))
    }
  })
})

/** Fields of classes and variables of modules that begin as an empty map, set or list. */
function fieldsOf(source: string): string[] {
  const declaration =
    /^(?: {2}(?:(?:private|protected|public|readonly|static) )*|(?:export )?(?:const|let) )(\w+)\b.*? = (?:new (?:Map|Set|WeakMap|WeakSet)\b.*\(\)|\[\])$/gm
  return Array.from(source.matchAll(declaration), ([, name]) => name as string).filter(
    (name) => !/^(const|let|[A-Z_]+)$/.test(name),
  )
}
