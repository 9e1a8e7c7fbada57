/** Socket.IO packets as WebSocket frames. Each begins with `4`, Engine.IO's type of a message. Socket.IO protocol 5. */
import { bytesOf, holdsBinary, isBytes, toJson } from '@roomful/protocol'
import { PacketType } from 'socket.io-parser'
import { AckArgs } from '../../../core/base/contract.ts'
import { ackFrame, binaryFrame, textFrame } from '../websocket/frames.ts'

/** Engine.IO packets other than messages. */
export const ENGINE = {
  PING: textFrame('2'),
  PROBED: textFrame('3probe'),
  NOOP: textFrame('6'),
  CLOSE: textFrame('1'),
} as const

/**
 * The acknowledgement of a request.
 * @param id as the client sent it
 */
export function ackPacket(nsp: string, id: number, data: unknown): Uint8Array | readonly Uint8Array[] {
  const values = data instanceof AckArgs ? data.values : [data ?? null]
  if (holdsBinary(values)) return binaryPacket(PacketType.BINARY_ACK, nsp, values, id)
  const head = `43${place(nsp)}${id}`
  if (data instanceof AckArgs) return textFrame(head + JSON.stringify(values))
  return ackFrame(data, (plain) => `${head}[${toJson(plain ?? null)}]`)
}

/**
 * An event.
 * @param json the arguments after the name, as JSON with a comma before each
 * @param id asks for an acknowledgement
 */
export function eventFrame(nsp: string, type: string, json: string, id?: number): Uint8Array {
  return textFrame(`42${place(nsp)}${id ?? ''}[${JSON.stringify(type)}${json}]`)
}

/** An event whose arguments contain bytes. */
export function binaryEvent(nsp: string, type: string, args: readonly unknown[], id?: number): Uint8Array {
  return binaryPacket(PacketType.BINARY_EVENT, nsp, [type, ...args], id)
}

/** Accepts a CONNECT. */
export function connectedPacket(nsp: string, data: Record<string, unknown>): Uint8Array {
  return textFrame(`40${place(nsp)}${JSON.stringify(data)}`)
}

/** Refuses a CONNECT. */
export function refusedPacket(nsp: string, data: Record<string, unknown>): Uint8Array {
  return textFrame(`44${place(nsp)}${JSON.stringify(data)}`)
}

/** Ends the connection to a namespace; the client does not reconnect by itself. */
export function disconnectedPacket(nsp: string): Uint8Array {
  return textFrame(`41${place(nsp)}`)
}

/** Bytes are sent as attachments: one text frame, then a binary frame for each. Other dialects use `{"$binary": …}`. */
function binaryPacket(type: PacketType, nsp: string, data: readonly unknown[], id?: number): Uint8Array {
  const pieces: Uint8Array[] = []
  const json = JSON.stringify(data, function (this: Record<string, unknown>, key, value: unknown) {
    const held = this[key] // not `value`: Node's buffers have a `toJSON`
    return isBytes(held) ? { _placeholder: true, num: pieces.push(bytesOf(held)) - 1 } : value
  })
  const text = `4${type}${pieces.length}-${place(nsp)}${id ?? ''}${json}`
  return Buffer.concat([textFrame(text), ...pieces.map((piece) => binaryFrame(piece))])
}

function place(nsp: string): string {
  return nsp === '/' ? '' : `${nsp},`
}
