/** What the packages export to applications, and whether a docstring stands at its declaration. */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync } from 'oxc-parser'

export interface PublicName {
  /** Where it is declared, from the root of the repository. */
  readonly file: string
  readonly name: string
  readonly isDocumented: boolean
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

/** What a newcomer calls first: a public name, or a member of one, which may stand in an interface of the same file. */
const FIRST_MET: readonly FirstMet[] = [
  { call: 'createRoomful', name: 'createRoomful' },
  { call: 'roomful.namespace', name: 'Roomful', member: 'namespace' },
  { call: 'namespace.room', name: 'Namespace', inherits: 'NamespaceBase', member: 'room' },
  { call: 'namespace.on', name: 'Namespace', member: 'on' },
  { call: 'namespace.to', name: 'Namespace', member: 'to' },
  { call: 'namespace.emit', name: 'Namespace', member: 'emit' },
  { call: 'context.append', name: 'Context', member: 'append' },
  { call: 'namespace.publish', name: 'Namespace', member: 'publish' },
  { call: 'namespace.use', name: 'Namespace', inherits: 'NamespaceBase', member: 'use' },
  { call: 'connect', name: 'connect' },
  { call: 'client.room', name: 'Client', member: 'room' },
  { call: 'useMessages', name: 'useMessages' },
]

/** An entry for other packages of the workspace, not for applications. */
const FOR_PACKAGES = './core'

interface FirstMet {
  readonly call: string
  readonly name: string
  readonly inherits?: string
  readonly member?: string
}

/** @throws Error when one of them is not public any more */
export function firstMetWithExample(root: string): { readonly call: string; readonly hasExample: boolean }[] {
  const names = publicNames(root)
  return FIRST_MET.map(({ call, name, inherits, member }) => {
    const docstrings = names
      .filter((each) => each.name === name)
      .flatMap(({ file }) => {
        const text = readFileSync(join(root, file), 'utf8')
        const { program, comments } = parseSync(file, text)
        return program.body.flatMap((node) => {
          if (node.type !== 'ExportNamedDeclaration') return []
          if (!declaredNames(node.declaration).includes(inherits ?? name)) return []
          const starts = member === undefined ? [node.start] : memberStarts(node.declaration, member)
          return starts.map((start) => docstringBefore({ text, comments }, start))
        })
      })
    if (docstrings.length === 0) throw new Error(`${call} is not public any more`)
    return { call, hasExample: docstrings.some((docstring) => docstring?.includes('@example')) }
  })
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
    const isDocumented = docstringBefore(module, declaration.start) !== undefined
    found.set(`${file}#${name}`, { file, name, isDocumented })
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
    const entries = Object.entries(exports).filter(([name]) => name !== FOR_PACKAGES)
    return entries.flatMap(([, { source }]) => (source === undefined ? [] : [posix.join(posix.dirname(path), source)]))
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

function docstringBefore({ text, comments }: Pick<Parsed, 'text' | 'comments'>, start: number): string | undefined {
  return comments.find(
    ({ type, value, end }) => type === 'Block' && value.startsWith('*') && /^\s*$/.test(text.slice(end, start)),
  )?.value
}

/** Of an interface or a class; an overloaded member has several. */
function memberStarts(declaration: unknown, name: string): number[] {
  const { body } = declaration as { body?: { body?: readonly { start: number; key?: Named }[] } }
  return (body?.body ?? []).flatMap(({ start, key }) => (key && nameOf(key) === name ? [start] : []))
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
