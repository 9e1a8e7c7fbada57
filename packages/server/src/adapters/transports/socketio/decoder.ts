/**
 * Packets out of what one link sends. Text is complete in itself, so all links share a decoder; one of its own a link has
 * only while the attachments of a packet are on their way. Too deep, too many, or none where there should be: it throws.
 */
import { isTooDeep, MAX_ATTACHMENTS, MAX_JSON_DEPTH } from '@roomful/protocol'
import { Decoder, type Packet } from 'socket.io-parser'

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
