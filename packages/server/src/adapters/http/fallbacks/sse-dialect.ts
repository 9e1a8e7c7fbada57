/**
 * The dialect of an `EventSource`: plain's JSON as `data:`, the cursor as `id:`. JSON has no raw line break, so one line
 * holds any event. The id follows the data: some readers move to an id as they read it, and would skip an event that was
 * cut off behind it. HTML Living Standard, section 9.2; PROTOCOL.md 13.
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
/** Told when the rooms are entered, together with where the stream stands; see {@link openingOf}. */
const TOLD_AT_OPENING: ReadonlySet<string> = new Set(['welcome', 'auth_ok'])

export interface SseForm {
  /** Gives each event its name, for `addEventListener`; without it all of them are `message`. */
  readonly named: boolean
  /** Each event is a chunk of the body: HTTP/1.1. */
  readonly chunked: boolean
}

/** @param logId of the namespace: it stands in each cursor */
export function sseDialect(logId: string, { named, chunked }: SseForm): Dialect {
  const block = (type: string, json: string, id?: string, retryMs?: number): Uint8Array => {
    const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
    // A name that a client made up could hold a line break.
    const name = named && !/[\r\n]/.test(type) ? `event: ${plainName(type)}\n` : ''
    return bodyPart(`${retry}${name}data: ${json}\n${id === undefined ? '' : `id: ${id}\n`}\n`, chunked)
  }
  const encoding: Encoding = {
    key: `sse${named ? ':named' : ''}${chunked ? ':chunked' : ''}`,
    encode(event) {
      const id = event.stored && formatCursor(logId, event.stored.n)
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
      TOLD_AT_OPENING.has(type) ? undefined : block(type, encodePlainControl(type, data)),
  }
}

/**
 * What a stream begins with: each block has the cursor, so that the first reconnect has a position. `retry:` is part of the
 * first one: some readers hand on a block of its own as an empty message.
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

/** Bytes for the socket: the text, or a chunk that holds it. RFC 9112 section 7.1. */
export function bodyPart(text: string, chunked: boolean): Uint8Array {
  return utf8.encode(chunked ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text)
}

/** The browser comes back at the moment that is meant for it. G7. */
function retryOf({ type, args }: WireEvent): number | undefined {
  return type === 'server:draining' ? (args[0] as { reconnectAfterMs: number }).reconnectAfterMs : undefined
}
