/** Writes a JSON Schema the way one would say it: `{roomId: string, after?: {epoch: string (1–64), seq: integer ≥ 0}}`. */

interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** Fields beyond this width get a line each. */
const LINE_WIDTH = 100

/** @throws when the schema uses a keyword that this page has no words for: it must not be left out silently. */
export function notation(schema: object): string {
  const line = inWords(schema as Schema)
  const { properties } = schema as Schema
  if (properties === undefined || line.length <= LINE_WIDTH) return line
  return `{\n${fieldsOf(schema as Schema)
    .map((field) => `  ${field},\n`)
    .join('')}}`
}

function inWords(schema: Schema): string {
  if (schema.const !== undefined) return `'${String(schema.const)}'`
  if (schema.anyOf) return schema.anyOf.map(inWords).join(' | ')
  switch (schema.type) {
    case 'object':
      return objectInWords(schema)
    case 'array':
      return `[${inWords(schema.items ?? {})}, …]${schema.maxItems === undefined ? '' : ` (≤ ${schema.maxItems})`}`
    case 'string':
      return `string${range(schema.minLength, schema.maxLength)}`
    case 'integer':
      return `integer${range(schema.minimum, schema.maximum)}`
    case 'boolean':
      return 'boolean'
    case undefined:
      return 'any'
    default:
      throw new Error(`There is no notation for ${JSON.stringify(schema)}`)
  }
}

function objectInWords(schema: Schema): string {
  const [anyKey] = Object.values(schema.patternProperties ?? {})
  if (anyKey) return `{<name>: ${inWords(anyKey)}, …}`
  return `{${fieldsOf(schema).join(', ')}}`
}

function fieldsOf({ properties = {}, required = [] }: Schema): string[] {
  return Object.entries(properties).map(
    ([name, schema]) => `${name}${required.includes(name) ? '' : '?'}: ${inWords(schema)}`,
  )
}

function range(from: number | undefined, to: number | undefined): string {
  if (from === undefined && to === undefined) return ''
  if (to === undefined) return ` ≥ ${from}`
  return from === undefined ? ` ≤ ${to}` : ` ${from}–${to}`
}
