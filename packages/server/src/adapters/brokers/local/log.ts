/**
 * The seam of the local broker: what a log must do. Two exist, in memory and on SQLite; the simulator puts latency and
 * crashes between the broker and a memory log, which is why every answer may be a promise. Calls take effect in the order
 * in which they were made, each of them wholly or not at all.
 */
import type {
  Append,
  Appended,
  AppendKey,
  Awaitable,
  Broker,
  Head,
  Refused,
  Repeated,
  ReturningMember,
  RoomSubscription,
  SessionRecord,
} from '../../../core/ports/broker.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { Random } from '../../../core/ports/random.ts'

type Result<Method extends keyof Broker> = Broker[Method] extends (...args: never[]) => infer R
  ? Awaitable<Awaited<R>>
  : never

export interface Log {
  open(namespace: string): Result<'open'>

  /** Stores a batch as the port says; throws UNAVAILABLE when nothing was stored. */
  append(namespace: string, entries: readonly Append[]): Awaitable<Appended[]>
  isNewKey(namespace: string, key: AppendKey): boolean
  findKey(namespace: string, key: AppendKey): Awaitable<Repeated | Refused | undefined>
  saveAck(namespace: string, key: AppendKey, ack: string): void

  read(...args: Parameters<Broker['read']>): Result<'read'>
  positions(...args: Parameters<Broker['positions']>): Result<'positions'>
  history(...args: Parameters<Broker['history']>): Result<'history'>
  heads(namespace: string, roomIds: readonly string[]): Awaitable<Head[]>

  /** Makes the rooms that are missing; until `release` they are kept however empty. */
  hold(namespace: string, rooms: readonly RoomSubscription[]): Awaitable<Head[]>
  release(namespace: string, roomIds: readonly string[]): void

  redact(namespace: string, roomId: string, seq: number): Awaitable<boolean>
  redactUser(namespace: string, userId: string): Awaitable<number>

  mark(namespace: string, roomId: string): Awaitable<number>
  setMark(namespace: string, roomId: string, seq: number): void

  saveSession(session: SessionRecord, expiresAtMs: number): void
  /** As the port's; throws UNAVAILABLE. */
  sessionsStored(): Awaitable<void>
  /** Never one that has expired. */
  findSession(namespace: string, id: string): Awaitable<SessionRecord | undefined>
  dropSession(namespace: string, id: string): void

  saveReturning(namespace: string, members: readonly ReturningMember[]): Awaitable<void>
  takeReturning(namespace: string): Awaitable<ReturningMember[]>

  healthy(): boolean
  close(): Awaitable<void>
}

export interface LogLimits {
  /** Most events kept per room that does not say otherwise. */
  readonly retention: number
  /** Events older than this go, and with the last of them the room. */
  readonly retentionMs: number
  /** All namespaces together, roughly; the oldest of who wrote most goes first. */
  readonly dataMaxBytes: number
  /** How long a key is recognised. */
  readonly dedupeWindowMs: number
  /** Most keys recognised at once; the oldest is forgotten first, since a repeat usually comes within seconds. */
  readonly dedupeMax: number
  /** Largest arguments of one event, in UTF-16 units: far above what a link lets in, so only a handler can meet it. */
  readonly eventMax: number
  /** Most sessions kept; above it the one saved longest ago goes, and its client starts afresh. */
  readonly sessionsMax: number
  /** Most members kept over a restart; those above it are gone until they are back. */
  readonly returningMax: number
  /** A room without an event is forgotten this long after its last release: longer than a session lives, so that
   * somebody who comes back to an empty room finds the epoch that he left. */
  readonly emptyRoomMs: number
}

const DAY_MS = 86_400_000

export const LOG_DEFAULTS: LogLimits = {
  retention: 10_000,
  retentionMs: 30 * DAY_MS,
  dataMaxBytes: 4 * 1024 ** 3,
  dedupeWindowMs: DAY_MS,
  dedupeMax: 5_000_000,
  eventMax: 16 * 1024 ** 2,
  sessionsMax: 100_000,
  returningMax: 100_000,
  emptyRoomMs: 600_000,
}

export interface LogOptions extends Partial<LogLimits> {
  readonly clock: Clock
  readonly random: Random
  /** There were too many bytes: so many events went, or were emptied. */
  readonly onFull?: (events: number) => void
}

/** Whose bytes an entry's are. What the server itself writes counts per room, so that a busy one pays for itself. */
export function writerOf(namespace: string, { writer, userId, roomId }: Append): string {
  return writer ?? userId ?? `room:${namespace} ${roomId}`
}

/** The public form of an epoch: the room's random id and the log's generation. */
export function formatEpoch(roomEpoch: string, generation: number): string {
  return `${roomEpoch}.${generation}`
}

export const EPOCH_LENGTH = 12
/** Characters of a log id besides the version it begins with; see `position.ts` of the protocol. */
export const LOG_ID_LENGTH = 12
