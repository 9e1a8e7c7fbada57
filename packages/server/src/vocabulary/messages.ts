/** What handlers of the vocabulary share: its schemas as definitions, and who may publish. */
import { schemaCheck, type UpMessage } from '@roomful/protocol/messages'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TSchema } from 'typebox'
import type { EventDefinition } from '../core/base/contract.ts'
import type { Context } from '../core/requests/context.ts'

/**
 * Publishing needs permission, not membership, unless the room is declared otherwise.
 * @throws RoomfulError FORBIDDEN, NOT_IN_ROOM, ROOM_NAME_INVALID
 */
export function mayPublish(context: Context, roomId: string): true | Promise<true> {
  return context.checkPublish(roomId)
}

const compiled = new WeakMap<TSchema, EventDefinition>()

/**
 * A message of the protocol as an event definition. Its schema is compiled once. For a message with a room, clients may send
 * the room id alone, as a string.
 */
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
