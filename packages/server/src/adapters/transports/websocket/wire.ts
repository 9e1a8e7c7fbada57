/**
 * The wire of one WebSocket: writes frames to its socket, hands what frame-reader.ts reads to a link, and does the closing
 * handshake of RFC 6455 section 7.
 */
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Link } from '../../../core/link/link.ts'
import type { Wire } from '../../../core/ports/wire.ts'
import { type FrameForm, type FrameHandler, FrameReader } from './frame-reader.ts'
import { binaryFrame, closeFrame, PONG } from './frames.ts'

/** Receives what the socket reads: a link, or a part between the socket and its link. */
export type WireReceiver = Pick<Link, 'receive' | 'alive' | 'ponged' | 'send' | 'flush' | 'drained' | 'closed'> & {
  /** The peer broke the protocol or a limit; the close frame with this code follows. */
  violated?(code: number): void
}

/** A peer that does not answer the close frame is disconnected after this time. A3.5. */
const CLOSE_TIMEOUT_MS = 5_000
/** No close frame arrived. */
const ABNORMAL = 1006
const PING_FRAME = new Uint8Array([0x89, 0])

/** Listeners are shared functions that find their wire on the socket: no closures per connection. */
export class WebSocketWire implements Wire, FrameHandler {
  readonly hasPongs = true
  link: WireReceiver | undefined
  readonly socket: Socket
  private readonly reader: FrameReader
  private state: 'open' | 'closing' | 'closed' = 'open'
  private isPaused = false
  // Declared only: an open connection has no memory for them. P5.
  /** What the peer's close frame says, or why its bytes were refused. */
  declare private closeCode: number | undefined
  declare private closeReason: string | undefined
  declare private closeTimer: NodeJS.Timeout | undefined
  /** The answer to the upgrade, until it is written. */
  private answering: string | undefined

  /** @param answering the answer to the upgrade: written with the first frames, or by {@link answer} */
  constructor(socket: Socket, form: FrameForm, answering: string) {
    this.socket = socket
    this.answering = answering
    this.reader = new FrameReader(form, this)
    ;(socket as WithWire)[WIRE] = this
    socket.setTimeout(0)
    socket.setNoDelay()
    socket.on('data', onData)
    socket.push = onPush
    socket.on('end', onEnd)
    socket.on('close', onClose)
    socket.on('drain', onDrain)
  }

  get queuedBytes(): number {
    return this.socket.writableLength
  }

  pack(frames: readonly Uint8Array[]): readonly Uint8Array[] {
    const { deflater } = this.reader.form
    return deflater ? deflater.pack(frames) : frames
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state !== 'open') return
    if (this.answering === undefined) return writeSocket(this.socket, buffers, onDrain)
    // One copy costs less than a write of several buffers.
    const first = Buffer.concat([Buffer.from(this.answering, 'latin1'), ...buffers])
    this.answering = undefined
    writeSocket(this.socket, [first], onDrain)
  }

  /** Answers the upgrade, unless the first frames have taken the answer along. */
  answer(): void {
    if (this.answering !== undefined && this.socket.writable) this.socket.write(this.answering, 'latin1')
    this.answering = undefined
  }

  pauseReading(): void {
    if (this.state !== 'open') return
    this.isPaused = true
    this.socket.pause()
  }

  resumeReading(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.socket.resume()
  }

  ping(): void {
    if (this.state !== 'open') return
    this.answer()
    this.socket.write(PING_FRAME)
  }

  close(code: number, reason: string): void {
    this.sendClose(code, fitReason(reason))
  }

  terminate(): void {
    this.socket.destroy()
  }

  // What the peer sends.

  onText(text: string): void {
    this.link?.receive(text)
  }

  onBinary(bytes: Buffer): void {
    this.link?.receive(bytes)
  }

  /** Pongs go through the link's queue like all frames, so a client that floods with pings is paused like any other. */
  onPing(bytes: Buffer): void {
    this.link?.alive()
    this.link?.send(binaryFrame(bytes, PONG))
  }

  onPong(): void {
    this.link?.ponged()
  }

  /** The answer repeats the code. Frames of the current turn go before it. R8. */
  onClose(code: number, reason: string): void {
    this.closeCode = code
    this.closeReason = reason
    this.link?.flush()
    this.sendClose(code, reason)
    this.endReading()
  }

  onViolation(code: number): void {
    this.closeCode = code
    this.link?.violated?.(code)
    this.link?.flush()
    this.sendClose(code, '')
    this.endReading()
  }

  // What the socket does.

  read(chunk: Buffer): void {
    this.reader.read(chunk)
  }

  drained(): void {
    this.link?.drained()
  }

  /** The peer sends nothing any more. */
  ended(): void {
    if (this.state === 'open') this.beginClosing()
    this.socket.end()
  }

  gone(): void {
    // A paused socket may have been read further than its listeners.
    const unread = this.socket.readableLength > 0 ? (this.socket.read() as Buffer | null) : null
    this.state = 'closing'
    if (unread) this.reader.read(unread)
    this.state = 'closed'
    clearTimeout(this.closeTimer)
    this.link?.closed(this.closeCode ?? ABNORMAL, this.closeReason ?? '')
  }

  private sendClose(code: number, reason: string): void {
    if (this.state !== 'open') return
    this.answer()
    this.beginClosing()
    this.socket.write(closeFrame(code, reason))
  }

  private beginClosing(): void {
    this.state = 'closing'
    this.closeTimer = setTimeout(destroy, CLOSE_TIMEOUT_MS, this.socket)
  }

  /** Whatever still comes is dropped; the peer reads the close frame, and then the end. */
  private endReading(): void {
    this.isPaused = false
    this.socket.resume()
    this.socket.end()
  }
}

/** Where the shared listeners find their wire. */
const WIRE = Symbol('roomful wire')

interface WithWire {
  [WIRE]?: WebSocketWire
}

const { push } = Readable.prototype

/**
 * What was read goes to the frames at once. The queue and the tick of a stream, which cost as much as reading the frames, are
 * needed only while it is paused. A socket of which Node calls no `push` emits 'data'.
 */
function onPush(this: Socket, chunk: Buffer | null): boolean {
  const wire = (this as WithWire)[WIRE]
  if (chunk === null || wire === undefined || !this.readableFlowing || this.readableLength > 0)
    return push.call(this, chunk)
  wire.read(chunk)
  return true
}

function onData(this: Socket, chunk: Buffer): void {
  ;(this as WithWire)[WIRE]?.read(chunk)
}

function onDrain(this: Socket): void {
  ;(this as WithWire)[WIRE]?.drained()
}

function onEnd(this: Socket): void {
  ;(this as WithWire)[WIRE]?.ended()
}

function onClose(this: Socket): void {
  ;(this as WithWire)[WIRE]?.gone()
}

function destroy(socket: Socket): void {
  socket.destroy()
}

/** A listener for sockets whose 'error' is followed by 'close'. */
export function ignoreSocketError(): void {}

const REASON_MAX_BYTES = 123

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
  if (buffers.length === 1) socket.write(buffers[0] as Uint8Array)
  else {
    socket.cork()
    for (const buffer of buffers) socket.write(buffer)
    socket.uncork()
  }
  if (socket.writableLength > 0 && !socket.writableNeedDrain) socket.write(NOTHING, () => onFlushed.call(socket))
}
