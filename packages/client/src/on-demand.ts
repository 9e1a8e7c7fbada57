/**
 * What the SDK does not need to connect: answers to requests of the server, pages of history, the outbox, typing and presence data. Loaded together,
 * once the connection is open, or earlier at the first call that needs it.
 */
import { toJson } from '@roomful/protocol'
import { RoomfulError } from './errors.ts'
import { type ReceivedEvent, type Report, type RequestFrame, readArgs, readMeta } from './events.ts'
import type { HistoryPage } from './room.ts'
import type { UpAck } from './types.ts'

export { Activity } from './activity.ts'
export { Outbox } from './outbox.ts'

export type RequestHandler = (...args: readonly unknown[]) => unknown

/**
 * Answers a request of the server. An error other than a RoomfulError is reported here; the server gets only that the
 * client failed.
 */
export async function answerRequest(
  frame: RequestFrame,
  handler: RequestHandler | undefined,
  send: (text: string) => void,
  report: Report,
): Promise<void> {
  const { id, event } = frame
  // Without its first brace: the link adds that and its channel.
  const answer = (result: { data: unknown } | { error: object }): void => send(toJson({ ack: id, ...result }).slice(1))
  try {
    if (!handler) throw new RoomfulError('UNKNOWN_EVENT', `This client does not answer ${event}`)
    answer({ data: await handler(...readArgs(frame)) })
  } catch (error) {
    const isRefusal = error instanceof RoomfulError
    if (!isRefusal) report(error)
    const { code, message, field } = isRefusal ? error : new RoomfulError('INTERNAL', 'This client failed to answer')
    answer({ error: { code, message, field } })
  }
}

export function readHistory({ events, more }: UpAck<'history:get'>): HistoryPage {
  return { events: events.map(readHistoryEvent), more }
}

/** Reads an event of a history, which has the flat form that plain clients get. */
function readHistoryEvent(object: Record<string, unknown>): ReceivedEvent {
  const { type, data, args, ...flat } = object
  const event = String(type)
  const meta = readMeta(event, object)
  // An event may have a field of its own with this name.
  const isRedacted = flat.redacted === true && Object.keys(flat).every((name) => name === 'redacted' || name in meta)
  return {
    event,
    args: Array.isArray(args) ? args : [data ?? flat],
    meta: isRedacted ? { ...meta, redacted: true } : meta,
  }
}
