/** The payload of a poll, out of the WebSocket frames that every client of a namespace shares. Engine.IO protocol 4. */
import { BINARY } from '../frame.ts'

const SEPARATOR = '\u001e'

/** @param frames whole frames, as frame.ts makes them, in buffers of any size */
export function toPayload(frames: readonly Uint8Array[]): string {
  const bytes = Buffer.concat(frames)
  const packets: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const isBinary = ((bytes[at] as number) & 0xf) === BINARY
    const short = bytes[at + 1] as number
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + head
    const end = start + length
    packets.push(isBinary ? `b${bytes.toString('base64', start, end)}` : bytes.toString('utf8', start, end))
    at = end
  }
  return packets.join(SEPARATOR)
}
