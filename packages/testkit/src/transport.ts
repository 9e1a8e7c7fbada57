/** The SDK's transport to a test server: no sockets and no delay, so that a test controls when anything happens. */
import { Buffer } from 'node:buffer'
import type { OpenTransport, Transport, TransportHandlers } from '@roomful/client'
import type { Link, Wire } from '@roomful/server/testing'
import type { VirtualClock } from './clock.ts'
import { MemoryWire, readFrames, TEXT } from './wire.ts'

const utf8 = new TextDecoder()

/** @param accept takes the link, as a transport's server does */
export function memoryTransport(clock: VirtualClock, accept: (wire: Wire) => Link): OpenTransport {
  return (handlers) => new MemoryTransport(clock, accept, handlers)
}

class MemoryTransport implements Transport {
  private readonly wire: MemoryWire
  private readonly handlers: TransportHandlers
  private link: Link | undefined
  private isOver = false
  /** What was sent while the server did not read. */
  private unread: string[] = []

  constructor(clock: VirtualClock, accept: (wire: Wire) => Link, handlers: TransportHandlers) {
    this.handlers = handlers
    this.wire = new MemoryWire(clock, {
      onBytes: (buffers) => this.receive(buffers),
      onResume: () => this.flush(),
      onEnd: ({ code, reason }) => this.end(code, reason),
    })
    queueMicrotask(() => {
      if (this.isOver) return
      this.link = accept(this.wire)
      this.wire.attach(this.link)
      if (!this.isOver) handlers.onOpen()
    })
  }

  send(text: string): void {
    this.unread.push(text)
    this.flush()
  }

  close(manner: 'goodbye' | 'cut'): void {
    if (this.isOver) return
    this.isOver = true
    this.wire.end(manner === 'goodbye' ? 1000 : 1005, '')
  }

  private flush(): void {
    while (this.unread.length > 0 && !this.wire.isPaused && !this.isOver) this.link?.receive(this.unread.shift() ?? '')
  }

  private receive(buffers: readonly Uint8Array[]): void {
    for (const { opcode, payload } of readFrames(Buffer.concat(buffers))) {
      if (opcode === TEXT && !this.isOver) this.handlers.onMessage(utf8.decode(payload))
    }
  }

  private end(code: number, reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.handlers.onClose(code, reason)
  }
}
