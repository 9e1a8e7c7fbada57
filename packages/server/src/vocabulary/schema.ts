/** The protocol's schemas, which are JSON Schema as data, in the form in which contracts declare theirs. Compiled once. */
import type { UpMessage } from '@roomful/protocol/messages'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { EventDefinition } from '../core/contract.ts'

const compiled = new WeakMap<TSchema, EventDefinition>()

/** One argument that matches `message.data`; a lone string stands for `{roomId}` where there is such a field. */
export function schemaOf(message: UpMessage): EventDefinition {
  const known = compiled.get(message.data)
  if (known) return known
  const validator = Compile(message.data)
  const takesRoomId = 'properties' in message.data && 'roomId' in (message.data.properties as object)
  const validate = (input: unknown): StandardSchemaV1.Result<unknown> => {
    const value = typeof input === 'string' && takesRoomId ? { roomId: input } : (input ?? {})
    if (validator.Check(value)) return { value }
    const [first] = validator.Errors(value)
    return { issues: [toIssue(first)] }
  }
  const definition: EventDefinition = { data: { '~standard': { version: 1, vendor: 'roomful', validate } } }
  compiled.set(message.data, definition)
  return definition
}

interface SchemaError {
  readonly instancePath: string
  readonly message: string
  readonly keyword: string
  readonly params?: object
}

/** A missing field is named itself, not the object that lacks it. */
function toIssue(error: SchemaError | undefined): StandardSchemaV1.Issue {
  if (!error) return { message: 'is not as expected' }
  const path = error.instancePath.split('/').slice(1)
  const { requiredProperties } = (error.params ?? {}) as { requiredProperties?: readonly string[] }
  const [missing] = error.keyword === 'required' ? (requiredProperties ?? []) : []
  if (missing !== undefined) return { message: 'is missing', path: [...path, missing] }
  return { message: error.message, path }
}
