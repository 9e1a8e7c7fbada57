/** Writes of a turn to a socket that others share code with: WebSockets and event streams. */
import type { Socket } from 'node:net'

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
