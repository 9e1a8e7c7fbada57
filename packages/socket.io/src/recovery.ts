/**
 * The adapter with which clients that were cut off come back: it keeps their rooms and data, and what was sent meanwhile.
 * Each event ends with its offset, a string that the official client sends when it connects again.
 */
import { PacketType } from 'socket.io-parser'
import {
  Adapter,
  type BroadcastOptions,
  type EventPacket,
  type RestoredSession,
  type Room,
  type SessionToPersist,
} from './adapter.ts'
import type { SharedPacket } from './frames.ts'
import type { AnyNamespace } from './internal.ts'

interface KeptEvent {
  readonly offset: string
  readonly data: unknown[]
  readonly rooms: ReadonlySet<Room>
  readonly except: ReadonlySet<Room>
  readonly at: number
  readonly bytes: number
}

interface KeptSession extends SessionToPersist {
  readonly disconnectedAt: number
}

/** All events that are kept for one namespace. The oldest go first, and who missed one of them does not recover. */
const KEPT_MAX_BYTES = 4 * 1024 * 1024
const KEPT_MAX = 10_000
const SESSIONS_MAX = 10_000

export class RecoveringAdapter extends Adapter {
  private readonly durationMs: number
  private readonly sessions = new Map<string, KeptSession>()
  private kept: KeptEvent[] = []
  private keptBytes = 0
  private count = 0
  private readonly run = Date.now().toString(36)

  constructor(nsp: AnyNamespace) {
    super(nsp)
    this.durationMs = nsp.server._opts.connectionStateRecovery?.maxDisconnectionDuration ?? 0
  }

  override persistSession(session: SessionToPersist): void {
    this.sessions.set(session.pid, { ...session, disconnectedAt: Date.now() })
    const [oldest] = this.sessions.keys()
    if (this.sessions.size > SESSIONS_MAX && oldest !== undefined) this.sessions.delete(oldest)
  }

  override restoreSession(pid: string, offset: string | undefined): Promise<RestoredSession | null> | null {
    this.dropOld()
    const session = this.sessions.get(pid)
    if (!session) return null
    const at = this.kept.findIndex((event) => event.offset === offset)
    if (at < 0) return null
    const missedPackets = this.kept
      .slice(at + 1)
      .filter(({ rooms, except }) => isFor(session.rooms, rooms, except))
      .map(({ data }) => data)
    this.sessions.delete(pid)
    return Promise.resolve({ ...session, missedPackets })
  }

  override broadcast(packet: EventPacket, opts: BroadcastOptions): void {
    const shared = this.encode(packet)
    if (this.isElsewhere(opts)) this.nodes?.emit(shared, opts)
    this.send(packet, shared, opts)
  }

  override emitHere(shared: SharedPacket, opts: BroadcastOptions): void {
    this.send(this.decode(shared.packets), shared, opts)
  }

  private send(packet: EventPacket, shared: SharedPacket, opts: BroadcastOptions): void {
    const { type } = packet
    const isEvent = type === PacketType.EVENT || type === PacketType.BINARY_EVENT
    const isKept = isEvent && packet.id === undefined && opts.flags?.volatile === undefined
    this.deliver(packet, shared, opts, isKept ? this.keep(packet, shared, opts) : shared)
  }

  /** @returns the packet with its offset, for clients that take it off */
  private keep(
    packet: EventPacket,
    plain: SharedPacket,
    { rooms, except = new Set() }: BroadcastOptions,
  ): SharedPacket {
    const offset = `${this.run}${(this.count++).toString(36)}`
    const data = [...(packet.data as unknown[]), offset]
    const shared = this.nsp.server.hasOwnParser ? plain.with(offset) : this.encode({ ...packet, data })
    const bytes = shared.packets.reduce((sum, part) => sum + part.length, 0)
    this.kept.push({ offset, data: structuredClone(data), rooms, except, at: Date.now(), bytes })
    this.keptBytes += bytes
    this.dropOld()
    return shared
  }

  private dropOld(): void {
    const oldest = Date.now() - this.durationMs
    let gone = 0
    while (gone < this.kept.length) {
      const { at, bytes } = this.kept[gone] as KeptEvent
      if (at >= oldest && this.keptBytes <= KEPT_MAX_BYTES && this.kept.length - gone <= KEPT_MAX) break
      this.keptBytes -= bytes
      gone++
    }
    if (gone > 0) this.kept = this.kept.slice(gone)
    for (const [pid, { disconnectedAt }] of this.sessions) {
      if (disconnectedAt >= oldest) break
      this.sessions.delete(pid)
    }
  }
}

function isFor(own: readonly Room[], rooms: ReadonlySet<Room>, except: ReadonlySet<Room>): boolean {
  return (rooms.size === 0 || own.some((room) => rooms.has(room))) && !own.some((room) => except.has(room))
}
