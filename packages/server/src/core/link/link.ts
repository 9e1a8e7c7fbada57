/**
 * One transport: its dialect (what bytes mean), its outbound queue (one write per turn, shared buffers), and the limits in
 * both directions. It carries one connection, or several by channel.
 */
import {
  CLOSE_CODES,
  type Credentials,
  ERROR_CODES,
  type Inbound,
  MAX_CHANNELS,
  type RequestId,
  toJson,
} from '@roomful/protocol'
import type { RoomfulError } from '../base/errors.ts'
import { AbuseCounter } from '../base/limits.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Timer } from '../base/timer-wheel.ts'
import type { Dialect } from '../ports/dialect.ts'
import type { ClientRequest } from '../ports/users.ts'
import type { Wire } from '../ports/wire.ts'
import { Heartbeat } from './heartbeat.ts'

/** Before authentication: enough for a token, too little for an attack. H5. */
export const PREAUTH_MAX_BYTES = 4_096
export const PREAUTH_MAX_MESSAGES = 5
/** Bytes that are in no log and may wait for a slow link; more closes it with 4008. G5. */
export const UNLOGGED_MAX_BYTES = 1024 * 1024
/** A slow link from which no byte drained for this long is closed with 4008. G5. */
export const STALLED_MS = 30_000

/** What a link must know of the connections that it carries. */
export interface LinkConnection {
  readonly channel: number
  readonly stage: 'authenticating' | 'open' | 'closed'
  /** Its client has sent something since it opened, so it knows its session. */
  readonly isSessionConfirmed: boolean
  /** The next message for it, within the limits of the link. */
  receive(inbound: ChannelInbound): void
}

/** A message for a connection, rather than for its link. */
export type ChannelInbound = Exclude<Inbound, { kind: 'ping' | 'open' }>

/** Receives what happens on a link. */
export interface LinkListener<C extends LinkConnection> {
  /** The peer attaches to another namespace. */
  onOpenChannel(link: Link<C>, inbound: Extract<Inbound, { kind: 'open' }>): void
  /** The client of an open connection sent something, so it knows its session. */
  onSessionConfirmed(connection: C): void
  /** More is queued than the soft limit. */
  onSlow(link: Link<C>): void
  /** Everything queued is gone, after {@link onSlow}. */
  onDrained(link: Link<C>): void
  /** It is being closed: its connections are gone for everyone else. May be called again. */
  onClosing(link: Link<C>, code: number, reason: string): void
  /** Nothing is left of it. Called once. */
  onClosed(link: Link<C>, code: number, reason: string): void
  /** @returns marks as delivered what was sent until now; nothing where that makes no difference */
  confirmation(link: Link<C>): (() => void) | undefined
}

/** Takes messages that are no requests: an echo, a protocol of the application. See raw-protocol.ts. */
export interface LinkOwner {
  /** @returns false when the dialect should read it */
  receive(link: Link, data: string | Uint8Array): boolean
  drained?(): void
  userChanged?(): void
  /** Nothing reaches the peer any more. May be called again. */
  over?(code: number, reason: string): void
}

const utf8 = new TextEncoder()
const NO_FRAMES: never[] = []
const NO_CONNECTIONS: readonly never[] = []

export class Link<C extends LinkConnection = LinkConnection> {
  // Fields that are declared only take no memory in the many links that never set them. P5.
  readonly runtime: Runtime
  readonly wire: Wire
  readonly ip: string
  readonly userAgent: string
  readonly heartbeat: Heartbeat
  /** A plain link may become a classic one. */
  dialect: Dialect
  state: 'open' | 'closing' | 'closed' = 'open'
  /** It was sent the welcome, which comes first unless the credentials of the request were refused. */
  welcomed = false
  /** What a v1 client attaches to when it names no namespace. */
  defaultNamespace = '/'
  declare credentials: Credentials | undefined
  /** The request by which it came; kept only where the authenticator reads requests. */
  declare openingRequest: ClientRequest | undefined
  /** Until a channel is open. */
  declare deadline: Timer | undefined
  connections: readonly C[] = NO_CONNECTIONS
  declare owner: LinkOwner | undefined
  /** Counts towards its address; see limits.ts. */
  declare countedIp: string | undefined
  /** Why it is refused: it was accepted only to be sent this. */
  declare refusal: RoomfulError | undefined
  /** A connection of it was opened before. */
  hadConnection = false
  /** Over its soft limit: reading is paused, rooms are read from the log. */
  slow = false
  /** When anything came from the peer, or went to it, in whole milliseconds. */
  lastActiveAt: number
  private readonly listener: LinkListener<C>
  /** How many parts wait for something to be stored before more is written. */
  private corks = 0
  private frames: Uint8Array[] = NO_FRAMES
  private frameBytes = 0
  private unloggedBytes = 0
  /** What may wait of a link that nothing is read from a log for; instead of {@link UNLOGGED_MAX_BYTES} since it was slow. */
  declare maxWaitingBytes: number | undefined
  private abuse: AbuseCounter | undefined
  private preauthBytes = 0
  private preauthMessages = 0
  declare private stalled: Timer | undefined
  declare private closeCode: number | undefined
  declare private closeReason: string | undefined

  constructor(
    runtime: Runtime,
    listener: LinkListener<C>,
    { wire, dialect, ip, userAgent }: { wire: Wire; dialect: Dialect; ip: string; userAgent: string },
  ) {
    this.runtime = runtime
    this.listener = listener
    this.wire = wire
    this.dialect = dialect
    this.ip = ip
    this.userAgent = userAgent
    this.lastActiveAt = Math.floor(runtime.clock.monotonic())
    this.heartbeat = new Heartbeat(this)
  }

  /** From the transport: one message. */
  receive(data: string | Uint8Array): void {
    if (this.state !== 'open') return
    this.lastActiveAt = Math.floor(this.runtime.clock.monotonic())
    if (this.owner?.receive(this, data)) return
    const size = typeof data === 'string' ? data.length : data.byteLength
    if (!this.isAuthenticated() && !this.mayStillAuthenticate(size)) return
    const inbound = this.dialect.decode(data)
    if (this.isAbuse(inbound)) return this.close(CLOSE_CODES.POLICY.code, 'Rate limit exceeded')
    const oversized =
      size > this.runtime.settings.maxMessageBytes ||
      (typeof data === 'string' && size * 3 > this.runtime.settings.maxMessageBytes)
    for (const each of inbound) {
      if (this.state !== 'open') return
      this.handle(oversized ? checkSize(each, this.runtime.settings.maxMessageBytes) : each)
    }
  }

  /** From the transport: a sign of life from the peer. */
  alive(): void {
    this.lastActiveAt = Math.floor(this.runtime.clock.monotonic())
    this.confirmSessions()
  }

  /** From the transport: the peer answers a ping, so it has what was written before it. */
  ponged(): void {
    this.alive()
    this.heartbeat.ponged()
  }

  /** From the transport: the peer is about to receive its last frame, so what is queued goes out now. */
  flush(): void {
    if (!this.slow) this.runtime.turn.flushLink(this)
  }

  /** From the transport: everything that was handed over is gone. */
  drained(): void {
    this.lastActiveAt = Math.floor(this.runtime.clock.monotonic())
    this.unloggedBytes = 0
    if (!this.slow || this.state !== 'open') return
    this.listener.onDrained(this)
    this.owner?.drained?.()
  }

  /** From the transport: it is over. Idempotent. */
  closed(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.heartbeat.stop()
    this.runtime.timers.cancel(this.stalled)
    this.runtime.timers.cancel(this.deadline)
    this.frames = NO_FRAMES
    this.listener.onClosed(this, this.closeCode ?? code, this.closeReason || reason)
  }

  /** Queues bytes for this turn's write. */
  send(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || this.state !== 'open') return
    if (this.frames === NO_FRAMES) {
      this.frames = [bytes] // a list that may grow is ten times as large, and most turns have one frame for a link
      this.runtime.turn.markDirty(this)
    } else this.frames.push(bytes)
    this.frameBytes += bytes.byteLength
  }

  get isCorked(): boolean {
    return this.corks > 0
  }

  /** Writes nothing until it is uncorked as often: what is queued may not leave before something is stored. */
  cork(): void {
    this.corks++
  }

  uncork(): void {
    if (this.corks === 0) return // it closed meanwhile
    this.corks--
    if (this.corks === 0 && this.frames !== NO_FRAMES) this.runtime.turn.markDirty(this)
  }

  control(type: string, channel: number | undefined, data: Record<string, unknown> = {}): void {
    this.send(this.dialect.control(type, channel, data))
  }

  ack({ channel }: LinkConnection, id: RequestId, data: unknown): void {
    const bytes = this.dialect.ack(channel, id, data)
    if (bytes === undefined || bytes instanceof Uint8Array) this.send(bytes)
    else for (const part of bytes) this.send(part)
  }

  fail(channel: number, error: RoomfulError, id: RequestId | undefined, event?: string): void {
    this.send(this.dialect.fail(channel, error.toWire(), id, event))
  }

  /** From the turn, at its end: what was queued, to be joined into one write. */
  takeFrames(): readonly Uint8Array[] {
    const frames = this.frames
    if (frames === NO_FRAMES) return frames
    this.frames = NO_FRAMES
    this.frameBytes = 0
    return this.wire.pack ? this.wire.pack(frames) : frames
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.state !== 'open') return
    this.wire.write(buffers)
    if (this.slow) return this.countUnlogged(buffers)
    if (this.wire.queuedBytes > this.runtime.settings.outboxBytes) this.listener.onSlow(this)
  }

  /** While the link is slow nothing comes from a log, so whatever is written has nowhere else to wait. G5. */
  private countUnlogged(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) this.unloggedBytes += buffer.byteLength
    const { maxWaitingBytes } = this
    const isOver =
      maxWaitingBytes === undefined ? this.unloggedBytes > UNLOGGED_MAX_BYTES : this.wire.queuedBytes > maxWaitingBytes
    if (isOver) this.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
  }

  /** Nothing waits, here or below. */
  get isIdle(): boolean {
    return this.frames === NO_FRAMES && this.wire.queuedBytes === 0
  }

  /** What is written at the end of the turn. */
  get unwritten(): readonly Uint8Array[] {
    return this.frames
  }

  /** Bytes on their way, queued here or below. */
  get queuedBytes(): number {
    return this.frameBytes + this.wire.queuedBytes
  }

  /** Watches a slow link: no drained byte for {@link STALLED_MS} ends it. */
  watchStall(): void {
    const queued = this.wire.queuedBytes
    this.stalled ??= this.runtime.timers.add(STALLED_MS, () => {
      this.stalled = undefined
      if (!this.slow || this.state !== 'open') return
      if (this.wire.queuedBytes >= queued) this.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
      else this.watchStall()
    })
  }

  unwatchStall(): void {
    this.runtime.timers.cancel(this.stalled)
    this.stalled = undefined
  }

  /** Flushes and closes; nothing is queued afterwards. A3.5. */
  close(code: number, reason: string): void {
    if (this.state !== 'open') return
    this.corks = 0 // a session is stored with its goodbye
    if (this.slow) this.takeFrames() // it would wait behind bytes that do not drain
    this.runtime.turn.flushLink(this)
    this.state = 'closing'
    this.closeCode = code
    this.closeReason = reason
    this.wire.resumeReading() // or the peer's answer would never be read
    this.wire.close(code, reason)
    this.listener.onClosing(this, code, reason)
  }

  /** Cuts the transport at once. */
  terminate(reason: string): void {
    if (this.state === 'closed') return
    this.closeCode = CLOSE_CODES.ABNORMAL.code
    this.closeReason = reason
    this.wire.terminate()
    this.closed(this.closeCode, reason)
  }

  connection(channel: number): C | undefined {
    return this.connections.find((connection) => connection.channel === channel)
  }

  /** @returns marks as delivered what was sent until now; nothing where that makes no difference */
  confirmation(): (() => void) | undefined {
    return this.listener.confirmation(this)
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
  private isAbuse(inbound: readonly Inbound[]): boolean {
    const { ratePerSecond } = this.runtime.settings
    // Pieces of messages and presence have rates of their own, which are higher.
    const messages = inbound.length - inbound.filter(isPiece).length
    if (ratePerSecond === 0 || messages === 0) return false
    this.abuse ??= new AbuseCounter()
    return this.abuse.isAbuse(this.runtime.clock.monotonic(), ratePerSecond, messages)
  }

  private handle(inbound: Inbound): void {
    this.confirmSessions()
    if (inbound.kind === 'ping') return this.control('pong', undefined)
    if (inbound.kind === 'open') return this.listener.onOpenChannel(this, inbound)
    const connection = this.connection(inbound.channel)
    if (connection) connection.receive(inbound)
    else this.refuseClosedChannel(inbound)
  }

  private confirmSessions(): void {
    for (const connection of this.connections) {
      if (!connection.isSessionConfirmed && connection.stage === 'open') this.listener.onSessionConfirmed(connection)
    }
  }

  private refuseClosedChannel(inbound: ChannelInbound): void {
    if (inbound.kind === 'close' || inbound.kind === 'ack') return
    const { channel } = inbound
    const message = `Channel ${channel} is not open`
    const error = inbound.kind === 'invalid' ? inbound.error : { code: 'INVALID_MESSAGE', message }
    const event = inbound.kind === 'invalid' ? inbound.event : undefined
    this.send(this.dialect.fail(channel, error, inbound.id, event))
  }
}

function isPiece(inbound: Inbound): boolean {
  return inbound.kind === 'request' && (inbound.event === 'message:append' || inbound.event === 'presence:set')
}

/** Bytes of `text` as UTF-8. */
export function utf8Length(text: string): number {
  return utf8.encode(text).byteLength
}

/** The refusal of a message over the limit, naming the limit. */
export function tooLarge(limit: number): { code: string; message: string } {
  return { code: 'TOO_LARGE', message: `${ERROR_CODES.TOO_LARGE.message}: at most ${limit} bytes` }
}

/** Refuses what is over the limit, before anything else looks at it. */
export function checkSize(inbound: Inbound, limit: number): Inbound {
  if (inbound.kind === 'ack') {
    return utf8Length(toJson(inbound.data)) <= limit ? inbound : { ...inbound, data: undefined, error: tooLarge(limit) }
  }
  if (inbound.kind !== 'request') return inbound
  const [first] = inbound.args
  const size = utf8Length(toJson(inbound.args.length === 1 ? first : inbound.args))
  if (size <= limit) return inbound
  return { kind: 'invalid', channel: inbound.channel, error: tooLarge(limit), id: inbound.id, event: inbound.event }
}
