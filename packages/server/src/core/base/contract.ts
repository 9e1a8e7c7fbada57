/**
 * What an application declares: the events of a namespace, its rooms, and how open it is. Server handlers, the SDK and its
 * hooks are typed from the contract, and every inbound message is checked against it (D5), by any library of schemas that
 * implements Standard Schema.
 */
import { type Contract, type EventDefinition, isRecord, isRoomId, RESERVED_FIELDS } from '@roomful/protocol'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { User } from '../ports/users.ts'
import { RoomfulError } from './errors.ts'

export type { Contract, EventDefinition } from '@roomful/protocol'

/** Keeps the literal types of an event's definition. */
export function event<const Definition extends EventDefinition>(definition: Definition): Definition {
  return definition
}

/** Keeps the literal types of a contract, and refuses one that cannot work. @throws RoomfulError INVALID_MESSAGE */
export function defineContract<const Definition extends Contract>(contract: Definition): Definition {
  for (const side of ['client', 'server'] as const) {
    for (const [name, definition] of Object.entries(contract[side])) checkDefinition(side, name, definition)
  }
  return contract
}

function checkDefinition(side: string, name: string, definition: EventDefinition): void {
  const where = `${side} event ${JSON.stringify(name)}`
  if (name === '' || name.length > 128)
    throw new RoomfulError('INVALID_MESSAGE', `The name of ${where} must have 1 to 128 characters`)
  if (definition.data && definition.args)
    throw new RoomfulError('INVALID_MESSAGE', `${where} has both data and args; keep one`)
  if (definition.durable && definition.volatile) {
    throw new RoomfulError('INVALID_MESSAGE', `${where} is both durable and volatile; keep one`)
  }
  if (side === 'client' && (definition.durable || definition.volatile)) {
    throw new RoomfulError('INVALID_MESSAGE', `${where} cannot be durable or volatile: only what the server sends is`)
  }
  if (side === 'server' && definition.ack && (definition.durable || definition.volatile)) {
    throw new RoomfulError(
      'INVALID_MESSAGE',
      `${where} has an ack, so it asks one client: it is neither durable nor volatile`,
    )
  }
  const reserved = side === 'client' ? ENVELOPE : definition.durable ? RESERVED : TRANSIENT_RESERVED
  const fields = fieldsOf(definition.data)
  for (const field of fields) {
    // Alone it would be taken for the whole argument; beside others it is a field like them.
    if (side === 'client' && field === 'data' && fields.length > 1) continue
    if (reserved.has(field)) {
      throw new RoomfulError(
        'INVALID_MESSAGE',
        `${where} has a field ${JSON.stringify(field)}, which the wire needs for itself; rename it`,
      )
    }
  }
}

const RESERVED = reservedBut()
/** What a plain client's message uses around its data. */
const ENVELOPE = reservedBut('roomId', 'seq', 'n', 'ts')
/** A transient event has no room, number or time of its own, so its data may. */
const TRANSIENT_RESERVED = reservedBut('id', 'roomId', 'ts')

function reservedBut(...free: readonly (typeof RESERVED_FIELDS)[number][]): ReadonlySet<string> {
  return new Set(RESERVED_FIELDS.filter((name) => !free.includes(name)))
}

/**
 * Top-level fields of an object schema, as far as its library shows them: zod's and valibot's `shape`/`entries`, TypeBox's
 * and ArkType's `properties`. Standard Schema itself has no introspection; what cannot be seen is caught at the first emit.
 */
function fieldsOf(schema: StandardSchemaV1 | undefined): string[] {
  if (schema === undefined) return []
  const seen = schema as { shape?: unknown; entries?: unknown; properties?: unknown }
  for (const part of [seen.shape, seen.entries, seen.properties]) {
    if (typeof part === 'object' && part !== null) return Object.keys(part)
  }
  return []
}

/** Checks arguments against a definition. @throws RoomfulError INVALID_MESSAGE with the field. @returns what the schema made of them */
export function validate(name: string, definition: EventDefinition, args: readonly unknown[]): unknown[] {
  if (definition.args) {
    if (args.length !== definition.args.length) {
      throw new RoomfulError('INVALID_MESSAGE', `${name} takes ${definition.args.length} arguments, not ${args.length}`)
    }
    return definition.args.map((schema, index) => check(name, schema, args[index], String(index)))
  }
  if (definition.data) return [check(name, definition.data, args[0], ''), ...args.slice(1)]
  return [...args]
}

/** Checks what a client answered. @throws RoomfulError INVALID_MESSAGE with the field. @returns what the schema made of it */
export function validateAnswer(name: string, definition: EventDefinition | undefined, answer: unknown): unknown {
  return definition?.ack ? check(`The answer to ${name}`, definition.ack, answer, '') : answer
}

/** What a contract says of presence data and of the state of rooms. Several contracts of a namespace add up. */
export class FactSchemas {
  private presence: StandardSchemaV1 | undefined
  private readonly values: { readonly matches: (name: string) => boolean; readonly schema: StandardSchemaV1 }[] = []

  add({ presence, state = {} }: Contract): void {
    this.presence = presence ?? this.presence
    for (const [pattern, schema] of Object.entries(state)) this.values.push({ matches: matcher(pattern), schema })
  }

  /** @throws RoomfulError INVALID_MESSAGE. @returns what the schema made of it */
  checkPresence(state: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    if (!this.presence) return state
    const checked = check('Presence data', this.presence, state, 'state')
    if (isRecord(checked)) return checked
    throw new Error('The schema of presence data makes something else of it than an object')
  }

  /** @throws RoomfulError INVALID_MESSAGE. @returns what the schema made of it */
  checkValue(name: string, value: unknown): unknown {
    const declared = this.declared(name)
    return declared ? check(`The value of ${JSON.stringify(name)}`, declared, value, 'value') : value
  }

  /** @throws RoomfulError INVALID_MESSAGE when the state of rooms is declared, and has no such name */
  checkName(name: string): void {
    this.declared(name)
  }

  private declared(name: string): StandardSchemaV1 | undefined {
    const { values } = this
    const found = values.find(({ matches }) => matches(name))
    if (found || values.length === 0) return found?.schema
    throw new RoomfulError('INVALID_MESSAGE', `The state of rooms has no name ${JSON.stringify(name)}`, {
      field: 'name',
    })
  }
}

function check(name: string, schema: StandardSchemaV1, value: unknown, prefix: string): unknown {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    throw new Error(`The schema of ${name} validates asynchronously; schemas of events must be synchronous`)
  }
  if (!result.issues) return result.value
  const [issue] = result.issues
  const steps = (issue?.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
  const field = [prefix, ...steps].filter((step) => step !== '').join('.')
  const where = field === '' ? name : `${name}: field ${field}`
  throw new RoomfulError('INVALID_MESSAGE', `${where}: ${issue?.message ?? 'is not as expected'}`, {
    field: field === '' ? undefined : field,
  })
}

/** @throws RoomfulError ROOM_NAME_INVALID */
export function checkRoomId(roomId: unknown, field = 'roomId'): string {
  if (!isRoomId(roomId)) throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field })
  return roomId
}

/** A rule of a room: may this user do it? */
export type Allow = (user: User, roomId: string) => boolean | Promise<boolean>

export interface RoomOptions {
  /** Events that no contract declares are durable when they are emitted to all of a room like this. Default: transient. */
  durable?: boolean
  /** Most users in the room; more are refused with ROOM_FULL. Default: no bound. */
  capacity?: number
  /** Latest events kept in memory for quick resumes. Default: the server's setting. */
  historySize?: number
  /** Most events kept in the log. Default: the server's setting. */
  retention?: number
  /** Who may publish through the room vocabulary: anyone with permission, or members only (else NOT_IN_ROOM). */
  publish?: 'anyone' | 'members'
  /** Who is sent how far a user has read: that user's other connections, or all members too. Default: `own`. */
  readPositions?: 'own' | 'members'
  /** Rules by action; one that is left out allows. They run on every transport, and again after a refresh. G8. */
  allow?: { join?: Allow; publish?: Allow; history?: Allow; presence?: Allow; stop?: Allow; state?: Allow }
}

export type RoomAction = keyof NonNullable<RoomOptions['allow']>

export interface RoomDeclaration {
  readonly pattern: string
  readonly options: RoomOptions
}

const OPEN: RoomDeclaration = { pattern: '*', options: {} }

/** Options and rules of rooms, by pattern. The first match wins. M3. */
export class RoomDeclarations {
  private readonly list: { declaration: RoomDeclaration; matches: (roomId: string) => boolean }[] = []

  get isEmpty(): boolean {
    return this.list.length === 0
  }

  /** @param pattern a room id in which each `*` stands for any characters */
  add(pattern: string, options: RoomOptions): void {
    this.list.push({ declaration: { pattern, options }, matches: matcher(pattern) })
  }

  /** @param open what matches nothing is allowed with default options */
  find(roomId: string, open: boolean): RoomDeclaration | undefined {
    for (const { declaration, matches } of this.list) if (matches(roomId)) return declaration
    return open ? OPEN : undefined
  }
}

/** @param pattern a room id in which each `*` stands for any characters */
export function matcher(pattern: string): (roomId: string) => boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return (roomId) => roomId === pattern
  const [head = '', ...rest] = parts
  const tail = rest.pop() ?? ''
  return (roomId) => {
    if (!roomId.startsWith(head) || roomId.length < head.length + tail.length || !roomId.endsWith(tail)) return false
    let at = head.length
    for (const part of rest) {
      const found = roomId.indexOf(part, at)
      if (found < 0 || found + part.length > roomId.length - tail.length) return false
      at = found + part.length
    }
    return true
  }
}

/** How open a namespace is, as an application declares it. */
export interface NamespaceOptions {
  /** Rooms that no pattern matches are allowed. Default: true without any declared room. */
  readonly open?: boolean
  /** Clients without a token connect as guests. */
  readonly guests?: boolean
  /** Every client connects as a guest; tokens are ignored. */
  readonly anonymous?: boolean
  /** Clients do not learn who else is online, nor how many; rooms still show their members. */
  readonly quiet?: boolean
  /** Understands the classic commands: the first one makes a connection classic. PROTOCOL.md 5 */
  readonly classic?: boolean
}

/** An acknowledgement with several values. Dialects whose acknowledgements hold one value send them as an array. */
export class AckArgs {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = values
  }
}

/** Answers a request with several values: `return ackArgs(1, 'two')`. */
export function ackArgs(...values: readonly unknown[]): AckArgs {
  return new AckArgs(values)
}
