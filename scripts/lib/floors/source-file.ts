/** Reads one TypeScript file and tells what it imports and which globals it touches, each with its line. */
import { parseSync } from 'oxc-parser'

export interface ImportFact {
  readonly specifier: string
  readonly line: number
  /** Erased before it runs: `import type`, `export type … from`, `import('…').T` in a type. */
  readonly typeOnly: boolean
  /** Loaded when asked for, and so no part of an import cycle. */
  readonly dynamic: boolean
}

export interface GlobalFact {
  /** `name`, `object.member` or `new Date()` */
  readonly name: string
  readonly line: number
}

export interface SourceFacts {
  readonly imports: readonly ImportFact[]
  readonly globals: readonly GlobalFact[]
}

type Node = { readonly type: string; readonly start: number } & Record<string, unknown>

/** @throws when the file does not parse: a floor cannot vouch for what it cannot read. */
export function readFacts(file: string, text: string): SourceFacts {
  const { program, errors } = parseSync(file, text)
  const [error] = errors
  if (error) throw new Error(`${file} does not parse: ${error.message}`)
  const imports: ImportFact[] = []
  const globals: GlobalFact[] = []
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length

  const visit = (node: Node, parent: Node | undefined, role: string) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) {
      imports.push({
        specifier,
        line: lineOf(node),
        typeOnly: node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type',
        dynamic: node.type === 'ImportExpression',
      })
    }
    const name = globalName(node, parent, role)
    if (name !== undefined) globals.push({ name, line: lineOf(node) })
    for (const [key, child] of Object.entries(node)) {
      for (const item of Array.isArray(child) ? child : [child]) if (isNode(item)) visit(item, node, key)
    }
  }
  visit(program as unknown as Node, undefined, '')
  return { imports, globals }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return isNode(node.source) && typeof node.source.value === 'string' ? node.source.value : undefined
    default:
      return undefined
  }
}

/** `a.b` and `globalThis.a` count by their names, a bare `a` where it is read; keys, declarations and types do not. */
function globalName(node: Node, parent: Node | undefined, role: string): string | undefined {
  if (node.type === 'MemberExpression' && isNode(node.object) && isNode(node.property)) {
    if (node.object.type !== 'Identifier') return undefined
    const member = node.computed === true ? node.property.value : node.property.name
    return node.object.name === 'globalThis' ? String(member) : `${String(node.object.name)}.${String(member)}`
  }
  if (node.type === 'NewExpression' && isNode(node.callee) && node.callee.name === 'Date') {
    return Array.isArray(node.arguments) && node.arguments.length === 0 ? 'new Date()' : undefined
  }
  if (node.type !== 'Identifier' || parent === undefined || typeof node.name !== 'string') return undefined
  const isName =
    (role === 'property' && parent.type === 'MemberExpression' && parent.computed !== true) ||
    (role === 'key' && parent.computed !== true) ||
    role === 'id' ||
    role === 'params' ||
    role === 'label' ||
    parent.type.startsWith('TS') ||
    parent.type.startsWith('Import') ||
    parent.type.startsWith('Export')
  return isName ? undefined : node.name
}
