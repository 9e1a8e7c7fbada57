/** Socket.IO packets as WebSocket frames, each of which begins with Engine.IO's sign of a message. Socket.IO protocol 5. */
import { holdsBinary, toJson } from '@roomful/protocol'
import { Encoder, PacketType } from 'socket.io-parser'
import { Several } from '../../../core/answer.ts'
import { ackFrame, binaryFrame, textFrame } from '../frame.ts'

/** Engine.IO packets that are more than a message. */
export const ENGINE = {
  PING: textFrame('2'),
  PROBED: textFrame('3probe'),
  NOOP: textFrame('6'),
  CLOSE: textFrame('1'),
} as const

const encoder = new Encoder()

/** @param id of the acknowledgement */
export function ackPacket(nsp: string, id: number, data: unknown): Uint8Array | readonly Uint8Array[] {
  const values = data instanceof Several ? data.values : [data ?? null]
  if (holdsBinary(values)) return binaryPacket(PacketType.ACK, nsp, values, id)
  const head = `43${place(nsp)}${id}`
  if (data instanceof Several) return textFrame(head + JSON.stringify(values))
  return ackFrame(data, (plain) => `${head}[${toJson(plain ?? null)}]`)
}

/**
 * @param json the arguments behind the name, as JSON with a comma before each
 * @param id asks for an acknowledgement
 */
export function eventFrame(nsp: string, type: string, json: string, id?: number): Uint8Array {
  return textFrame(`42${place(nsp)}${id ?? ''}[${JSON.stringify(type)}${json}]`)
}

/** An event whose arguments hold bytes. */
export function binaryEvent(nsp: string, type: string, args: readonly unknown[], id?: number): Uint8Array {
  return binaryPacket(PacketType.EVENT, nsp, [type, ...args], id)
}

export function connectedPacket(nsp: string, data: Record<string, unknown>): Uint8Array {
  return textFrame(`40${place(nsp)}${JSON.stringify(data)}`)
}

export function refusedPacket(nsp: string, data: Record<string, unknown>): Uint8Array {
  return textFrame(`44${place(nsp)}${JSON.stringify(data)}`)
}

export function disconnectedPacket(nsp: string): Uint8Array {
  return textFrame(`41${place(nsp)}`)
}

/** What `{"$binary": …}` stands for elsewhere goes as attachments: one frame of text, one of each piece. */
function binaryPacket(type: PacketType, nsp: string, data: readonly unknown[], id?: number): Uint8Array {
  const packet = { type, nsp, data: [...data], ...(id === undefined ? {} : { id }) }
  const parts = encoder.encode(packet) as (string | Uint8Array | ArrayBuffer)[]
  const frames = parts.map((part) =>
    typeof part === 'string'
      ? textFrame(`4${part}`)
      : binaryFrame(part instanceof ArrayBuffer ? new Uint8Array(part) : part),
  )
  return Buffer.concat(frames)
}

function place(nsp: string): string {
  return nsp === '/' ? '' : `${nsp},`
}
