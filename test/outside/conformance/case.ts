/** A WebSocket conformance case as data: what a client sends, byte by byte, and what must come back. RFC 6455. */
import { BINARY, CLOSE, closePayload, frame, PING, PONG, TEXT } from '../lib/raw.ts'

export interface Message {
  readonly opcode: typeof TEXT | typeof BINARY | typeof PONG
  readonly payload: Uint8Array
}

export interface ConformanceCase {
  readonly name: string
  readonly sends: readonly Uint8Array[]
  /** In this order, before the end; where the end is a failure some of them may not come any more. */
  readonly hears: readonly Message[]
  /** Codes with which the server may close; the client closes with 1000 itself where the case does not end otherwise. */
  readonly closes: readonly number[]
  /** Bytes of each write; everything at once without it. */
  readonly chop?: number
}

const PROTOCOL_ERROR = [1002]
export const NOT_UTF8 = [1007]
/** The client said goodbye with 1000. */
export const GOODBYE = [1000]

export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

export const text = (payload: string | Uint8Array): Message => ({ opcode: TEXT, payload: Buffer.from(payload) })
export const binary = (payload: Uint8Array): Message => ({ opcode: BINARY, payload })
export const pong = (payload: string | Uint8Array = ''): Message => ({ opcode: PONG, payload: Buffer.from(payload) })

export const goodbye = (code = 1000, reason: string | Uint8Array = ''): Buffer =>
  frame(CLOSE, closePayload(code, reason))

/** A message in fragments, of which what stands between them is sent as it is. */
export function fragments(opcode: number, parts: readonly (string | Uint8Array)[], between?: Uint8Array): Buffer[] {
  return parts.flatMap((part, index) => {
    const one = frame(index === 0 ? opcode : 0, part, { fin: index === parts.length - 1 })
    return between && index < parts.length - 1 ? [one, Buffer.from(between)] : [one]
  })
}

/** Everything comes back, then the client says goodbye. */
export function echoed(
  name: string,
  sends: readonly Uint8Array[],
  hears: readonly Message[],
  chop?: number,
): ConformanceCase {
  return { name, sends: [...sends, goodbye()], hears, closes: GOODBYE, ...(chop === undefined ? {} : { chop }) }
}

/** The server must end the connection with one of these codes. */
export function refused(
  name: string,
  sends: readonly Uint8Array[],
  closes: readonly number[] = PROTOCOL_ERROR,
  hears: readonly Message[] = [],
  chop?: number,
): ConformanceCase {
  return { name, sends, hears, closes, ...(chop === undefined ? {} : { chop }) }
}

export const ping = (payload: string | Uint8Array = ''): Buffer => frame(PING, payload)
