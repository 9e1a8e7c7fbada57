/**
 * The dialect of an `EventSource`: plain's JSON as `data:`, the cursor as `id:`. JSON has no raw line break, so one line
 * holds any event. HTML Living Standard, section 9.2; WIRE 6.
 */
import { encodePlainControl, encodePlainError, encodePlainEvent, formatCursor, plainName } from '@roomful/protocol'
import { ONE_WAY } from '../../../core/one-way.ts'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'

const utf8 = new TextEncoder()
/** Told when the rooms are entered, together with where the stream stands; see {@link openingOf}. */
const TOLD_AT_OPENING: ReadonlySet<string> = new Set(['welcome', 'auth_ok'])

/**
 * @param logId of the namespace: it stands in each cursor
 * @param named gives each event its name, for `addEventListener`; without it all of them are `message`
 */
export function sseDialect(logId: string, named: boolean): Dialect {
  const block = (type: string, json: string, id?: string): Uint8Array => {
    // A name that a client made up could hold a line break.
    const name = named && !/[\r\n]/.test(type) ? `event: ${plainName(type)}\n` : ''
    return utf8.encode(`${name}${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`)
  }
  const encoding: Encoding = {
    key: named ? 'sse:named' : 'sse',
    encode(event) {
      const bytes = block(event.type, encodePlainEvent(event), event.stored && formatCursor(logId, event.stored.n))
      return event.type === 'server:draining' ? withRetry(bytes, event.args[0]) : bytes
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

/** What a stream begins with: each block has the cursor, so that the first reconnect has a position. */
export function openingOf(
  cursor: string,
  retryMs: number,
  named: boolean,
  messages: readonly (readonly [type: string, data: Record<string, unknown>])[],
): Uint8Array {
  const blocks = messages.map(([type, data]) => {
    const name = named ? `event: ${type}\n` : ''
    return `${name}id: ${cursor}\ndata: ${encodePlainControl(type, data)}\n\n`
  })
  return utf8.encode(`retry: ${retryMs}\n\n${blocks.join('')}`)
}

/** The browser comes back at the moment that is meant for it. G7. */
function withRetry(bytes: Uint8Array, data: unknown): Uint8Array {
  const { reconnectAfterMs } = data as { reconnectAfterMs: number }
  return Buffer.concat([utf8.encode(`retry: ${reconnectAfterMs}\n`), bytes])
}
