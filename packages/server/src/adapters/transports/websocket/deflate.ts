/**
 * permessage-deflate (RFC 7692) without a memory of earlier messages in either direction. So one compressed frame serves all
 * clients, and a connection costs nothing more. Each message stands alone and ends in a sync flush, never in a final block:
 * several clients read every message after a final block as empty.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { isSame } from '../../../core/base/turn.ts'
import { readDeflateOffer } from './deflate-offer.ts'
import { binaryFrame, CLOSE, frameAt, frameHead, RSV1 } from './frames.ts'

/** The window of a client that does not limit it: 32 KiB. */
const WINDOW_BITS_MAX = 15
/** What each sync flush ends with. It is left out at the end of a message. RFC 7692 section 7.2.1. */
const FLUSH = Buffer.from([0, 0, 0xff, 0xff])
/** Shorter parts of a message are stored as they are: five bytes more, and no call of zlib. */
const STORED_MAX_BYTES = 256
const TOO_LARGE = 1009
const INVALID_DATA = 1007

/** Called for each message that was compressed, once for all of its receivers. */
export type OnDeflated = (plainBytes: number, bytes: number) => void

export interface DeflateOptions {
  /** Messages with a shorter payload are sent as they are. */
  readonly minBytes: number
  readonly onDeflated: OnDeflated
}

/** What the connections of one server with one size of window share. */
export class Deflater {
  /** What the server answers to the offer. */
  readonly answer: string
  private readonly windowBits: number
  private readonly options: DeflateOptions
  /** Compresses what fits into the smaller window of this one, so that all clients share it. */
  private readonly full: Deflater | undefined
  private readonly packs = new WeakMap<Uint8Array, Uint8Array>()
  private readonly segments = new WeakMap<Uint8Array, Uint8Array>()
  private lastFrames: readonly Uint8Array[] = []
  private lastPacked: readonly Uint8Array[] = []

  /** @param full the one of clients that do not limit the window, for those that do */
  constructor(windowBits: number, options: DeflateOptions, full?: Deflater) {
    this.windowBits = windowBits
    this.options = options
    this.full = full
    const limit = full ? `; server_max_window_bits=${windowBits}` : ''
    this.answer = `permessage-deflate; server_no_context_takeover; client_no_context_takeover${limit}`
  }

  /**
   * Compresses the messages that are worth it. The same frames give the same bytes, so a room costs one compression.
   * @param frames what is written to one client: whole frames in buffers of any size
   */
  pack(frames: readonly Uint8Array[]): readonly Uint8Array[] {
    if (isSame(frames, this.lastFrames)) return this.lastPacked
    this.lastFrames = frames
    this.lastPacked = this.packAll(frames)
    return this.lastPacked
  }

  private packAll(frames: readonly Uint8Array[]): readonly Uint8Array[] {
    const packed: Uint8Array[] = []
    for (let i = 0; i < frames.length; i++) {
      const first = frames[i] as Uint8Array
      if (first.byteLength === 0) continue // what follows a shared part may be nothing
      const { end } = frameAt(first, 0)
      if (end <= first.byteLength) {
        packed.push(this.packWhole(first))
        continue
      }
      const parts = [first]
      for (let length = first.byteLength; length < end; ) {
        const part = frames[++i] as Uint8Array
        parts.push(part)
        length += part.byteLength
      }
      packed.push(...this.packParts(parts))
    }
    return packed
  }

  /** @param frames one frame, or several in one buffer */
  private packWhole(frames: Uint8Array): Uint8Array {
    if (frames.byteLength < this.options.minBytes) return frames
    if (this.full && this.fits(frames)) return this.full.packWhole(frames)
    const known = this.packs.get(frames)
    if (known) return known
    const each: Uint8Array[] = []
    for (let at = 0; at < frames.byteLength; ) {
      const { opcode, start, end } = frameAt(frames, at)
      each.push(this.packFrame(opcode, frames.subarray(start, end)) ?? frames.subarray(at, end))
      at = end
    }
    const isAsItWas = each.length === 1 && each[0]?.byteLength === frames.byteLength
    const packed = isAsItWas ? frames : each.length === 1 ? (each[0] as Uint8Array) : Buffer.concat(each)
    this.packs.set(frames, packed)
    return packed
  }

  /** @returns nothing for what is not worth it */
  private packFrame(opcode: number, payload: Uint8Array): Uint8Array | undefined {
    if (opcode >= CLOSE || payload.byteLength < this.options.minBytes) return undefined
    const compressed = this.deflate(payload).subarray(0, -FLUSH.length)
    if (compressed.byteLength >= payload.byteLength) return undefined
    this.options.onDeflated(payload.byteLength, compressed.byteLength)
    return binaryFrame(compressed, RSV1 | opcode)
  }

  /**
   * A message of which a part is shared with other messages: that part is compressed once, and the others around it. Each
   * is a run of blocks that refers to nothing before it.
   * @param parts of one frame; the header is in the first
   */
  private packParts(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    const [first, ...more] = parts as [Uint8Array, ...Uint8Array[]]
    const { opcode, start, end } = frameAt(first, 0)
    if (end - start < this.options.minBytes) return parts
    const runs = [this.segment(first.subarray(start), false), ...more.map((part) => this.segment(part, true))]
    const last = runs.length - 1
    runs[last] = (runs[last] as Uint8Array).subarray(0, -FLUSH.length)
    const length = runs.reduce((sum, run) => sum + run.byteLength, 0)
    if (length >= end - start) return parts
    this.options.onDeflated(end - start, length)
    return [frameHead(RSV1 | opcode, length), ...runs]
  }

  /** A run of blocks that ends in a flush. */
  private segment(bytes: Uint8Array, isShared: boolean): Uint8Array {
    if (bytes.byteLength <= STORED_MAX_BYTES) return stored(bytes)
    if (this.full && this.fits(bytes)) return this.full.segment(bytes, isShared)
    const known = isShared ? this.segments.get(bytes) : undefined
    if (known) return known
    const run = Buffer.from(this.deflate(bytes)) // a copy, for the result is a view of a larger buffer
    if (isShared) this.segments.set(bytes, run)
    return run
  }

  /** A message refers to nothing but its own bytes, so the size of the window makes no difference to a short one. */
  private fits(bytes: Uint8Array): boolean {
    return bytes.byteLength <= 2 ** this.windowBits
  }

  private deflate(bytes: Uint8Array): Uint8Array {
    return deflateRawSync(bytes, { windowBits: this.windowBits, finishFlush: constants.Z_SYNC_FLUSH })
  }
}

/** Blocks that say the bytes as they are, and a flush. RFC 1951 section 3.2.4. */
function stored(bytes: Uint8Array): Uint8Array {
  const { byteLength: length } = bytes
  const block = Buffer.alloc((length > 0 ? 5 : 0) + length + 5)
  if (length > 0) {
    block.writeUInt16LE(length, 1)
    block.writeUInt16LE(length ^ 0xffff, 3)
    block.set(bytes, 5)
  }
  block.writeUInt16LE(0xffff, block.length - 2)
  return block
}

/**
 * One message of a client. Its memory is gone afterwards, and never much more than `maxBytes`.
 * @returns the code for the close frame where it is not valid, or longer
 */
export function inflate(bytes: Uint8Array, maxBytes: number): Buffer | number {
  try {
    const { buffer, engine } = inflateRawSync(Buffer.concat([bytes, FLUSH]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: Math.max(maxBytes, 1),
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    // Behind a final block comes at most the empty byte of RFC 7692 section 7.2.3.4; more would be lost in silence.
    if (engine.bytesWritten < bytes.byteLength - 1) return INVALID_DATA
    return buffer.byteLength > maxBytes ? TOO_LARGE : buffer
  } catch (error) {
    return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? TOO_LARGE : INVALID_DATA
  }
}

/** Accepts what clients offer, and gives those that offer the same what they share. */
export class DeflateNegotiator {
  /** By size of the window that clients limit it to: at most 7. */
  private readonly limited = new Map<number, Deflater>()
  private readonly options: DeflateOptions
  private readonly full: Deflater

  constructor(options: DeflateOptions) {
    this.options = options
    this.full = new Deflater(WINDOW_BITS_MAX, options)
  }

  /**
   * @param header `Sec-WebSocket-Extensions` of the request
   * @returns undefined where nothing that is offered can be accepted: messages are not compressed then
   */
  choose(header: string | undefined): Deflater | undefined {
    const offer = header === undefined ? undefined : readDeflateOffer(header)
    if (!offer) return undefined
    const { windowBits } = offer
    if (windowBits === undefined) return this.full
    const known = this.limited.get(windowBits)
    if (known) return known
    const deflater = new Deflater(windowBits, this.options, this.full)
    this.limited.set(windowBits, deflater)
    return deflater
  }
}
