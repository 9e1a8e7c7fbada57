/**
 * The port through which the core writes to one WebSocket. Frames go to the socket that the upgrade gave, so nothing calls
 * `ws.send`; `ws` writes only the close frame, behind everything else. E11.
 */
import type { Socket } from 'node:net'
import { aroundShared } from '@roomful/protocol'
import { WebSocket } from 'ws'
import { AckArgs } from '../../../core/base/contract.ts'
import type { Link } from '../../../core/link/link.ts'
import type { Wire } from '../../../core/ports/wire.ts'

/** Who is told what comes in: a link, or what stands between the socket and its link. */
export type WireReceiver = Pick<Link, 'receive' | 'alive' | 'ponged' | 'send' | 'flush' | 'drained' | 'closed'>

/** Answers the peer's goodbye, and its mistakes, behind everything that this turn had for it: `ws` would do so at once. R8. */
export class FlushingWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    linkOf(this)?.flush()
    super.close(code, reason)
  }
}

/** The core's port over one socket. Listeners are shared functions; what they need hangs on the socket objects. */
export class WebSocketWire implements Wire {
  readonly hasPongs = true
  link: WireReceiver | undefined
  private readonly ws: WebSocket
  private readonly socket: Socket

  constructor(ws: WebSocket, socket: Socket) {
    this.ws = ws
    this.socket = socket
    socket.removeListener('error', ignoreSocketError) // ws listens from here on
    carry(ws, this)
    carry(socket, this)
    ws.on('message', onMessage)
    ws.on('ping', onPing)
    ws.on('pong', onPong)
    ws.on('close', onClose)
    ws.on('error', onError)
    socket.on('drain', onDrain)
  }

  get queuedBytes(): number {
    return this.socket.writableLength
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.ws.readyState === WebSocket.OPEN) writeSocket(this.socket, buffers, onDrain)
  }

  pauseReading(): void {
    if (this.ws.readyState === WebSocket.OPEN) this.ws.pause()
  }

  resumeReading(): void {
    if (this.ws.readyState === WebSocket.OPEN && this.ws.isPaused) this.ws.resume()
  }

  ping(): void {
    if (this.ws.readyState === WebSocket.OPEN) this.socket.write(PING_FRAME)
  }

  close(code: number, reason: string): void {
    this.ws.close(code, fitReason(reason))
  }

  terminate(): void {
    this.ws.terminate()
  }
}

const PING_FRAME = new Uint8Array([0x89, 0])
const REASON_MAX_BYTES = 123

/** Shared listeners find their wire on the object that they are called on: no closures per connection. */
const WIRE = Symbol('roomful wire')

function carry(carrier: object, wire: WebSocketWire): void {
  ;(carrier as { [WIRE]?: WebSocketWire })[WIRE] = wire
}

function linkOf(carrier: object): WireReceiver | undefined {
  return (carrier as { [WIRE]?: WebSocketWire })[WIRE]?.link
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  const bytes = data as Buffer
  linkOf(this)?.receive(isBinary ? bytes : bytes.toString('utf8'))
}

/** Pongs wait in the outbox like everything else, so that a flood of pings is bounded by reading being paused. */
function onPing(this: WebSocket, data: Buffer): void {
  const link = linkOf(this)
  link?.alive()
  link?.send(binaryFrame(data, PONG))
}

function onPong(this: WebSocket): void {
  linkOf(this)?.ponged()
}

function onDrain(this: Socket): void {
  linkOf(this)?.drained()
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  linkOf(this)?.closed(code, reason.toString('utf8'))
}

/** `ws` closes by itself with the right code (1002, 1007, 1009); 'close' follows. A3.3. */
function onError(): void {}

export function ignoreSocketError(): void {}

/** A close reason has at most 123 bytes. RFC 6455 section 5.5. */
function fitReason(reason: string): string {
  if (Buffer.byteLength(reason) <= REASON_MAX_BYTES) return reason
  let cut = reason.slice(0, REASON_MAX_BYTES)
  while (Buffer.byteLength(cut) > REASON_MAX_BYTES - 1) cut = cut.slice(0, -1)
  return cut
}

const NOTHING = new Uint8Array()

/**
 * One system call for all of it, where the socket takes it.
 * @param onFlushed called when everything is gone, where the socket would not say so: it emits 'drain' only after more than
 * its own high-water mark had waited
 */
export function writeSocket(socket: Socket, buffers: readonly Uint8Array[], onFlushed: (this: Socket) => void): void {
  if (!socket.writable) return
  const isCorked = socket.writableCorked > 0 // the handshake waits to go along
  if (buffers.length === 1 && !isCorked) socket.write(buffers[0] as Uint8Array)
  else {
    if (!isCorked) socket.cork()
    for (const buffer of buffers) socket.write(buffer)
    socket.uncork()
  }
  if (socket.writableLength > 0 && !socket.writableNeedDrain) socket.write(NOTHING, () => onFlushed.call(socket))
}

// Frames as a server sends them: final, unmasked, uncompressed. RFC 6455 section 5.2.

export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

const FIN = 0x80

/** A text frame whose middle is shared with others: three buffers, of which that one is not copied. */
function textFrameAround(before: string, shared: Uint8Array, after: string): readonly Uint8Array[] {
  const tail = Buffer.from(after)
  const own = Buffer.byteLength(before)
  const head = allocate(TEXT, own, shared.byteLength + tail.byteLength)
  head.write(before, head.length - own, 'utf8')
  return [head, shared, tail]
}

export function textFrame(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const frame = allocate(TEXT, length)
  frame.write(text, frame.length - length, 'utf8')
  return frame
}

/** The frame of an answer, sharing what many answers have in common. */
export function ackFrame(data: unknown, encode: (data: unknown) => string): Uint8Array | readonly Uint8Array[] {
  const text = aroundShared(data instanceof AckArgs ? data.values : data, encode)
  return typeof text === 'string' ? textFrame(text) : textFrameAround(text.before, text.shared.bytes, text.after)
}

export function binaryFrame(payload: Uint8Array, opcode: number = BINARY): Uint8Array {
  const frame = allocate(opcode, payload.byteLength)
  frame.set(payload, frame.length - payload.byteLength)
  return frame
}

/** A buffer for the frame, its header written; `elsewhere` bytes of the payload follow in other buffers. */
function allocate(opcode: number, here: number, elsewhere = 0): Buffer {
  const length = here + elsewhere
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + here)
    frame[1] = length
    frame[0] = FIN | opcode
    return frame
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + here)
    frame[0] = FIN | opcode
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
    return frame
  }
  const frame = Buffer.allocUnsafe(10 + here)
  frame[0] = FIN | opcode
  frame[1] = 127
  frame.writeBigUInt64BE(BigInt(length), 2)
  return frame
}

export interface Payload {
  readonly opcode: number
  readonly bytes: Buffer
}

/**
 * Payloads of frames that WebSocket clients share, for links that carry the same content without a WebSocket.
 * @param frames whole frames, as made above, in buffers of any size
 */
export function* payloadsOf(frames: readonly Uint8Array[]): Generator<Payload> {
  const bytes = Buffer.concat(frames)
  for (let at = 0; at < bytes.length; ) {
    const opcode = (bytes[at] as number) & 0xf
    const short = bytes[at + 1] as number
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + head
    at = start + length
    yield { opcode, bytes: bytes.subarray(start, at) }
  }
}
