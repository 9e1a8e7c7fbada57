/**
 * One TCP connection between a client and the server. Either end can be gone without the other end knowing. What the core
 * writes to its wire is parsed as a client parses it: whole WebSocket frames.
 */
import { Buffer } from 'node:buffer'
import type { Link, Wire } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { Caller } from '../server.ts'
import { readFrames, TEXT } from '../wire.ts'
import { Pipe } from './pipe.ts'

/** The server as the network sees it. */
export interface Host {
  /** @returns the core's link; undefined when the server is down */
  accept(wire: Wire, caller: Caller): Link | undefined
  /** Its process is suspended: nothing goes in or out. */
  readonly stands?: boolean
}

export interface ClientEnd {
  readonly onOpen: () => void
  /** One WebSocket message. */
  readonly onMessage: (text: string) => void
  /** Called once. */
  readonly onClose: (code: number, reason: string) => void
}

export interface LinkOptions {
  readonly clock: VirtualClock
  readonly host: Host
  readonly caller: Caller
  readonly delayMs: () => number
  readonly client: ClientEnd
  readonly onGone: (link: SimulatedLink) => void
}

/** What the kernel buffers for a peer that does not read. */
const KERNEL_BYTES = 1_024
/** A peer that does not answer the close frame is cut after this long, as the WebSocket transport does. */
const CLOSE_TIMEOUT_MS = 5_000
const CUT_OFF = 1006

const utf8 = new TextDecoder()

export class SimulatedLink {
  /** What was written once had to wait, so the server may have taken the client for slow. */
  wasHeld = false
  readonly host: Host
  private readonly options: LinkOptions
  private readonly up: Pipe
  private readonly down: Pipe
  private readonly wire: ServerEnd
  private link: Link | undefined
  private isClientGone = false

  constructor(options: LinkOptions) {
    this.options = options
    this.host = options.host
    const { clock, delayMs } = options
    this.up = new Pipe(clock, delayMs)
    this.down = new Pipe(clock, delayMs, () => this.wire.handleEmpty())
    this.wire = new ServerEnd(clock, this.up, this.down, this)
  }

  /** Connects to the server. */
  open(): void {
    const { host, caller, client } = this.options
    this.up.send(0, () => {
      this.link = host.accept(this.wire, caller)
      if (!this.link) return this.reset()
      this.wire.link = this.link
      this.down.send(0, () => {
        if (!this.isClientGone) client.onOpen()
      })
    })
  }

  send(text: string): void {
    if (this.isClientGone) return
    this.up.send(text.length, () => {
      if (this.wire.isGone) this.reset()
      else this.link?.receive(text)
    })
  }

  /** The client closes it, with a close code or without one. */
  close(manner: 'goodbye' | 'cut'): void {
    if (this.isClientGone) return
    this.isClientGone = true
    this.options.onGone(this)
    this.up.send(0, () => this.wire.end(manner === 'goodbye' ? 1000 : 1005, ''))
  }

  /** Breaks; each end notices in its own time. */
  cut(): void {
    this.up.break()
    this.down.break()
    const { clock, delayMs } = this.options
    clock.after(delayMs(), () => this.endClient(CUT_OFF, ''))
    clock.after(delayMs(), () => this.wire.end(CUT_OFF, ''))
  }

  /** Nothing gets through any more; one end may know it, the other has to detect it. */
  blackHole(notices?: 'client' | 'server'): void {
    this.hold('black hole')
    if (notices === 'client') this.endClient(CUT_OFF, '')
    if (notices === 'server') this.wire.end(CUT_OFF, '')
  }

  /** Nothing gets through in either direction. */
  hold(reason: string): void {
    this.wasHeld = true
    this.up.hold(reason)
    this.down.hold(reason)
  }

  release(reason: string): void {
    this.up.release(reason)
    this.down.release(reason)
  }

  /** The client does not read. */
  stall(): void {
    this.wasHeld = true
    this.down.hold('stalled')
  }

  /** It reads again. */
  drain(): void {
    this.down.release('stalled')
  }

  /** The server's process is gone. @param isSilent its machine too, so that no reset is sent */
  lose(isSilent: boolean): void {
    this.wire.isGone = true
    this.down.break()
    if (!isSilent) this.reset()
  }

  /** For the server's end: bytes reached the client. */
  receive(bytes: Uint8Array): void {
    if (this.isClientGone) return this.wire.end(CUT_OFF, '')
    for (const { opcode, payload } of readFrames(bytes)) {
      if (opcode === TEXT && !this.isClientGone) this.options.client.onMessage(utf8.decode(payload))
    }
  }

  /** The client learns that it is over, when the network lets it know. */
  reset(): void {
    this.down.send(0, () => this.endClient(CUT_OFF, ''))
  }

  endClient(code: number, reason: string): void {
    if (this.isClientGone) return
    this.isClientGone = true
    this.options.onGone(this)
    this.options.client.onClose(code, reason)
  }

  get hasClient(): boolean {
    return !this.isClientGone
  }
}

/** The core's end. */
class ServerEnd implements Wire {
  readonly hasPongs = true
  isGone = false
  link: Link | undefined
  private readonly clock: VirtualClock
  private readonly up: Pipe
  private readonly down: Pipe
  private readonly owner: SimulatedLink
  /** The kernel takes nothing more for the moment, or has not caught up with it. */
  private isFilling = false
  private cancelClose: (() => void) | undefined

  constructor(clock: VirtualClock, up: Pipe, down: Pipe, owner: SimulatedLink) {
    this.clock = clock
    this.up = up
    this.down = down
    this.owner = owner
  }

  get queuedBytes(): number {
    return this.isFilling ? Math.max(0, this.down.bytes - KERNEL_BYTES) : 0
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.isGone) return
    const bytes = Buffer.concat(buffers)
    this.isFilling ||= this.down.isHeld
    this.down.send(bytes.byteLength, () => {
      if (this.isFilling) this.link?.alive()
      this.owner.receive(bytes)
    })
  }

  pauseReading(): void {
    this.up.hold('paused')
  }

  resumeReading(): void {
    this.up.release('paused')
  }

  ping(): void {
    this.down.send(0, () => {
      if (this.owner.hasClient) this.up.send(0, () => this.link?.ponged())
    })
  }

  close(code: number, reason: string): void {
    this.down.send(0, () => {
      this.owner.endClient(code, reason)
      this.up.send(0, () => this.end(code, reason))
    })
    this.cancelClose = this.clock.after(CLOSE_TIMEOUT_MS, () => this.end(code, reason))
  }

  terminate(): void {
    if (this.isGone) return
    this.isGone = true
    this.cancelClose?.()
    this.owner.reset()
  }

  /** The connection is over for the core, whichever side ended it. */
  end(code: number, reason: string): void {
    if (this.isGone) return
    this.isGone = true
    this.cancelClose?.()
    this.down.break()
    this.link?.closed(code, reason)
  }

  handleEmpty(): void {
    if (!this.isFilling) return
    this.isFilling = false
    if (!this.isGone) this.link?.drained()
  }
}
