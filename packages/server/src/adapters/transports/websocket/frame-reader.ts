/**
 * Reads the frames of one client: unmasks, joins fragments, and checks what RFC 6455 asks of a client. An idle client costs
 * one small object, and a short message no copy but its text.
 */
import { isUtf8 } from 'node:buffer'
import { type Deflater, inflate } from './deflate.ts'
import { BINARY, CLOSE, PING, PONG, RSV1, TEXT } from './frames.ts'

/** What many connections have in common: the limits, and what the handshake agreed on. */
export interface FrameForm {
  /** Most bytes of one message, also once it is decompressed; more are a violation with code 1009. */
  readonly maxPayload: number
  /** Set where the client may compress its messages and reads compressed ones. */
  readonly deflater: Deflater | undefined
}

/** Receives what a client sent. Everything is called within {@link FrameReader.read}, in the order of the frames. */
export interface FrameHandler {
  onText(text: string): void
  /** @param bytes a view that stays as it is */
  onBinary(bytes: Buffer): void
  onPing(bytes: Buffer): void
  onPong(): void
  /** The last frame. @param code 1005 where it names none */
  onClose(code: number, reason: string): void
  /** The client broke the protocol, or a limit: nothing after this is read. @param code for the close frame: 1002, 1007, 1008, 1009 */
  onViolation(code: number): void
}

/** More fragments in one message are refused with 1008. */
const FRAGMENTS_MAX = 16_384
const NO_STATUS = 1005
const PROTOCOL_ERROR = 1002
const INVALID_TEXT = 1007
const POLICY = 1008
const TOO_LARGE = 1009
const CONTINUATION = 0x0
const CONTROL_MAX_BYTES = 125
const REST_MIN_BYTES = 64
/** The upper half of a length of 64 bits may have this much: a larger one is no safe integer. */
const LENGTH_HIGH_MAX = 0x1f_ffff
const EMPTY = Buffer.alloc(0)

/** Bytes that arrive in pieces. Its capacity doubles, so a client that sends single bytes costs a copy of each, twice. */
class Pieces {
  length = 0
  private bytes: Buffer

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
  }

  add(piece: Uint8Array): void {
    const needed = this.length + piece.byteLength
    if (needed > this.bytes.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.byteLength * 2))
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    this.bytes.set(piece, this.length)
    this.length = needed
  }

  get view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }
}

/** A message whose last fragment has not arrived. */
interface Fragmented {
  readonly opcode: number
  readonly isDeflated: boolean
  readonly payload: Pieces
  fragments: number
}

/** What {@link FrameReader} knows of a frame that is not whole yet. */
const INCOMPLETE = -1
/** Nothing more is read. */
const OVER = -2

export class FrameReader {
  readonly form: FrameForm
  private readonly handler: FrameHandler
  // Declared only, so that a client that sends whole frames has no memory for them. P5.
  /** The beginning of a frame. */
  declare private rest: Pieces | undefined
  declare private message: Fragmented | undefined
  private isOver = false

  constructor(form: FrameForm, handler: FrameHandler) {
    this.form = form
    this.handler = handler
  }

  /** @param chunk what the socket read; its bytes are unmasked in place */
  read(chunk: Buffer): void {
    if (this.isOver) return
    let bytes = chunk
    if (this.rest) {
      this.rest.add(chunk)
      bytes = this.rest.view
    }
    let at = 0
    while (at < bytes.length) {
      const next = this.frame(bytes, at)
      if (next === INCOMPLETE) break
      if (next === OVER) {
        this.isOver = true
        this.rest = undefined
        this.message = undefined
        return
      }
      at = next
    }
    if (at < bytes.length) this.keep(bytes, at)
    else if (this.rest) this.rest = undefined
  }

  private keep(bytes: Buffer, from: number): void {
    if (from === 0 && this.rest) return // they are there already
    // A copy, for the chunk may be 64 KiB, and what was read of it has views of its own.
    const left = bytes.subarray(from)
    this.rest = new Pieces(Math.max(left.length * 2, REST_MIN_BYTES))
    this.rest.add(left)
  }

  /** @returns where the next frame begins, or {@link INCOMPLETE} or {@link OVER} */
  private frame(bytes: Buffer, at: number): number {
    const left = bytes.length - at
    if (left < 2) return INCOMPLETE
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const opcode = first & 0x0f
    const isFinal = first >= 0x80
    if (!this.isAllowed(first, opcode, isFinal, second)) return this.violation(PROTOCOL_ERROR)
    let length = second & 0x7f
    let head = 6
    if (length === 126) {
      head = 8
      if (left < 4) return INCOMPLETE
      length = bytes.readUInt16BE(at + 2)
    } else if (length === 127) {
      head = 14
      if (left < 10) return INCOMPLETE
      const high = bytes.readUInt32BE(at + 2)
      if (high > LENGTH_HIGH_MAX) return this.violation(TOO_LARGE)
      length = high * 2 ** 32 + bytes.readUInt32BE(at + 6)
    }
    if (opcode < CLOSE && length + (this.message?.payload.length ?? 0) > this.form.maxPayload)
      return this.violation(TOO_LARGE)
    if (left < head + length) return INCOMPLETE
    const from = at + head
    const to = from + length
    const seen = length === 0 ? 0 : unmask(bytes, from, to)
    const isTaken = opcode >= CLOSE ? this.control(opcode, bytes, from, to) : this.data(first, bytes, from, to, seen)
    return isTaken ? to : OVER
  }

  private isAllowed(first: number, opcode: number, isFinal: boolean, second: number): boolean {
    const reserved = first & 0x70
    if (reserved !== 0) {
      const isDeflated = reserved === RSV1 && this.form.deflater !== undefined
      // The first frame of a message says it for all of them.
      if (!isDeflated || opcode === CONTINUATION || opcode >= CLOSE) return false
    }
    if (second < 0x80) return false // no mask
    if (opcode === CONTINUATION) return this.message !== undefined
    if (opcode === TEXT || opcode === BINARY) return this.message === undefined
    if (opcode < CLOSE || opcode > PONG) return false
    const length = second & 0x7f
    return isFinal && length <= CONTROL_MAX_BYTES && !(opcode === CLOSE && length === 1)
  }

  /** @param seen all bytes of the payload, or-ed */
  private data(first: number, bytes: Buffer, from: number, to: number, seen: number): boolean {
    const isFinal = first >= 0x80
    const isDeflated = (first & RSV1) !== 0
    if (isFinal && this.message === undefined) {
      const opcode = first & 0x0f
      return isDeflated
        ? this.deliverDeflated(opcode, bytes.subarray(from, to))
        : this.deliver(opcode, bytes, from, to, seen < 0x80)
    }
    this.message ??= {
      opcode: first & 0x0f,
      isDeflated,
      payload: new Pieces(Math.max(to - from, REST_MIN_BYTES)),
      fragments: 0,
    }
    const { message } = this
    if (++message.fragments > FRAGMENTS_MAX) return this.violated(POLICY)
    message.payload.add(bytes.subarray(from, to))
    if (!isFinal) return true
    this.message = undefined
    const { view } = message.payload
    if (message.isDeflated) return this.deliverDeflated(message.opcode, view)
    return this.deliver(message.opcode, view, 0, view.length, false)
  }

  private deliverDeflated(opcode: number, bytes: Buffer): boolean {
    const inflated = inflate(bytes, this.form.maxPayload)
    return typeof inflated === 'number'
      ? this.violated(inflated)
      : this.deliver(opcode, inflated, 0, inflated.length, false)
  }

  private deliver(opcode: number, bytes: Buffer, from: number, to: number, isAscii: boolean): boolean {
    if (opcode === BINARY) this.handler.onBinary(from === to ? EMPTY : bytes.subarray(from, to))
    else if (isAscii) this.handler.onText(bytes.toString('latin1', from, to))
    else {
      if (!isUtf8(bytes.subarray(from, to))) return this.violated(INVALID_TEXT)
      this.handler.onText(bytes.toString('utf8', from, to))
    }
    return true
  }

  private control(opcode: number, bytes: Buffer, from: number, to: number): boolean {
    if (opcode === PING) this.handler.onPing(bytes.subarray(from, to))
    else if (opcode === PONG) this.handler.onPong()
    else return this.close(bytes, from, to)
    return true
  }

  private close(bytes: Buffer, from: number, to: number): boolean {
    if (from === to) {
      this.handler.onClose(NO_STATUS, '')
      return false
    }
    const code = bytes.readUInt16BE(from)
    if (!isCloseCode(code)) return this.violated(PROTOCOL_ERROR)
    if (!isUtf8(bytes.subarray(from + 2, to))) return this.violated(INVALID_TEXT)
    this.handler.onClose(code, bytes.toString('utf8', from + 2, to))
    return false
  }

  private violated(code: number): boolean {
    this.handler.onViolation(code)
    return false
  }

  private violation(code: number): number {
    this.handler.onViolation(code)
    return OVER
  }
}

/** Unmasks a payload, which its mask precedes, in place. @returns all its bytes, or-ed: below 0x80 for ASCII */
function unmask(bytes: Buffer, from: number, to: number): number {
  const a = bytes[from - 4] as number
  const b = bytes[from - 3] as number
  const c = bytes[from - 2] as number
  const d = bytes[from - 1] as number
  let seen = 0
  let at = from
  for (const end = to - 3; at < end; at += 4) {
    const w = (bytes[at] as number) ^ a
    const x = (bytes[at + 1] as number) ^ b
    const y = (bytes[at + 2] as number) ^ c
    const z = (bytes[at + 3] as number) ^ d
    bytes[at] = w
    bytes[at + 1] = x
    bytes[at + 2] = y
    bytes[at + 3] = z
    seen |= w | x | y | z
  }
  for (let left = at; left < to; left++) {
    const byte = (bytes[left] as number) ^ (left === at ? a : left === at + 1 ? b : c)
    bytes[left] = byte
    seen |= byte
  }
  return seen
}

/** Codes that a peer may send. RFC 6455 section 7.4. */
function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_STATUS && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  )
}
