/** What scripts in Redis may use: of Lua's own libraries, `cjson`, `cmsgpack`, `struct`, and `redis`. */
import { Buffer } from 'node:buffer'
import { fromBytes, toBytes } from './bytes.ts'
import { patternOf } from './patterns.ts'
import { LuaTable, Values } from './table.ts'

/** What the translated code needs of its language. */
const language = {
  make: (list?: unknown[], fields?: readonly (readonly [unknown, unknown])[]): LuaTable => {
    const made = new LuaTable(list)
    if (fields) for (const [key, value] of fields) made.set(key, value)
    return made
  },
  get: (table: unknown, key: unknown): unknown => {
    if (table instanceof LuaTable) return table.get(key)
    throw new Error(`attempt to index ${table === undefined ? 'nil' : typeof table} for ${String(key)}`)
  },
  set: (table: unknown, key: unknown, value: unknown): void => {
    if (!(table instanceof LuaTable)) throw new Error(`attempt to set ${String(key)} of what is no table`)
    table.set(key, value)
  },
  values: (all: unknown[]): unknown => (all.length === 1 ? all[0] : new Values(all)),
  first: (value: unknown): unknown => (value instanceof Values ? value.all[0] : value),
  spread: (value: unknown): readonly unknown[] => (value instanceof Values ? value.all : [value]),
  holds: (value: unknown): boolean => value !== undefined && value !== false,
  length: (value: unknown): number => (value instanceof LuaTable ? value.list.length : (value as string).length),
  concat: (a: unknown, b: unknown): string => {
    if (a === undefined || b === undefined || typeof a === 'boolean' || typeof b === 'boolean')
      throw new Error('attempt to concatenate a nil or boolean value')
    return `${a}${b}`
  },
  add: (a: unknown, b: unknown): number => Number(a) + Number(b),
  modulo: (a: unknown, b: unknown): number => {
    const by = Number(b)
    return Number(a) - Math.floor(Number(a) / by) * by
  },
}

function tonumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isNaN(number) ? undefined : number
}

const basics = {
  tonumber,
  tostring: (value: unknown): string => (value === undefined ? 'nil' : String(value)),
  type: (value: unknown): string => {
    if (value === undefined) return 'nil'
    return value instanceof LuaTable ? 'table' : typeof value
  },
  pairs: (table: LuaTable) => table.entries(),
  ipairs: (table: LuaTable) => table.items(),
  unpack: (table: LuaTable, from = 1, to = table.list.length): Values => new Values(table.list.slice(from - 1, to)),
}

function groups(match: RegExpExecArray): unknown {
  return match.length === 1 ? match[0] : language.values(match.slice(1))
}

const string = {
  sub: (text: string, from: number, to = -1): string => {
    const start = from < 0 ? Math.max(0, text.length + from) : Math.max(0, from - 1)
    return text.slice(start, to < 0 ? text.length + to + 1 : to)
  },
  format: (form: string, ...values: unknown[]): string => {
    let next = 0
    return form.replace(/%(?:\.(\d+))?(0\d)?([fxsd%])/g, (_, digits, width, kind) => {
      if (kind === '%') return '%'
      const value = values[next++]
      if (kind === 'f') return Number(value).toFixed(Number(digits ?? 6))
      if (kind === 's') return String(value)
      const text = kind === 'x' ? Number(value).toString(16) : String(Math.trunc(Number(value)))
      return width === undefined ? text : text.padStart(Number(width), '0')
    })
  },
  find: (text: string, pattern: string): unknown => {
    const match = patternOf(pattern, 'd').exec(text)
    return match ? language.values([match.index + 1, match.index + match[0].length]) : undefined
  },
  match: (text: string, pattern: string): unknown => {
    const match = patternOf(pattern, 'd').exec(text)
    return match ? groups(match) : undefined
  },
  *gmatch(text: string, pattern: string): Generator<readonly unknown[]> {
    for (const match of text.matchAll(patternOf(pattern, 'dg'))) yield match.length === 1 ? match : match.slice(1)
  },
}

const table = {
  concat: ({ list }: LuaTable, between = ''): string => list.join(between),
  remove: ({ list }: LuaTable, at = list.length): unknown => list.splice(at - 1, 1)[0],
}

const math = { floor: Math.floor, ceil: Math.ceil, max: Math.max, min: Math.min }

/** Numbers in the order of bytes of Intel's processors. */
const SIZES: Readonly<Record<string, number>> = { d: 8, I4: 4, H: 2, B: 1 }

function fieldsOf(form: string): string[] {
  return form.slice(1).match(/I4|[dHB]/g) ?? []
}

const struct = {
  pack: (form: string, ...values: number[]): string => {
    const fields = fieldsOf(form)
    const bytes = Buffer.alloc(fields.reduce((sum, field) => sum + (SIZES[field] as number), 0))
    let at = 0
    for (const [index, field] of fields.entries()) {
      const value = Number(values[index])
      if (field === 'd') bytes.writeDoubleLE(value, at)
      else if (field === 'I4') bytes.writeUInt32LE(value, at)
      else if (field === 'H') bytes.writeUInt16LE(value, at)
      else bytes.writeUInt8(value, at)
      at += SIZES[field] as number
    }
    return bytes.toString('latin1')
  },
  unpack: (form: string, text: string, from = 1): Values => {
    const fields = fieldsOf(form)
    const size = fields.reduce((sum, field) => sum + (SIZES[field] as number), 0)
    const bytes = Buffer.from(text.slice(from - 1, from - 1 + size), 'latin1')
    const values: number[] = []
    let at = 0
    for (const field of fields) {
      if (field === 'd') values.push(bytes.readDoubleLE(at))
      else if (field === 'I4') values.push(bytes.readUInt32LE(at))
      else if (field === 'H') values.push(bytes.readUInt16LE(at))
      else values.push(bytes.readUInt8(at))
      at += SIZES[field] as number
    }
    return new Values([...values, from + at])
  },
}

/** A table with both is written as an object, an empty one too, as Redis does it. */
function toJson(value: unknown): unknown {
  if (typeof value === 'string') return fromBytes(value)
  if (!(value instanceof LuaTable)) return value
  if (value.fields.size === 0 && value.list.length > 0) return value.list.map(toJson)
  return Object.fromEntries(Array.from(value.entries(), ([key, each]) => [String(key), toJson(each)]))
}

function fromJson(value: unknown): unknown {
  if (typeof value === 'string') return toBytes(value)
  if (Array.isArray(value)) return new LuaTable(value.map(fromJson))
  if (typeof value !== 'object' || value === null) return value
  const made = new LuaTable()
  for (const [key, each] of Object.entries(value)) made.set(toBytes(key), fromJson(each))
  return made
}

const cjson = {
  encode: (value: unknown): string => toBytes(JSON.stringify(toJson(value))),
  decode: (text: string): unknown => fromJson(JSON.parse(fromBytes(text))),
}

/** Lists of texts, numbers and such lists are all that is packed. */
function toPlain(value: unknown): unknown {
  return value instanceof LuaTable ? value.list.map(toPlain) : (value ?? null)
}

function fromPlain(value: unknown): unknown {
  return Array.isArray(value) ? new LuaTable(value.map(fromPlain)) : (value ?? undefined)
}

const cmsgpack = {
  pack: (value: unknown): string => toBytes(JSON.stringify(toPlain(value))),
  unpack: (text: string): unknown => fromPlain(JSON.parse(fromBytes(text))),
}

/** A function that a library has registered. */
export interface ScriptFunction {
  readonly run: (keys: LuaTable, argv: LuaTable) => unknown
  readonly flags: ReadonlySet<string>
}

export interface Environment {
  KEYS: LuaTable
  ARGV: LuaTable
  readonly functions: Map<string, ScriptFunction>
}

/** @param call runs a command, with texts as bytes */
export function environment(call: (args: readonly string[]) => unknown): Environment {
  const functions = new Map<string, ScriptFunction>()
  const redis = {
    call: (...args: unknown[]): unknown => toLua(call(args.map(String))),
    register_function: (given: LuaTable): void => {
      const flags = (given.get('flags') as LuaTable).list.map(String)
      functions.set(String(given.get('function_name')), {
        run: given.get('callback') as ScriptFunction['run'],
        flags: new Set(flags),
      })
    },
  }
  const own = { redis, string, table, math, struct, cjson, cmsgpack, functions }
  return { ...language, ...basics, ...own, KEYS: new LuaTable(), ARGV: new LuaTable() }
}

function toLua(reply: unknown): unknown {
  if (reply === null || reply === undefined) return false
  return Array.isArray(reply) ? new LuaTable(reply.map(toLua)) : reply
}

/** As a client gets it. */
export function toReply(value: unknown): unknown {
  const one = language.first(value)
  if (typeof one === 'string') return fromBytes(one)
  if (typeof one === 'number') return Math.trunc(one)
  if (one === true) return 1
  if (!(one instanceof LuaTable)) return null
  const list: unknown[] = []
  for (const [, each] of one.items()) list.push(toReply(each))
  return list
}
