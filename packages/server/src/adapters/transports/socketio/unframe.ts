/** The payload of a poll, out of the WebSocket frames that every client of a namespace shares. Engine.IO protocol 4. */

import { BINARY, payloadsOf } from '../websocket/frames.ts'

const SEPARATOR = '\u001e'

/** @param frames whole frames, as frame.ts makes them, in buffers of any size */
export function toPayload(frames: readonly Uint8Array[]): string {
  const packets: string[] = []
  for (const { opcode, bytes } of payloadsOf(frames)) {
    packets.push(opcode === BINARY ? `b${bytes.toString('base64')}` : bytes.toString('utf8'))
  }
  return packets.join(SEPARATOR)
}
