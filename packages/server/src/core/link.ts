/**
 * One transport: what its bytes mean (through a dialect), what waits to be written (one write per turn, shared buffers),
 * and the bounds on both directions. It carries one connection, or several by channel.
 */
import {
  CLOSE_CODES,
  type Credentials,
  ERROR_CODES,
  type Inbound,
  MAX_CHANNELS,
  type RequestId,
} from '@roomful/protocol'
import type { Connection } from './connection.ts'
import type { RoomfulError } from './errors.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Hub } from './hub.ts'
import type { Dialect } from './ports/dialect.ts'
import type { Wire } from './ports/wire.ts'
import { AbuseCounter } from './rate-window.ts'
import type { Timer } from './timer-wheel.ts'

/** Before authentication: enough for a token, too little for an attack. DESIGN 5. */
export const PREAUTH_MAX_BYTES = 4_096
export const PREAUTH_MAX_MESSAGES = 5
/** Bytes that are in no log and may wait for a slow link; more closes it with 4008. G5. */
export const UNLOGGED_MAX_BYTES = 1024 * 1024
/** A slow link from which no byte drained for this long is closed with 4008. G5. */
export const STALLED_MS = 30_000

/** Takes what is no request: an echo, a protocol of the application's own. See peer.ts. */
export interface LinkOwner {
  /** @returns false when the dialect should read it */
  receive(link: Link, data: string | Uint8Array): boolean
  drained?(): void
  userChanged?(): void
  /** Nothing reaches the peer any more. May be called again. */
  over?(): void
}

const utf8 = new TextEncoder()
const NO_FRAMES: never[] = []

export class Link {
  readonly hub: Hub
  readonly wire: Wire
  readonly ip: string
  readonly userAgent: string
  readonly heartbeat: Heartbeat
  /** A plain link may become a classic one. */
  dialect: Dialect
  state: 'open' | 'closing' | 'closed' = 'open'
  /** Told first, unless the credentials of the request were refused. */
  welcomed = false
  /** What a v1 client attaches to when it names no namespace, and who it is when it does not say. */
  defaultNamespace = '/'
  credentials: Credentials | undefined
  /** Until a channel is open. */
  deadline: Timer | undefined
  connections: readonly Connection[] = []
  owner: LinkOwner | undefined
  /** Counts towards its address; see addresses.ts. */
  countedIp: string | undefined
  /** Why it was let in for no more than to hear why it is refused. */
  refusal: RoomfulError | undefined
  /** A connection of it was opened before. */
  hadConnection = false
  /** Over its soft limit: reading is paused, rooms are read from the log. */
  slow = false
  /** How many wait for something to be stored before anything more is written. */
  private holds = 0
  private frames: Uint8Array[] = NO_FRAMES
  private frameBytes = 0
  private unloggedBytes = 0
  private abuse: AbuseCounter | undefined
  private preauthBytes = 0
  private preauthMessages = 0
  private stalled: Timer | undefined
  private closeCode = 0
  private closeReason = ''

  constructor(hub: Hub, wire: Wire, dialect: Dialect, ip: string, userAgent: string) {
    this.hub = hub
    this.wire = wire
    this.dialect = dialect
    this.ip = ip
    this.userAgent = userAgent
    this.heartbeat = new Heartbeat(this)
  }

  /** From the transport: one message. */
  receive(data: string | Uint8Array): void {
    if (this.state !== 'open') return
    this.heartbeat.alive()
    if (this.owner?.receive(this, data)) return
    const size = typeof data === 'string' ? data.length : data.byteLength
    if (!this.isAuthenticated() && !this.mayStillAuthenticate(size)) return
    const inbound = this.dialect.decode(data)
    if (this.isAbuse(inbound.length)) return this.close(CLOSE_CODES.POLICY.code, 'Rate limit exceeded')
    const oversized =
      size > this.hub.settings.maxMessageBytes ||
      (typeof data === 'string' && size * 3 > this.hub.settings.maxMessageBytes)
    for (const each of inbound) {
      if (this.state !== 'open') return
      this.handle(oversized ? this.hub.checkSize(each) : each)
    }
  }

  /** From the transport: something that shows that the peer lives. */
  alive(): void {
    this.heartbeat.alive()
    this.heard()
  }

  /** From the transport: the peer answers a ping, so it has what was written before it. */
  ponged(): void {
    this.alive()
    this.heartbeat.ponged()
  }

  /** From the transport: the peer is about to hear its last frame, so what waits for it goes out now. */
  flush(): void {
    if (!this.slow) this.hub.turn.flushLink(this)
  }

  /** From the transport: everything that was handed over is gone. */
  drained(): void {
    this.heartbeat.alive()
    this.unloggedBytes = 0
    if (!this.slow || this.state !== 'open') return
    this.hub.catchUp.onDrained(this)
    this.owner?.drained?.()
  }

  /** From the transport: it is over. Idempotent. */
  closed(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.heartbeat.stop()
    this.hub.timers.cancel(this.stalled)
    this.hub.timers.cancel(this.deadline)
    this.frames = NO_FRAMES
    this.hub.lifecycle.forget(this, this.closeCode || code, this.closeReason || reason)
  }

  /** Queues bytes for this turn's write. */
  send(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || this.state !== 'open') return
    if (this.frames === NO_FRAMES) {
      this.frames = [bytes] // a list that may grow is ten times as large, and most turns have one frame for a link
      this.hub.turn.markDirty(this)
    } else this.frames.push(bytes)
    this.frameBytes += bytes.byteLength
  }

  get isHeld(): boolean {
    return this.holds > 0
  }

  /** Writes nothing until as many `letGo` came: what is queued must not be told before something is stored. */
  hold(): void {
    this.holds++
  }

  letGo(): void {
    if (this.holds === 0) return // it closed meanwhile
    this.holds--
    if (this.holds === 0 && this.frames !== NO_FRAMES) this.hub.turn.markDirty(this)
  }

  control(type: string, channel: number | undefined, data: Record<string, unknown> = {}): void {
    this.send(this.dialect.control(type, channel, data))
  }

  ack(connection: Connection, id: RequestId, data: unknown): void {
    const bytes = this.dialect.ack(connection.channel, id, data)
    if (bytes === undefined || bytes instanceof Uint8Array) this.send(bytes)
    else for (const part of bytes) this.send(part)
  }

  fail(channel: number, error: RoomfulError, id: RequestId | undefined, event?: string): void {
    this.send(this.dialect.fail(channel, error.toWire(), id, event))
  }

  /** From the hub at the end of a turn: what was queued, to be joined into one write. */
  takeFrames(): Uint8Array[] {
    const frames = this.frames
    this.frames = NO_FRAMES
    this.frameBytes = 0
    return frames
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state !== 'open') return
    this.wire.write(buffers)
    if (this.slow) return this.countUnlogged(buffers)
    if (this.wire.queuedBytes > this.hub.settings.outboxBytes) this.hub.catchUp.onSlow(this)
  }

  /** While the link is slow nothing comes from a log, so whatever is written has nowhere else to wait. G5. */
  private countUnlogged(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) this.unloggedBytes += buffer.byteLength
    if (this.unloggedBytes > UNLOGGED_MAX_BYTES) this.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
  }

  /** Bytes on their way, queued here or below. */
  get queuedBytes(): number {
    return this.frameBytes + this.wire.queuedBytes
  }

  /** Watches a slow link: no drained byte for {@link STALLED_MS} ends it. */
  watchStall(): void {
    const queued = this.wire.queuedBytes
    this.stalled ??= this.hub.timers.add(STALLED_MS, () => {
      this.stalled = undefined
      if (!this.slow || this.state !== 'open') return
      if (this.wire.queuedBytes >= queued) this.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
      else this.watchStall()
    })
  }

  unwatchStall(): void {
    this.hub.timers.cancel(this.stalled)
    this.stalled = undefined
  }

  /** Flushes, says goodbye; nothing is queued afterwards. A3.5. */
  close(code: number, reason: string): void {
    if (this.state !== 'open') return
    this.holds = 0 // a session is stored with its goodbye
    if (this.slow) this.takeFrames() // it would wait behind bytes that do not drain
    this.hub.turn.flushLink(this)
    this.state = 'closing'
    this.closeCode = code
    this.closeReason = reason
    this.wire.resumeReading() // or the peer's answer would never be read
    this.wire.close(code, reason)
    this.hub.lifecycle.detach(this, code, reason)
  }

  /** Cuts at once, and tells everyone at once. */
  terminate(reason: string): void {
    if (this.state === 'closed') return
    this.closeCode = CLOSE_CODES.ABNORMAL.code
    this.closeReason = reason
    this.wire.terminate()
    this.closed(this.closeCode, reason)
  }

  connection(channel: number): Connection | undefined {
    return this.connections.find((connection) => connection.channel === channel)
  }

  /** @returns what says that everything told until now has arrived; nothing where that makes no difference */
  confirmation(): (() => void) | undefined {
    const confirmations: (() => void)[] = []
    for (const connection of this.connections) {
      const confirm = connection.namespace.inboxes.confirmation(connection)
      if (confirm) confirmations.push(confirm)
    }
    if (confirmations.length === 0) return undefined
    return () => {
      for (const confirm of confirmations) confirm()
    }
  }

  isAuthenticated(): boolean {
    for (const connection of this.connections) if (connection.stage === 'open') return true
    return false
  }

  private mayStillAuthenticate(size: number): boolean {
    this.preauthBytes += size
    this.preauthMessages++
    const opens = this.dialect.multiplexed ? MAX_CHANNELS : 1
    if (this.preauthBytes <= PREAUTH_MAX_BYTES * opens && this.preauthMessages <= PREAUTH_MAX_MESSAGES * opens)
      return true
    this.close(CLOSE_CODES.POLICY.code, 'Too much before authentication')
    return false
  }

  /** Everything counts here, also what the rate limit lets pass: pings, refreshes, leaves. C12. */
  private isAbuse(messages: number): boolean {
    const { ratePerSecond } = this.hub.settings
    if (ratePerSecond === 0) return false
    this.abuse ??= new AbuseCounter()
    return this.abuse.isAbuse(this.hub.clock.monotonic(), ratePerSecond, messages)
  }

  /** Its client speaks, so it was told that it is let in, and in which session. */
  private heard(): void {
    for (const connection of this.connections) {
      if (!connection.isHeard && connection.stage === 'open') connection.namespace.inboxes.onHeard(connection)
    }
  }

  private handle(inbound: Inbound): void {
    this.heard()
    if (inbound.kind === 'ping') return this.control('pong', undefined)
    if (inbound.kind === 'open') return this.openChannel(inbound)
    const connection = this.connection(inbound.channel)
    if (!connection) {
      if (inbound.kind === 'invalid')
        return this.send(this.dialect.fail(inbound.channel, inbound.error, inbound.id, inbound.event))
      if (inbound.kind === 'close' || inbound.kind === 'ack') return
      const error = { code: 'INVALID_MESSAGE', message: `Channel ${inbound.channel} is not open` }
      return this.send(this.dialect.fail(inbound.channel, error, inbound.id, undefined))
    }
    // The request that runs may be what waits for it, so it does not wait behind that one.
    if (inbound.kind === 'ack') return connection.asked?.handleAck(inbound)
    this.hub.dispatch.handle(connection, inbound)
  }

  private openChannel(inbound: Extract<Inbound, { kind: 'open' }>): void {
    if (this.connections.length >= MAX_CHANNELS || this.connection(inbound.channel)) {
      const message = `Channel ${inbound.channel} is open already, or more than ${MAX_CHANNELS} are`
      return this.send(this.dialect.fail(inbound.channel, { code: 'INVALID_MESSAGE', message }, undefined, undefined))
    }
    this.hub.handshake.openChannel(this, inbound)
  }
}

/** Bytes of `text` as UTF-8. */
export function utf8Length(text: string): number {
  return utf8.encode(text).byteLength
}

/** The refusal of a message over the limit, naming the limit. */
export function tooLarge(limit: number): { code: string; message: string } {
  return { code: 'TOO_LARGE', message: `${ERROR_CODES.TOO_LARGE.message}: at most ${limit} bytes` }
}
