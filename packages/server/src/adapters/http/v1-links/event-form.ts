/**
 * Frames of a v1 link over HTTP in the form of `text/event-stream`, for streams and answers to polls. A text frame is an
 * event without a name; pings and closes are events with a name. PROTOCOL.md, section 17.
 */
import { binaryFrame, CLOSE, PING, payloadsOf, TEXT } from '../../transports/websocket/frames.ts'

/** An empty ping. */
export const PING_FRAME = binaryFrame(new Uint8Array(), PING)

/** The last event of a stream whose link continues over a WebSocket. */
export const MOVED = namedEvent('moved', '')

/** The first event: the link's secret and the maximum size of a POST. */
export function linkEvent(link: { readonly link: string; readonly maxBytes: number }): string {
  return namedEvent('link', JSON.stringify(link))
}

/** A close frame. RFC 6455 section 5.5.1. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return binaryFrame(payload, CLOSE)
}

/** Frames as events. */
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
