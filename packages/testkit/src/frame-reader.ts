/** Reads WebSocket frames as a server sends them: whole messages, unmasked, uncompressed. RFC 6455 section 5.2. */
export interface Frame {
  readonly opcode: number
  readonly payload: Uint8Array
}

export const TEXT = 0x1

const FIN = 0x80
const MASK = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127

/** @throws Error for bytes that are not whole frames of this kind: the server wrote something no client would read */
export function* readFrames(bytes: Uint8Array): Generator<Frame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.byteLength; ) {
    const first = view.getUint8(at)
    const second = view.getUint8(at + 1)
    if ((first & FIN) === 0 || (first & 0x70) !== 0 || (second & MASK) !== 0) {
      throw new Error(`No frame that a server may send at byte ${at}: ${first.toString(16)} ${second.toString(16)}`)
    }
    at += 2
    let length = second
    if (second === LENGTH_16) {
      length = view.getUint16(at)
      at += 2
    } else if (second === LENGTH_64) {
      length = Number(view.getBigUint64(at))
      at += 8
    }
    if (at + length > bytes.byteLength) throw new Error(`A frame of ${length} bytes at byte ${at} is cut short`)
    yield { opcode: first & 0x0f, payload: bytes.subarray(at, at + length) }
    at += length
  }
}
