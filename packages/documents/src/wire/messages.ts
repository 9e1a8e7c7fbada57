/**
 * The messages of the `y-websocket` protocol as bytes: a type, then a body, in lib0's encoding. PROTOCOL.md section 19
 * has them; the names here are those of `y-protocols` where it has one.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const MESSAGE = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, roomful: 100 } as const
const SYNC = { step1: 0, step2: 1, update: 2 } as const
const AUTH = { permissionDenied: 0 } as const
/** Further requests of clients that know this server; others never receive these messages. */
const ROOMFUL = { rights: 0, stored: 1 } as const

/** More entries than a room has clients are rubbish. */
const AWARENESS_MAX = 10_000

export interface AwarenessEntry {
  readonly clientId: number
  readonly clock: number
  /** As it came; `null` says that the client is gone. */
  readonly json: string
}

export type ClientMessage =
  /** What does the server have that this vector has not? */
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  /** An answer to the server's own step 1, or a change that was just made. */
  | { readonly kind: 'update'; readonly update: Uint8Array }
  | { readonly kind: 'awareness'; readonly entries: readonly AwarenessEntry[] }
  | { readonly kind: 'query-awareness' }
  /** May I write? Answered now, and again whenever it changes. */
  | { readonly kind: 'rights' }
  /** Tell me when everything before this is stored; `n` comes back. */
  | { readonly kind: 'stored'; readonly n: number }
  | { readonly kind: 'unknown' }

/** @throws Error when the bytes are no message; a type of a later version is `unknown` */
export function decodeMessage(data: Uint8Array): ClientMessage {
  // lib0 makes views of the whole buffer below its bytes without a look at their end, and buffers of sockets are shared:
  // a length that lies would hand out what belongs to others. In a buffer of its own there is nothing else to see.
  const decoder = decoding.createDecoder(new Uint8Array(data))
  switch (decoding.readVarUint(decoder)) {
    case MESSAGE.sync:
      return decodeSync(decoder)
    case MESSAGE.awareness:
      return { kind: 'awareness', entries: decodeAwareness(decoding.readVarUint8Array(decoder)) }
    case MESSAGE.queryAwareness:
      return { kind: 'query-awareness' }
    case MESSAGE.roomful:
      return decodeRoomful(decoder)
    default:
      return { kind: 'unknown' }
  }
}

function decodeSync(decoder: decoding.Decoder): ClientMessage {
  switch (decoding.readVarUint(decoder)) {
    case SYNC.step1:
      return { kind: 'step1', stateVector: decoding.readVarUint8Array(decoder) }
    case SYNC.step2:
    case SYNC.update:
      return { kind: 'update', update: decoding.readVarUint8Array(decoder) }
    default:
      return { kind: 'unknown' }
  }
}

function decodeRoomful(decoder: decoding.Decoder): ClientMessage {
  switch (decoding.readVarUint(decoder)) {
    case ROOMFUL.rights:
      return { kind: 'rights' }
    case ROOMFUL.stored:
      return { kind: 'stored', n: decoding.readVarUint(decoder) }
    default:
      return { kind: 'unknown' }
  }
}

function decodeAwareness(data: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(new Uint8Array(data))
  const count = decoding.readVarUint(decoder)
  if (count > AWARENESS_MAX) throw new Error(`An awareness update of ${count} clients`)
  return Array.from({ length: count }, () => ({
    clientId: decoding.readVarUint(decoder),
    clock: decoding.readVarUint(decoder),
    json: decoding.readVarString(decoder),
  }))
}

/** What does the client have that this vector has not? */
export function encodeStep1(stateVector: Uint8Array): Uint8Array {
  return encode(MESSAGE.sync, SYNC.step1, (encoder) => encoding.writeVarUint8Array(encoder, stateVector))
}

/** The answer to a client's step 1. */
export function encodeStep2(update: Uint8Array): Uint8Array {
  return encode(MESSAGE.sync, SYNC.step2, (encoder) => encoding.writeVarUint8Array(encoder, update))
}

export function encodeUpdate(update: Uint8Array): Uint8Array {
  return encode(MESSAGE.sync, SYNC.update, (encoder) => encoding.writeVarUint8Array(encoder, update))
}

export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  const body = encoding.createEncoder()
  encoding.writeVarUint(body, entries.length)
  for (const { clientId, clock, json } of entries) {
    encoding.writeVarUint(body, clientId)
    encoding.writeVarUint(body, clock)
    encoding.writeVarString(body, json)
  }
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, MESSAGE.awareness)
  encoding.writeVarUint8Array(encoder, encoding.toUint8Array(body))
  return encoding.toUint8Array(encoder)
}

/** The only refusal that the protocol has words for. The official provider logs the reason as a warning. */
export function encodePermissionDenied(reason: string): Uint8Array {
  return encode(MESSAGE.auth, AUTH.permissionDenied, (encoder) => encoding.writeVarString(encoder, reason))
}

export function encodeRights(canWrite: boolean): Uint8Array {
  return encode(MESSAGE.roomful, ROOMFUL.rights, (encoder) => encoding.writeVarUint(encoder, canWrite ? 1 : 0))
}

export function encodeStored(n: number): Uint8Array {
  return encode(MESSAGE.roomful, ROOMFUL.stored, (encoder) => encoding.writeVarUint(encoder, n))
}

function encode(type: number, subtype: number, body: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, type)
  encoding.writeVarUint(encoder, subtype)
  body(encoder)
  return encoding.toUint8Array(encoder)
}
