/** Checks an event that another backend publishes or emits against the declarations of its namespace. */
import { toJson } from '@roomful/protocol'
import { type DownMessage, down, schemaCheck } from '@roomful/protocol/messages'
import { type EventDefinition, validate } from '../../core/base/contract.ts'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import { tooLarge, utf8Length } from '../../core/link/link.ts'
import type { Namespace } from '../../core/namespace.ts'

/** An event of another backend. */
export interface GivenEvent {
  readonly event: string
  readonly data?: unknown
  readonly args?: readonly unknown[]
}

/** Its arguments. @throws RoomfulError INVALID_MESSAGE, TOO_LARGE */
export function argsOf(hub: Hub, { data, args }: GivenEvent): readonly unknown[] {
  if (data !== undefined && args !== undefined) {
    throw new RoomfulError('INVALID_MESSAGE', 'Give data or args, not both', { field: 'data' })
  }
  const { maxMessageBytes } = hub.runtime.settings
  const isTooLarge = utf8Length(toJson(args ?? data)) > maxMessageBytes
  if (isTooLarge) throw new RoomfulError('TOO_LARGE', tooLarge(maxMessageBytes).message)
  return args ?? (data === undefined ? [] : [data])
}

/** A published event must be declared durable, or not at all. @throws RoomfulError UNKNOWN_EVENT, INVALID_MESSAGE */
export function checkIsDurable(namespace: Namespace, event: string, args: readonly unknown[]): void {
  const definition = findDefinition(namespace, event)
  const message = definition ? undefined : vocabularyEvent(namespace, event)
  if ((definition && !definition.durable) || message?.delivery === 'transient') {
    throw new RoomfulError('INVALID_MESSAGE', `${event} is declared to be sent and not kept: emit it`, {
      field: 'event',
    })
  }
  if (definition) validate(event, definition, args)
  if (message) checkVocabularyEvent(message, args)
}

/** An emitted event must be declared transient, or not at all. @throws RoomfulError UNKNOWN_EVENT, INVALID_MESSAGE */
export function checkIsTransient(
  namespace: Namespace,
  event: string,
  args: readonly unknown[],
  rooms: readonly string[] | undefined,
): void {
  const definition = findDefinition(namespace, event)
  const message = definition ? undefined : vocabularyEvent(namespace, event)
  const isKept =
    !definition && rooms?.length === 1 && namespace.state.declarations.find(rooms[0] ?? '', false)?.options.durable
  if (definition?.durable || message?.delivery === 'durable' || isKept) {
    throw new RoomfulError('INVALID_MESSAGE', `${event} is declared to be kept: publish it`, { field: 'event' })
  }
  if (definition) validate(event, definition, args)
}

/** @throws RoomfulError UNKNOWN_EVENT for an event that the contract does not declare */
function findDefinition(namespace: Namespace, event: string): EventDefinition | undefined {
  const definition = namespace.state.serverEvents.get(event)
  if (definition || !namespace.state.contract || namespace.state.vocabulary.has(event)) return definition
  const message = `The contract of ${namespace.name} does not declare a server event ${JSON.stringify(event)}`
  throw new RoomfulError('UNKNOWN_EVENT', message, { field: 'event' })
}

function vocabularyEvent(namespace: Namespace, event: string): DownMessage | undefined {
  if (!namespace.state.vocabulary.has(event) || !Object.hasOwn(down, event)) return undefined
  return down[event as keyof typeof down]
}

/** Stands for the fields that the log adds: the schema requires them. */
const STORED = { id: 'x-1', roomId: 'x', seq: 1, ts: 0 }
const checks = new WeakMap<DownMessage, ReturnType<typeof schemaCheck>>()

function checkVocabularyEvent(message: DownMessage, [first]: readonly unknown[]): void {
  const check = checks.get(message) ?? schemaCheck(message.data)
  checks.set(message, check)
  const issue = check({ ...STORED, ...(typeof first === 'object' ? first : {}) })
  if (!issue) return
  const field = ['data', ...issue.path].join('.')
  throw new RoomfulError('INVALID_MESSAGE', `Field ${field} ${issue.message}`, { field })
}
