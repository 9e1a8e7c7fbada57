/** The dialect of a poll: plain's JSON, one line per event, with its commit number before it for the cursor. PROTOCOL.md 16. */
import { encodePlainControl, encodePlainError, encodePlainEvent, plainName } from '@roomful/protocol'
import { ONE_WAY } from '../../../core/link/one-way.ts'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'

const utf8 = new TextEncoder()
/** Polls come and go, so each would end the next one by changing the number of connections. */
const UNTOLD: ReadonlySet<string> = new Set(['users:count'])
/** An answer has no place for them. */
const UNTOLD_CONTROLS: ReadonlySet<string> = new Set(['welcome', 'auth_ok'])

const line = (json: string, n?: number): Uint8Array => utf8.encode(`${n ?? ''} ${json}\n`)

const encoding: Encoding = {
  key: 'poll',
  encode: (event) => (UNTOLD.has(event.type) ? undefined : line(encodePlainEvent(event), event.stored?.n)),
}

export const pollDialect: Dialect = {
  ...ONE_WAY,
  name: 'poll',
  nameOf: plainName,
  confirmsDelivery: true,
  encoding: () => encoding,
  fail: (_channel, error) => line(encodePlainError(error)),
  control: (type, _channel, data) => (UNTOLD_CONTROLS.has(type) ? undefined : line(encodePlainControl(type, data))),
}

/** What the wire was given, read again: JSON has no raw line break. */
export function readLines(buffers: readonly Uint8Array[]): { json: string; n: number | undefined }[] {
  const lines = Buffer.concat(buffers).toString().split('\n')
  return lines.slice(0, -1).map((text) => {
    const space = text.indexOf(' ')
    return { json: text.slice(space + 1), n: space === 0 ? undefined : Number(text.slice(0, space)) }
  })
}
