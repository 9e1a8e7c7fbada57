/** What the packages export to applications, and whether a docstring stands at its declaration. */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync } from 'oxc-parser'

export interface PublicName {
  /** Where it is declared, from the root of the repository. */
  readonly file: string
  readonly name: string
  readonly isDocumented: boolean
  readonly hasExample: boolean
}

interface Declaration {
  readonly start: number
  /** Set when the name comes from another file. */
  readonly from?: string
  readonly original: string
}

interface Parsed {
  readonly text: string
  readonly comments: readonly { type: string; value: string; start: number; end: number }[]
  readonly names: ReadonlyMap<string, Declaration>
  readonly all: readonly string[]
}

/** Every name of every public entry once, types included. */
export function publicNames(root: string): PublicName[] {
  const cache = new Map<string, Parsed>()
  const parsed = (file: string) => {
    const known = cache.get(file) ?? parse(file, readFileSync(join(root, file), 'utf8'))
    cache.set(file, known)
    return known
  }
  const found = new Map<string, PublicName>()
  const follow = (file: string, name: string): void => {
    const module = parsed(file)
    const declaration = module.names.get(name)
    if (declaration?.from) return follow(declaration.from, declaration.original)
    if (declaration === undefined) {
      const source = module.all.find((target) => namesOf(target).includes(name))
      return source === undefined ? undefined : follow(source, name)
    }
    const comment = module.comments.find(
      ({ type, value, end }) =>
        type === 'Block' && value.startsWith('*') && /^\s*$/.test(module.text.slice(end, declaration.start)),
    )
    const isDocumented = comment !== undefined
    const hasExample = comment?.value.includes('@example') ?? false
    found.set(`${file}#${name}`, { file, name, isDocumented, hasExample })
  }
  const namesOf = (file: string): string[] => {
    const { names, all } = parsed(file)
    return [...names.keys(), ...all.flatMap(namesOf)]
  }
  for (const entry of entries(root)) for (const name of namesOf(entry)) follow(entry, name)
  return [...found.values()].sort((a, b) => a.file.localeCompare(b.file) || a.name.localeCompare(b.name))
}

function entries(root: string): string[] {
  return globSync('packages/*/package.json', { cwd: root }).flatMap((path) => {
    const { exports } = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
      exports: Record<string, { source?: string }>
    }
    return Object.values(exports).flatMap(({ source }) =>
      source === undefined ? [] : [posix.join(posix.dirname(path), source)],
    )
  })
}

function parse(file: string, text: string): Parsed {
  const { program, comments } = parseSync(file, text)
  const names = new Map<string, Declaration>()
  const all: string[] = []
  const imported = new Map<string, Declaration>()
  const target = (specifier: string) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined
  for (const node of program.body) {
    if (node.type === 'ImportDeclaration') {
      const from = target(node.source.value)
      for (const each of node.specifiers) {
        if (each.type !== 'ImportSpecifier' || from === undefined) continue
        imported.set(each.local.name, { start: 0, from, original: nameOf(each.imported) })
      }
    } else if (node.type === 'ExportAllDeclaration') {
      const from = target(node.source.value)
      if (from !== undefined) all.push(from)
    } else if (node.type === 'ExportNamedDeclaration') {
      const from = node.source ? target(node.source.value) : undefined
      if (node.source && from === undefined) continue // another package documents it
      for (const each of node.specifiers) {
        const original = nameOf(each.local)
        const known = from === undefined ? imported.get(original) : undefined
        names.set(nameOf(each.exported), known ?? { start: node.start, ...(from && { from }), original })
      }
      for (const name of declaredNames(node.declaration)) names.set(name, { start: node.start, original: name })
    }
  }
  return { text, comments, names, all }
}

type Named = { type: string; name?: unknown; value?: unknown }

function nameOf(node: Named): string {
  return String(node.name ?? node.value)
}

function declaredNames(declaration: unknown): string[] {
  const node = declaration as {
    id?: Named | null
    declarations?: readonly { id: Named }[]
  } | null
  if (!node) return []
  if (node.declarations) return node.declarations.map(({ id }) => nameOf(id))
  return node.id ? [nameOf(node.id)] : []
}
