/**
 * Frames as a server sends them: final and unmasked. RFC 6455 section 5.2. frame-reader.ts reads those of clients, and
 * deflate.ts compresses.
 */
import { aroundShared } from '@roomful/protocol'
import { AckArgs } from '../../../core/base/contract.ts'

export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** With the opcode of a message that is compressed. RFC 7692 section 6. */
export const RSV1 = 0x40

const FIN = 0x80

/** A text frame in three buffers. The middle one is shared with other frames and not copied. */
function textFrameAround(before: string, shared: Uint8Array, after: string): readonly Uint8Array[] {
  const tail = Buffer.from(after)
  const own = Buffer.byteLength(before)
  const head = allocate(TEXT, own, shared.byteLength + tail.byteLength)
  head.write(before, head.length - own, 'utf8')
  return [head, shared, tail]
}

/** A text frame. */
export function textFrame(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const frame = allocate(TEXT, length)
  frame.write(text, frame.length - length, 'utf8')
  return frame
}

/** The frame of an acknowledgement. Bytes that many acknowledgements share are encoded once. */
export function ackFrame(data: unknown, encode: (data: unknown) => string): Uint8Array | readonly Uint8Array[] {
  const text = aroundShared(data instanceof AckArgs ? data.values : data, encode)
  return typeof text === 'string' ? textFrame(text) : textFrameAround(text.before, text.shared.bytes, text.after)
}

/** A binary frame, or another one with an opcode. */
export function binaryFrame(payload: Uint8Array, opcode: number = BINARY): Uint8Array {
  const frame = allocate(opcode, payload.byteLength)
  frame.set(payload, frame.length - payload.byteLength)
  return frame
}

/** @param code 1005 for a frame without one */
export function closeFrame(code: number, reason: string): Uint8Array {
  if (code === 1005) return allocate(CLOSE, 0)
  const text = Buffer.byteLength(reason)
  const frame = allocate(CLOSE, 2 + text)
  frame.writeUInt16BE(code, frame.length - text - 2)
  frame.write(reason, frame.length - text, 'utf8')
  return frame
}

/** The header of a frame whose payload is in other buffers. */
export function frameHead(opcode: number, length: number): Uint8Array {
  return allocate(opcode, 0, length)
}

/** A buffer that begins with the header of a frame; `elsewhere` bytes of the payload follow in other buffers. */
function allocate(opcode: number, here: number, elsewhere = 0): Buffer {
  const length = here + elsewhere
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + here)
    frame[1] = length
    frame[0] = FIN | opcode
    return frame
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + here)
    frame[0] = FIN | opcode
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
    return frame
  }
  const frame = Buffer.allocUnsafe(10 + here)
  frame[0] = FIN | opcode
  frame[1] = 127
  frame.writeBigUInt64BE(BigInt(length), 2)
  return frame
}

/** The content of one frame. */
export interface Payload {
  readonly opcode: number
  readonly bytes: Buffer
}

/**
 * Takes payloads out of frames, for links without a WebSocket: events are encoded once as frames for all clients.
 * @param frames whole frames made by the functions above, in buffers of any size
 */
export function* payloadsOf(frames: readonly Uint8Array[]): Generator<Payload> {
  const bytes = Buffer.concat(frames)
  for (let at = 0; at < bytes.length; ) {
    const { opcode, start, end } = frameAt(bytes, at)
    at = end
    yield { opcode, bytes: bytes.subarray(start, end) }
  }
}

/** Where the payload of a frame is that begins at `at`; it may end in a later buffer. */
export function frameAt(bytes: Uint8Array, at: number): { opcode: number; start: number; end: number } {
  const opcode = (bytes[at] as number) & 0xf
  const short = bytes[at + 1] as number
  const head = short < 126 ? 2 : short === 126 ? 4 : 10
  const start = at + head
  let length = short
  if (short >= 126) {
    length = 0
    for (let i = at + 2; i < start; i++) length = length * 256 + (bytes[i] as number)
  }
  return { opcode, start, end: start + length }
}
