/**
 * Encodes events for Socket.IO clients, once for all clients of a namespace. The cursor of a durable event is its last
 * argument, a string, where the official client looks for it. So no other event may end with a string. PROTOCOL.md,
 * section 14.
 */
import { eventId, isRecord, type StoredFields, type WireEvent } from '@roomful/protocol'
import type { Place } from '../../../core/events/event.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { Encoding } from '../../../core/ports/dialect.ts'
import { binaryEvent, eventFrame } from './packets.ts'

/** Names that the official client reserves; it disconnects when it receives one. */
const RESERVED: ReadonlySet<string> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
])

const BINARY_MARK = '"$binary"'

type PlacedEvent = WireEvent & { readonly place?: Place | undefined }

/**
 * The encoding of a namespace's events.
 * @param nsp the namespace's name as the client wrote it
 */
export function createEncoding(nsp: string, namespace: Namespace, recovery: boolean): Encoding {
  return {
    key: `socketio:${recovery ? 'r' : ''}:${nsp}`,
    encode(event) {
      if (RESERVED.has(event.type)) return undefined
      const last = recovery ? lastArgument(event, namespace) : undefined
      if (event.argsJson.includes(BINARY_MARK)) {
        const args = event.stored && isMerged(event) ? [merged(event.args[0], event.stored)] : event.args
        return binaryEvent(nsp, event.type, last === undefined ? args : [...args, last])
      }
      return eventFrame(nsp, event.type, argumentsJson(event) + (last === undefined ? '' : `,${JSON.stringify(last)}`))
    },
  }
}

/** An event that asks for an acknowledgement; undefined when the official client would disconnect. */
export function encodeRequest(nsp: string, id: number, { type, args, argsJson }: WireEvent): Uint8Array | undefined {
  if (RESERVED.has(type)) return undefined
  if (argsJson.includes(BINARY_MARK)) return binaryEvent(nsp, type, args, id)
  return eventFrame(nsp, type, args.length === 0 ? '' : `,${argsJson.slice(1, -1)}`, id)
}

/** The value after the arguments: the cursor, or `null` if the client would take the last argument for a cursor. */
function lastArgument(
  { stored, place, args, type }: PlacedEvent,
  { state: { transients } }: Namespace,
): string | null | undefined {
  if (stored) return transients.offset(stored.n, transients.before(stored.n))
  if (place) return transients.offset(place.n, place.serial)
  return typeof (args.length === 0 ? type : args.at(-1)) === 'string' ? null : undefined
}

function argumentsJson(event: WireEvent): string {
  const { args, argsJson, stored } = event
  if (stored?.redacted) return `,${JSON.stringify(merged({ redacted: true }, stored))}`
  if (args.length === 0) return ''
  if (!stored || !isMerged(event)) return `,${argsJson.slice(1, -1)}`
  const own = argsJson.slice(2, -2) // [{…}] without its brackets and braces
  const { roomId, seq, ts, key } = stored
  const front = `"id":${JSON.stringify(eventId(stored))},"roomId":${JSON.stringify(roomId)},"seq":${seq}`
  const back = `"ts":${ts}${key === undefined ? '' : `,"key":${JSON.stringify(key)}`}`
  return `,{${front}${own === '' ? '' : `,${own}`},${back}}`
}

/** An event with one object as its argument has the stored fields in that object. */
function isMerged({ args, spread }: WireEvent): boolean {
  return args.length === 1 && spread
}

function merged(value: unknown, stored: StoredFields): Record<string, unknown> {
  const { roomId, seq, ts, key } = stored
  return {
    id: eventId(stored),
    roomId,
    seq,
    ...(isRecord(value) ? value : {}),
    ts,
    ...(key === undefined ? {} : { key }),
  }
}
