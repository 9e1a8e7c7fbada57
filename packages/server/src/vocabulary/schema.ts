/** The protocol's schemas, which are JSON Schema as data, in the form in which contracts declare theirs. Compiled once. */
import { schemaCheck, type UpMessage } from '@roomful/protocol/messages'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TSchema } from 'typebox'
import type { EventDefinition } from '../core/base/contract.ts'

const compiled = new WeakMap<TSchema, EventDefinition>()

/** One argument that matches `message.data`; a lone string stands for `{roomId}` where there is such a field. */
export function schemaOf(message: UpMessage): EventDefinition {
  const known = compiled.get(message.data)
  if (known) return known
  const check = schemaCheck(message.data)
  const takesRoomId = 'properties' in message.data && 'roomId' in (message.data.properties as object)
  const validate = (input: unknown): StandardSchemaV1.Result<unknown> => {
    const value = typeof input === 'string' && takesRoomId ? { roomId: input } : (input ?? {})
    const issue = check(value)
    return issue === undefined ? { value } : { issues: [issue] }
  }
  const definition: EventDefinition = { data: { '~standard': { version: 1, vendor: 'roomful', validate } } }
  compiled.set(message.data, definition)
  return definition
}
