/** A page of history, as the room hands it out. */
import { type ReceivedEvent, readMeta } from './frames.ts'
import type { HistoryPage } from './room.ts'
import type { UpAck } from './vocabulary.ts'

export function readHistory({ events, more }: UpAck<'history:get'>): HistoryPage {
  return { events: events.map(readHistoryEvent), more }
}

/** An event as histories hold it: the flat form that plain clients get. */
function readHistoryEvent(object: Record<string, unknown>): ReceivedEvent {
  const { type, data, args, ...flat } = object
  const event = String(type)
  const meta = readMeta(event, object)
  // A field of this name may be of what was said.
  const isRedacted = flat.redacted === true && Object.keys(flat).every((name) => name === 'redacted' || name in meta)
  return {
    event,
    args: Array.isArray(args) ? args : [data ?? flat],
    meta: isRedacted ? { ...meta, redacted: true } : meta,
  }
}
