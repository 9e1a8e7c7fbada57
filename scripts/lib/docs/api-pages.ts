/** The API reference: what each package exports, with its docstring and its signature, as Markdown. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { publicNames } from '../measure/public-names.ts'

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly id?: Node | null
  readonly name?: string
  readonly key?: Node
  readonly accessibility?: string
  readonly value?: Node | null
  readonly init?: Node | null
  readonly body?: Node | Node[] | null
  readonly declaration?: Node | null
  readonly declarations?: readonly Node[]
}

interface Source {
  readonly text: string
  readonly comments: readonly { value: string; start: number; end: number }[]
  readonly body: readonly Node[]
}

/** @returns the text of one page by the name of its package */
export function apiPages(root: string): Map<string, string> {
  const sources = new Map<string, Source>()
  const sourceOf = (file: string): Source => {
    const known = sources.get(file)
    if (known) return known
    const text = readFileSync(join(root, file), 'utf8')
    const { program, comments } = parseSync(file, text)
    const source = { text, comments, body: program.body as unknown as Node[] }
    sources.set(file, source)
    return source
  }
  const pages = new Map<string, string[]>()
  for (const { file, name } of publicNames(root)) {
    const [, packageName = ''] = /^packages\/([\w.-]+)\//.exec(file) ?? []
    const entry = describeName(sourceOf(file), name)
    if (entry === undefined) throw new Error(`${name} is exported, but not declared in ${file}`)
    const parts = pages.get(packageName) ?? []
    parts.push(`## ${name}\n\n${entry}\n\nDeclared in \`${file}\`.\n`)
    pages.set(packageName, parts)
  }
  return new Map(
    Array.from(pages, ([name, parts]) => [
      name,
      `# @roomful/${name}\n\nMade by \`npm run docs:api\` from the docstrings.\n\n${parts.join('\n')}`,
    ]),
  )
}

function describeName(source: Source, name: string): string | undefined {
  for (const statement of source.body) {
    const declared = statement.declaration ?? statement
    const found = declared.declarations
      ? declared.declarations.find(({ id }) => id?.name === name)
      : declared.id?.name === name
        ? declared
        : undefined
    if (!found) continue
    return `${docBefore(source, statement.start)}\`\`\`ts\n${signature(source, declared, found)}\n\`\`\``
  }
  return undefined
}

/** Sentences as they are, tags as a list, an example as code. */
function docBefore({ text, comments }: Source, start: number): string {
  const comment = comments.find(
    ({ value, end }) => value.startsWith('*') && end <= start && /^\s*$/.test(text.slice(end, start)),
  )
  if (!comment) return ''
  const [prose = '', ...tags] = comment.value
    .replace(/^\*/, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .trim()
    .split(/^@|(?<=\. )@/m)
  const lines = tags.map((tag) => {
    if (!tag.startsWith('example'))
      return `- **@${tag
        .trim()
        .replace(' ', '** ')
        .replaceAll(/\s*\n\s*/g, ' ')}`
    return `\n\`\`\`ts\n${tag.slice('example'.length).trim()}\n\`\`\`\n`
  })
  const readable = [prose.trim().replaceAll(/\{@link (\w+)\}/g, '`$1`'), lines.join('\n')].filter((part) => part !== '')
  return `${readable.join('\n\n')}\n\n`
}

/** What a caller sees: without bodies, private members and values. */
function signature({ text, comments }: Source, declared: Node, found: Node): string {
  if (declared.declarations) {
    const isLong = found.init && found.init.end - found.init.start > 400
    return isLong
      ? `const ${text.slice(found.start, found.init?.start)} …`
      : `const ${text.slice(found.start, found.end)}`
  }
  const { body } = declared
  if (!body || Array.isArray(body)) return text.slice(declared.start, declared.end).trim()
  if (body.type === 'ClassBody') {
    const members = (body.body as Node[]).filter(
      ({ key, accessibility }) => accessibility !== 'private' && key?.type !== 'PrivateIdentifier',
    )
    const shown = members.map((member) => {
      const doc = comments.find(
        ({ value, end }) => value.startsWith('*') && /^\s*$/.test(text.slice(end, member.start)) && end <= member.start,
      )
      const bodyOf = member.value?.body
      const end = bodyOf && !Array.isArray(bodyOf) ? bodyOf.start : (member.value?.start ?? member.end)
      const head = text.slice(member.start, end).replace(/\s*=?\s*$/, '')
      return `${doc ? `  /*${doc.value}*/\n` : ''}  ${head}`
    })
    return `${text.slice(declared.start, body.start)}{\n${shown.join('\n')}\n}`
  }
  return body.type === 'BlockStatement' || body.type === 'FunctionBody'
    ? text.slice(declared.start, body.start).trim()
    : text.slice(declared.start, declared.end)
}
