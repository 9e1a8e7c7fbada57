/**
 * The dialect of an `EventSource`: plain's JSON as `data:`, the cursor as `id:`. JSON has no raw line break, so each event
 * fits one line. The id follows the data, because some readers use an id as soon as they read it, and would then miss an
 * event that was cut off after it. HTML Living Standard, section 9.2; PROTOCOL.md, section 13.
 */
import {
  encodePlainControl,
  encodePlainError,
  encodePlainEvent,
  formatCursor,
  plainName,
  type WireEvent,
} from '@roomful/protocol'
import { ONE_WAY } from '../../../core/link/one-way.ts'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'

const utf8 = new TextEncoder()
/** Sent by {@link openingOf} when the rooms are joined, together with the cursor. */
const SENT_AT_OPENING: ReadonlySet<string> = new Set(['welcome', 'auth_ok'])

/** How a stream is written. */
export interface SseForm {
  /** Writes `event:` with the name, for `addEventListener`. Otherwise all events are `message`. */
  readonly named: boolean
  /** Writes each event as a chunk of an HTTP/1.1 body. */
  readonly chunked: boolean
}

/**
 * A dialect for all streams of one namespace and form.
 * @param log its id is a part of each cursor, and changes where several nodes share a log that loses something
 */
export function sseDialect(log: { readonly logId: string }, { named, chunked }: SseForm): Dialect {
  const block = (type: string, json: string, id?: string, retryMs?: number): Uint8Array => {
    const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
    // A client chose this name, and it could contain a line break.
    const name = named && !/[\r\n]/.test(type) ? `event: ${plainName(type)}\n` : ''
    return bodyPart(`${retry}${name}data: ${json}\n${id === undefined ? '' : `id: ${id}\n`}\n`, chunked)
  }
  const encoding: Encoding = {
    key: `sse${named ? ':named' : ''}${chunked ? ':chunked' : ''}`,
    encode(event) {
      const id = event.stored && formatCursor(log.logId, event.stored.n)
      return block(event.type, encodePlainEvent(event), id, retryOf(event))
    },
  }
  return {
    ...ONE_WAY,
    name: 'sse',
    nameOf: plainName,
    encoding: () => encoding,
    fail: (_channel, error) => block('error', encodePlainError(error)),
    control: (type, _channel, data) =>
      SENT_AT_OPENING.has(type) ? undefined : block(type, encodePlainControl(type, data)),
  }
}

/**
 * The first blocks of a stream. Each has the cursor, so that the first reconnect has a position. `retry:` is in the first
 * block, because some readers report a block with only `retry:` as an empty message.
 */
export function openingOf(
  cursor: string,
  retryMs: number,
  { named, chunked }: SseForm,
  messages: readonly (readonly [type: string, data: Record<string, unknown>])[],
): Uint8Array {
  const blocks = messages.map(([type, data]) => {
    const name = named ? `event: ${type}\n` : ''
    return `${name}data: ${encodePlainControl(type, data)}\nid: ${cursor}\n\n`
  })
  return bodyPart(`retry: ${retryMs}\n${blocks.join('')}`, chunked)
}

/** Bytes for the socket: the text, or a chunk with it. RFC 9112 section 7.1. */
export function bodyPart(text: string, chunked: boolean): Uint8Array {
  return utf8.encode(chunked ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text)
}

/** Before a shutdown, each browser gets its own time to reconnect. G7. */
function retryOf({ type, args }: WireEvent): number | undefined {
  return type === 'server:draining' ? (args[0] as { reconnectAfterMs: number }).reconnectAfterMs : undefined
}
