/** Out of the frames that WebSocket clients share, for what carries the same content without a WebSocket. RFC 6455 section 5.2. */

export interface Payload {
  readonly opcode: number
  readonly bytes: Buffer
}

/** @param frames whole frames, as frame.ts makes them, in buffers of any size */
export function* payloadsOf(frames: readonly Uint8Array[]): Generator<Payload> {
  const bytes = Buffer.concat(frames)
  for (let at = 0; at < bytes.length; ) {
    const opcode = (bytes[at] as number) & 0xf
    const short = bytes[at + 1] as number
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + head
    at = start + length
    yield { opcode, bytes: bytes.subarray(start, at) }
  }
}
