/** Payloads of polls in version 3 of Engine.IO's protocol, which clients of Socket.IO 2 speak. */
import { BINARY, payloadsOf } from '@roomful/server/core'
import type { Packet, PacketType } from 'engine.io-parser'
import type { Answer } from './polling.ts'

const TYPES: readonly PacketType[] = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop']
const BROKEN: Packet = { type: 'error', data: 'parser error' }
/** Ends the digits of a length in a payload of bytes. */
const LENGTH_END = 255
/** More digits than any length has that may be sent. */
const LENGTH_DIGITS_MAX = 15

/** A packet as text: a digit, or `b`, a digit and base64. */
export function decodePacket3(text: string): Packet {
  const isBase64 = text[0] === 'b'
  const type = TYPES[Number(text[isBase64 ? 1 : 0])]
  if (type === undefined || text === '') return BROKEN
  if (isBase64) return { type, data: Buffer.from(text.slice(2), 'base64') }
  return text.length > 1 ? { type, data: text.slice(1) } : { type }
}

/** A packet as bytes: a number, then the data. */
export function decodeBytes3(bytes: Uint8Array): Packet {
  const type = TYPES[bytes[0] ?? TYPES.length]
  return type === undefined ? BROKEN : { type, data: bytes.subarray(1) as Buffer }
}

/** @param payload `length:packet…`, the length in UTF-16 units */
export function decodeText3(payload: string): Packet[] {
  const packets: Packet[] = []
  for (let at = 0; at < payload.length; ) {
    const colon = payload.indexOf(':', at)
    const digits = payload.slice(at, colon)
    const end = colon + 1 + Number(digits)
    if (!/^\d{1,15}$/.test(digits) || end > payload.length || end === colon + 1) return [...packets, BROKEN]
    packets.push(decodePacket3(payload.slice(colon + 1, end)))
    at = end
  }
  return packets.length > 0 ? packets : [BROKEN]
}

/** @param payload for each packet 0 (text) or 1 (bytes), the digits of its length in bytes, 255, the packet */
export function decodeBinary3(payload: Buffer): Packet[] {
  const packets: Packet[] = []
  for (let at = 0; at < payload.length; ) {
    const isText = payload[at] === 0
    const start = payload.indexOf(LENGTH_END, at + 1) + 1
    const digits = payload.subarray(at + 1, start - 1)
    if (start === 0 || digits.length === 0 || digits.length > LENGTH_DIGITS_MAX || digits.some((each) => each > 9)) {
      return [...packets, BROKEN]
    }
    const end = start + digits.reduce((length, digit) => length * 10 + digit, 0)
    if (end > payload.length) return [...packets, BROKEN]
    const packet = payload.subarray(start, end)
    packets.push(isText ? decodePacket3(packet.toString('utf8')) : decodeBytes3(packet))
    at = end
  }
  return packets
}

/** @param acceptsBytes false for clients that take base64 alone */
export function payload3(frames: readonly Uint8Array[], acceptsBytes: boolean): Answer {
  const packets = [...payloadsOf(frames)]
  if (!acceptsBytes || packets.every(({ opcode }) => opcode !== BINARY)) {
    const text = packets.map(({ opcode, bytes }) => {
      const packet = opcode === BINARY ? `b${bytes[0]}${bytes.subarray(1).toString('base64')}` : bytes.toString('utf8')
      return `${packet.length}:${packet}`
    })
    return { body: Buffer.from(text.join('')), type: 'text/plain; charset=UTF-8' }
  }
  const parts = packets.flatMap(({ opcode, bytes }) => {
    const digits = [...String(bytes.byteLength)].map(Number)
    return [Buffer.from([opcode === BINARY ? 1 : 0, ...digits, LENGTH_END]), bytes]
  })
  return { body: Buffer.concat(parts), type: 'application/octet-stream' }
}
