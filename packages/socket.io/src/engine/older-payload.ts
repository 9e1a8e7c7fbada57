/** Payloads of polls in version 3 of Engine.IO's protocol: each packet after its length in characters and a colon. */
import { decodePacket, type Packet } from 'engine.io-parser'

const INVALID: Packet = { type: 'error', data: 'parser error' }
const LENGTH = /(\d{1,10}):/y

export function olderPackets(payload: string): Packet[] {
  const packets: Packet[] = []
  for (let at = 0; at < payload.length; ) {
    LENGTH.lastIndex = at
    const [head = '', digits] = LENGTH.exec(payload) ?? []
    const start = at + head.length
    const end = start + Number(digits)
    if (!(end <= payload.length)) return [...packets, INVALID]
    packets.push(decodeOlder(payload.slice(start, end)))
    at = end
  }
  return packets
}

/** Bytes are `b`, the type, and base64. */
function decodeOlder(packet: string): Packet {
  if (!packet.startsWith('b')) return decodePacket(packet)
  return packet[1] === '4' ? { type: 'message', data: Buffer.from(packet.slice(2), 'base64') } : INVALID
}
