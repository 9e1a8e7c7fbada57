/**
 * The wire of one WebSocket, and the frames that servers send. Frames are written to the socket itself instead of through
 * `ws.send`, which is faster; `ws` writes only the close frame, after everything else.
 */
import type { Socket } from 'node:net'
import { aroundShared } from '@roomful/protocol'
import { WebSocket } from 'ws'
import { AckArgs } from '../../../core/base/contract.ts'
import type { Link } from '../../../core/link/link.ts'
import type { Wire } from '../../../core/ports/wire.ts'

/** Receives what the socket reads: a link, or a part between the socket and its link. */
export type WireReceiver = Pick<Link, 'receive' | 'alive' | 'ponged' | 'send' | 'flush' | 'drained' | 'closed'>

/** Writes the frames of the current turn before the close frame. `ws` would answer a close or a protocol error at once. R8. */
export class FlushingWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    linkOf(this)?.flush()
    super.close(code, reason)
  }
}

/** Listeners are shared functions that find their wire on the socket object: no closures per connection. */
export class WebSocketWire implements Wire {
  readonly hasPongs = true
  link: WireReceiver | undefined
  private readonly ws: WebSocket
  private readonly socket: Socket

  constructor(ws: WebSocket, socket: Socket) {
    this.ws = ws
    this.socket = socket
    socket.removeListener('error', ignoreSocketError) // ws has its own listener from now on
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

/** Where the shared listeners find their wire. */
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

/** Pongs go through the link's queue like all frames, so a client that floods with pings is paused like any other. */
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

/** `ws` closes with the right code (1002, 1007, 1009) by itself, and emits 'close' afterwards. A3.3. */
function onError(): void {}

/** A listener for sockets whose 'error' is followed by 'close'. */
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
 * Writes all buffers with one system call, if the socket accepts them.
 * @param onFlushed called when everything was sent and the socket does not emit 'drain', which it does only after more than
 * its high-water mark was queued
 */
export function writeSocket(socket: Socket, buffers: readonly Uint8Array[], onFlushed: (this: Socket) => void): void {
  if (!socket.writable) return
  const isCorked = socket.writableCorked > 0 // by the handshake, to be written together
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
const PONG = 0xa

const FIN = 0x80

/** A text frame in three buffers. The middle one is shared with other frames and not copied. */
function textFrameAround(before: string, shared: Uint8Array, after: string): readonly Uint8Array[] {
  const tail = Buffer.from(after)
  const own = Buffer.byteLength(before)
  const head = allocate(TEXT, own, shared.byteLength + tail.byteLength)
  head.write(before, head.length - own, 'utf8')
  return [head, shared, tail]
}

/** A text frame. */
export function textFrame(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const frame = allocate(TEXT, length)
  frame.write(text, frame.length - length, 'utf8')
  return frame
}

/** The frame of an acknowledgement. Bytes that many acknowledgements share are encoded once. */
export function ackFrame(data: unknown, encode: (data: unknown) => string): Uint8Array | readonly Uint8Array[] {
  const text = aroundShared(data instanceof AckArgs ? data.values : data, encode)
  return typeof text === 'string' ? textFrame(text) : textFrameAround(text.before, text.shared.bytes, text.after)
}

/** A binary frame, or another one with an opcode. */
export function binaryFrame(payload: Uint8Array, opcode: number = BINARY): Uint8Array {
  const frame = allocate(opcode, payload.byteLength)
  frame.set(payload, frame.length - payload.byteLength)
  return frame
}

/** A buffer that begins with the header of a frame; `elsewhere` bytes of the payload follow in other buffers. */
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

/** The content of one frame. */
export interface Payload {
  readonly opcode: number
  readonly bytes: Buffer
}

/**
 * Takes payloads out of frames, for links without a WebSocket: events are encoded once as frames for all clients.
 * @param frames whole frames made by the functions above, in buffers of any size
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
