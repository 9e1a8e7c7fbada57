/** WebSocket frames as a server sends them: final, unmasked, uncompressed. RFC 6455 section 5.2. */

export const TEXT = 0x1
export const BINARY = 0x2
export const PONG = 0xa

const FIN = 0x80

export function textFrame(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const frame = allocate(TEXT, length)
  frame.write(text, frame.length - length, 'utf8')
  return frame
}

export function binaryFrame(payload: Uint8Array, opcode: number = BINARY): Uint8Array {
  const frame = allocate(opcode, payload.byteLength)
  frame.set(payload, frame.length - payload.byteLength)
  return frame
}

/** A buffer for the whole frame, its header written. */
function allocate(opcode: number, length: number): Buffer {
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + length)
    frame[1] = length
    frame[0] = FIN | opcode
    return frame
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + length)
    frame[0] = FIN | opcode
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
    return frame
  }
  const frame = Buffer.allocUnsafe(10 + length)
  frame[0] = FIN | opcode
  frame[1] = 127
  frame.writeBigUInt64BE(BigInt(length), 2)
  return frame
}
