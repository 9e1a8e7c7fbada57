/** Holds the sources against the rules of `rules.ts`: imports point down only, the core touches no machine, nothing runs in circles. */
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { findCycles } from './cycles.ts'
import { coreOrder, type FloorRule, withoutTypeCircles } from './rules.ts'
import { type ImportFact, readFacts, type SourceFacts } from './source-file.ts'

export interface Violation {
  readonly file: string
  readonly line: number
  readonly text: string
}

export interface Findings {
  /** How many files were held against the rules. */
  readonly files: number
  readonly violations: readonly Violation[]
}

const sources = ['packages/*/src/**/*.{ts,tsx}', 'apps/**/*.{ts,tsx}', 'examples/**/*.{ts,tsx}', 'bench/**/*.{ts,tsx}']
const notSources = ['**/*.test.{ts,tsx}', 'apps/*/test/**', '**/node_modules/**', '**/dist/**']

export async function findViolations(root: string, rules: readonly FloorRule[]): Promise<Findings> {
  const files = globSync(sources, { cwd: root, exclude: notSources })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
  const facts = new Map<string, SourceFacts>()
  for (const file of files) facts.set(file, readFacts(file, await readFile(join(root, file), 'utf8')))
  const entries = await packageEntries(root)
  const violations: Violation[] = []
  for (const [file, { imports, globals }] of facts) {
    const rule = rules.find(({ folder, ending = '' }) => placeIn(folder, file) !== undefined && file.endsWith(ending))
    if (rule === undefined) {
      violations.push({ file, line: 1, text: 'stands on no floor: give its folder a rule' })
      continue
    }
    for (const fact of imports) {
      const text = importProblem(file, fact, rule, entries)
      if (text !== undefined) violations.push({ file, line: fact.line, text })
    }
    for (const { name, line } of globals) {
      const instead = rule.bannedGlobals?.[name]
      if (instead !== undefined) violations.push({ file, line, text: `${rule.name} may not use ${name}: ${instead}` })
    }
  }
  violations.push(...orderViolations(facts), ...cycleViolations(facts, entries))
  return { files: files.length, violations }
}

function importProblem(file: string, fact: ImportFact, rule: FloorRule, entries: Entries): string | undefined {
  const { specifier } = fact
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), specifier)
    const home = placeIn(rule.folder, file)
    if (packageOf(target) !== packageOf(file)) return `reaches out of its package to ${target}: use a public entry`
    if (home !== undefined && target.startsWith(`${home}/`)) return undefined
    if (rule.mayImport.some((allowed) => allowed.endsWith('/') && target.startsWith(allowed))) return undefined
    return `${rule.name} may not import ${target}`
  }
  if (specifier.startsWith('@roomful/') && !entries.has(specifier))
    return `${specifier} is no public entry of its package`
  const allowed = [...rule.mayImport, ...(fact.typeOnly ? (rule.mayImportTypes ?? []) : [])]
  if (allowed.some((pattern) => packageMatches(pattern, specifier))) return undefined
  const onlyTypes = rule.mayImportTypes?.some((pattern) => packageMatches(pattern, specifier))
  return `${rule.name} may ${onlyTypes ? 'only import types of' : 'not import'} ${specifier}`
}

/** Imports of the core that point from a lower folder to a higher one. */
function orderViolations(facts: ReadonlyMap<string, SourceFacts>): Violation[] {
  const { folder, order } = coreOrder
  const floorOf = (file: string): number => {
    const floor = order.findIndex((name) => file.startsWith(`${folder}/${name}/`))
    return floor < 0 ? order.length : floor
  }
  const violations: Violation[] = []
  for (const [file, { imports }] of facts) {
    if (!file.startsWith(`${folder}/`)) continue
    for (const { specifier, line } of imports) {
      const target = posix.join(posix.dirname(file), specifier)
      if (!specifier.startsWith('.') || !target.startsWith(`${folder}/`)) continue
      if (floorOf(target) > floorOf(file))
        violations.push({ file, line, text: `imports upwards within the core: ${target}` })
    }
  }
  return violations
}

/** What runs counts everywhere, `import type` only in the folders that have no circles of types; lazy imports close none. */
function cycleViolations(facts: ReadonlyMap<string, SourceFacts>, entries: Entries): Violation[] {
  const target = (file: string, { specifier }: ImportFact) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : entries.get(specifier)
  const home = (file: string) => withoutTypeCircles.find((folder) => file.startsWith(`${folder}/`))
  const counts = (file: string, fact: ImportFact): boolean => {
    if (fact.dynamic) return false
    if (!fact.typeOnly) return true
    const folder = home(file)
    return folder !== undefined && home(target(file, fact) ?? '') === folder
  }
  const graph = new Map<string, string[]>()
  for (const [file, { imports }] of facts) {
    const targets = imports.filter((fact) => counts(file, fact)).map((fact) => target(file, fact))
    graph.set(
      file,
      targets.filter((path) => path !== undefined),
    )
  }
  return findCycles(graph).map((cycle) => {
    const [file = '', next] = cycle
    const fact = facts
      .get(file)
      ?.imports.find((candidate) => counts(file, candidate) && target(file, candidate) === next)
    return { file, line: fact?.line ?? 1, text: `imports in a circle: ${cycle.join(' → ')}` }
  })
}

/** Every public entry of our packages, as it is written in an import, with the source behind it. */
type Entries = ReadonlyMap<string, string>

/** What an entry stands for; one that `require` gets another file of has conditions below `import`. */
interface Target {
  readonly source?: string
  readonly import?: { readonly source?: string }
}

async function packageEntries(root: string): Promise<Entries> {
  const entries = new Map<string, string>()
  for (const path of globSync('packages/*/package.json', { cwd: root })) {
    const { name, exports } = JSON.parse(await readFile(join(root, path), 'utf8'))
    for (const [entry, target] of Object.entries<Target>(exports)) {
      const source = target.source ?? target.import?.source
      if (source === undefined) continue
      entries.set(posix.join(name, entry), posix.join(posix.dirname(path.replaceAll('\\', '/')), source))
    }
  }
  return entries
}

/** The folder that the pattern means for this file, when the file is inside it: `apps/*` is `apps/commons` for one of its files. */
function placeIn(pattern: string, file: string): string | undefined {
  const wanted = pattern.split('/')
  const found = file.split('/').slice(0, wanted.length)
  const inside = file.split('/').length > wanted.length
  return inside && wanted.every((part, at) => part === '*' || part === found[at]) ? found.join('/') : undefined
}

/** `packages/server`, `apps/commons`, `examples/x`; what has no package of its own (`bench`) is one by its first folder. */
function packageOf(path: string): string {
  const [area = '', name = ''] = path.split('/')
  return ['packages', 'apps', 'examples'].includes(area) ? `${area}/${name}` : 'the root'
}

function packageMatches(pattern: string, specifier: string): boolean {
  if (pattern === 'npm:*') return !/^(node:|@roomful\/|#)/.test(specifier)
  return pattern.endsWith('*') ? specifier.startsWith(pattern.slice(0, -1)) : specifier === pattern
}
