/**
 * What comes down a v1 link over HTTP: the frames that a WebSocket would carry, each as an event in the form of
 * `text/event-stream`, whether it is a stream or the answer to a poll. Pings and closes are events with a name. PROTOCOL.md 17.
 */

import { binaryFrame, CLOSE, PING, payloadsOf, TEXT } from '../../transports/websocket/wire.ts'

export const PING_FRAME = binaryFrame(new Uint8Array(), PING)

/** The end of a stream whose link goes on over a WebSocket. */
export const MOVED = namedEvent('moved', '')

/** What a client has to know before anything else. */
export function linkEvent(link: { readonly link: string; readonly maxBytes: number }): string {
  return namedEvent('link', JSON.stringify(link))
}

/** As a WebSocket says it. RFC 6455 section 5.5.1. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return binaryFrame(payload, CLOSE)
}

export function toEvents(frames: readonly Uint8Array[]): string {
  let events = ''
  for (const { opcode, bytes } of payloadsOf(frames)) {
    if (opcode === TEXT) events += `data: ${bytes.toString()}\n\n`
    else if (opcode === PING) events += namedEvent('ping', '')
    else if (opcode === CLOSE) {
      const close = { code: bytes.readUInt16BE(), reason: bytes.toString('utf8', 2) }
      events += namedEvent('close', JSON.stringify(close))
    }
  }
  return events
}

function namedEvent(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`
}
