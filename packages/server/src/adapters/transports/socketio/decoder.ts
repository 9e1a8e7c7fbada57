/**
 * Decodes Socket.IO packets and reads the events and acknowledgements in them. All links share one decoder for text; a
 * link has its own only while it waits for the attachments of a packet.
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

/** A packet with all its attachments. */
export interface Decoded {
  readonly packet: Packet
  /** False when attachments were dropped because they are too large. */
  readonly isWhole: boolean
}

/** What a packet may be. */
export interface PacketBounds {
  /** Levels of arrays and objects in each other. */
  readonly maxDepth: number
  readonly maxAttachments: number
}

const BOUNDS: PacketBounds = { maxDepth: MAX_JSON_DEPTH, maxAttachments: MAX_ATTACHMENTS }

/** The text of a packet with attachments. */
const ANNOUNCES = /^[56]/

let shared: Packet | undefined
const textDecoder = new Decoder().on('decoded', (packet: Packet) => {
  shared = packet
})

/** The decoder of one link. */
export class PacketDecoder {
  private readonly maxBytes: number
  private readonly bounds: PacketBounds
  private assembling: { decoder: Decoder; bytes: number; packet: Packet | undefined } | undefined

  /**
   * @param maxBytes most bytes of a packet with its attachments; attachments beyond that are dropped
   * @param bounds shared by all links of a server
   */
  constructor(maxBytes: number, bounds: PacketBounds = BOUNDS) {
    this.maxBytes = maxBytes
    this.bounds = bounds
  }

  /** @returns a packet once it is complete. @throws Error for invalid, too deep or unexpected data */
  add(data: string | Uint8Array): Decoded | undefined {
    if (typeof data !== 'string') return this.attach(data)
    if (this.assembling) throw new Error('Text where an attachment should be')
    const { maxDepth } = this.bounds
    if (isTooDeep(data, maxDepth)) throw new Error(`Nested deeper than ${maxDepth} levels`)
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
    const decoder = new Decoder({ maxAttachments: this.bounds.maxAttachments })
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

/** An event of a client, with what the namespace knows of its name. */
export interface EventPacket {
  readonly channel: number
  readonly packet: Packet
  /** Whether an event of this name has a schema. */
  readonly isDeclared: (event: string) => boolean
  /** Whether the application handles an event of this name. Then it is not the protocol's `auth`. */
  readonly isHandled: (event: string) => boolean
  /** The limit in bytes, when attachments were dropped because of it. */
  readonly exceeded: number | undefined
}

/** What an EVENT packet asks for. PROTOCOL.md, sections 4 and 14. */
export function readEvent({ channel, packet, isDeclared, isHandled, exceeded }: EventPacket): Inbound {
  const [name, ...args] = packet.data as [unknown, ...unknown[]]
  const { id } = packet
  const event = String(name)
  if (exceeded !== undefined) return { kind: 'invalid', channel, error: tooLarge(exceeded), id, event }
  const [first] = args
  // A new token for the open connection.
  if (event === 'auth' && isRecord(first) && !isHandled(event)) return readAuth(channel, first)
  // As in plain, `key` is the idempotency key of declared events, which have no such field. Undeclared ones may have one.
  if (isRecord(first) && args.length === 1 && first.key !== undefined && isDeclared(event)) {
    const { key, ...data } = first
    return readRequest(channel, event, [data], id, key)
  }
  return readRequest(channel, event, args, id, undefined)
}

/** A client's acknowledgement. Of several values the first one counts, as in Socket.IO's own server. */
export function readAnswer({ channel, packet, exceeded }: Omit<EventPacket, 'isDeclared' | 'isHandled'>): Inbound {
  const [data] = packet.data as readonly unknown[]
  const error = exceeded === undefined ? undefined : tooLarge(exceeded)
  return { kind: 'ack', channel, id: packet.id ?? 0, data, error }
}
