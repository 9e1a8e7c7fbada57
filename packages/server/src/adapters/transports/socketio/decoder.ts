/**
 * Packets out of what one link sends. Text is complete in itself, so all links share a decoder; one of its own a link has
 * only while the attachments of a packet are on their way. Too deep, too many, or none where there should be: it throws.
 */
import {
  type Inbound,
  isRecord,
  isTooDeep,
  MAX_ATTACHMENTS,
  MAX_JSON_DEPTH,
  readAuth,
  readRequest,
} from '@roomful/protocol'
import { Decoder, type Packet } from 'socket.io-parser'
import { tooLarge } from '../../../core/link/link.ts'

export interface Decoded {
  readonly packet: Packet
  /** False when attachments were dropped. */
  readonly isWhole: boolean
}

/** Text of a packet that announces attachments. */
const ANNOUNCES = /^[56]/

let shared: Packet | undefined
const textDecoder = new Decoder().on('decoded', (packet: Packet) => {
  shared = packet
})

export class PacketDecoder {
  private readonly maxBytes: number
  private assembling: { decoder: Decoder; bytes: number; packet: Packet | undefined } | undefined

  /** @param maxBytes of a packet with its attachments; what comes above that is dropped as it comes */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** @returns a packet once it is complete; @throws Error for what is none */
  add(data: string | Uint8Array): Decoded | undefined {
    if (typeof data !== 'string') return this.attach(data)
    if (this.assembling) throw new Error('Text where an attachment should be')
    if (isTooDeep(data)) throw new Error(`Nested deeper than ${MAX_JSON_DEPTH} levels`)
    if (ANNOUNCES.test(data)) {
      this.assemble(data)
      return undefined
    }
    textDecoder.add(data)
    const packet = shared as Packet
    shared = undefined
    return { packet, isWhole: true }
  }

  private assemble(text: string): void {
    const decoder = new Decoder({ maxAttachments: MAX_ATTACHMENTS })
    const assembling = { decoder, bytes: Buffer.byteLength(text), packet: undefined as Packet | undefined }
    decoder.on('decoded', (packet: Packet) => {
      assembling.packet = packet
    })
    decoder.add(text)
    this.assembling = assembling
  }

  private attach(data: Uint8Array): Decoded | undefined {
    const { assembling } = this
    if (!assembling) throw new Error('An attachment of nothing')
    assembling.bytes += data.byteLength
    assembling.decoder.add(assembling.bytes > this.maxBytes ? Buffer.alloc(0) : data)
    if (!assembling.packet) return undefined
    this.assembling = undefined
    return { packet: assembling.packet, isWhole: assembling.bytes <= this.maxBytes }
  }
}

export interface EventPacket {
  readonly channel: number
  readonly packet: Packet
  /** An event of this name has a schema, so what its data holds is known. */
  readonly isDeclared: (event: string) => boolean
  /** The application handles an event of this name, so it is not the protocol's. */
  readonly isHandled: (event: string) => boolean
  /** Set when attachments were dropped since they are more. */
  readonly exceeded: number | undefined
}

export function readEvent({ channel, packet, isDeclared, isHandled, exceeded }: EventPacket): Inbound {
  const [name, ...args] = packet.data as [unknown, ...unknown[]]
  const { id } = packet
  const event = String(name)
  if (exceeded !== undefined) return { kind: 'invalid', channel, error: tooLarge(exceeded), id, event }
  const [first] = args
  // Another token on the open connection.
  if (event === 'auth' && isRecord(first) && !isHandled(event)) return readAuth(channel, first)
  // As in plain, where no declared event has a field of this name. Elsewhere it may be anybody's data.
  if (isRecord(first) && args.length === 1 && first.key !== undefined && isDeclared(event)) {
    const { key, ...data } = first
    return readRequest(channel, event, [data], id, key)
  }
  return readRequest(channel, event, args, id, undefined)
}

/** Of several values the first one counts, as it does where Socket.IO's own server waits for an acknowledgement. */
export function readAnswer({ channel, packet, exceeded }: Omit<EventPacket, 'isDeclared' | 'isHandled'>): Inbound {
  const [data] = packet.data as readonly unknown[]
  const error = exceeded === undefined ? undefined : tooLarge(exceeded)
  return { kind: 'ack', channel, id: packet.id ?? 0, data, error }
}
