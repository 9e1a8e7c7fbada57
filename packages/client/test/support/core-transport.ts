/**
 * A transport from the SDK to a test server's real core, without sockets: frames as lines of text, a delay in each direction,
 * and the faults of a network.
 */

import type { OpenTransport, Transport } from '@roomful/client'
import { encodeV1Ack, encodeV1Control, encodeV1Error, encodeV1Event, encodeV1Request } from '@roomful/protocol'
import { type Dialect, v1Dialect } from '@roomful/server/testing'
import { MemoryWire, type TestServer } from '@roomful/testkit'

const utf8 = new TextEncoder()
const text = new TextDecoder()
const line = (frame: string): Uint8Array => utf8.encode(`${frame}\n`)

/** The v1 dialect without the WebSocket's frames around it. */
const lines: Dialect = {
  ...v1Dialect,
  encoding: (channel) => ({ key: `lines:${channel}`, encode: (event) => line(encodeV1Event(channel, event)) }),
  ack: (channel, id, data) => line(encodeV1Ack(channel, id, data)),
  request: (channel, id, event) => line(encodeV1Request(channel, id, event)),
  fail: (channel, error, id, event) => line(encodeV1Error(channel, error, id, event)),
  control: (type, channel, data) => line(encodeV1Control(type, channel, data)),
}

export interface Network {
  readonly open: OpenTransport
  /** Every link breaks; what is on its way is lost. */
  cut(): void
  /** Nothing gets through any more on the links that there are, and nobody is told. */
  blackHole(): void
  /** How many links were opened. */
  readonly opened: number
}

/** @param delayMs each way, drawn anew for every message; order is kept */
export function connectTo(server: TestServer, delayMs: () => number = () => 1): Network {
  const links = new Set<CoreLink>()
  let opened = 0
  return {
    open: (handlers) => {
      opened++
      const link = new CoreLink(server, delayMs, handlers, () => links.delete(link))
      links.add(link)
      return link
    },
    cut: () => {
      for (const link of [...links]) link.cut()
    },
    blackHole: () => {
      for (const link of links) link.isBlackHole = true
    },
    get opened() {
      return opened
    },
  }
}

class CoreLink implements Transport {
  isBlackHole = false
  private readonly server: TestServer
  private readonly delayMs: () => number
  private readonly handlers: Parameters<OpenTransport>[0]
  private readonly onGone: () => void
  private readonly wire: MemoryWire
  private isOver = false
  private upAtMs = 0
  private downAtMs = 0

  constructor(server: TestServer, delayMs: () => number, handlers: Parameters<OpenTransport>[0], onGone: () => void) {
    this.server = server
    this.delayMs = delayMs
    this.handlers = handlers
    this.onGone = onGone
    this.wire = new MemoryWire(server.clock, {
      onBytes: (buffers) => {
        const message = buffers.map((bytes) => text.decode(bytes)).join('')
        this.down(() => handlers.onMessage(message))
      },
      onResume: () => undefined,
      onEnd: ({ code, reason }) => this.down(() => this.end(code, reason)),
    })
    this.up(() => {
      const namespace = server.get('/')
      const arrival = { ip: '127.0.0.1', userAgent: 'sdk', namespace, credentials: {} }
      const link = server.hub.lifecycle.accept({ wire: this.wire, dialect: lines, ...arrival })
      this.wire.attach(link)
      this.receive = (frame) => link.receive(frame)
      this.down(() => handlers.onOpen())
    })
  }

  send(frame: string): void {
    this.up(() => this.receive(frame))
  }

  close(manner: 'goodbye' | 'cut'): void {
    if (this.isOver) return
    this.up(() => this.wire.end(manner === 'goodbye' ? 1000 : 1005, ''))
    this.isOver = true
    this.onGone()
  }

  cut(): void {
    if (this.isOver) return
    this.isBlackHole = true
    // Each end notices in its own time.
    this.server.clock.after(this.delayMs(), () => this.wire.end(1006, ''))
    this.server.clock.after(this.delayMs(), () => this.end(1006, ''))
  }

  private receive: (frame: string) => void = () => undefined

  private end(code: number, reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.onGone()
    this.handlers.onClose(code, reason)
  }

  private up(fn: () => void): void {
    this.upAtMs = this.later(this.upAtMs, () => {
      if (!this.isBlackHole) fn()
    })
  }

  private down(fn: () => void): void {
    this.downAtMs = this.later(this.downAtMs, () => {
      if (!this.isBlackHole && !this.isOver) fn()
    })
  }

  /** Not before what was sent before it. */
  private later(afterMs: number, fn: () => void): number {
    const { clock } = this.server
    const atMs = Math.max(afterMs, clock.monotonic() + this.delayMs())
    clock.after(atMs - clock.monotonic(), fn)
    return atMs
  }
}
