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
import type { Clock, Random } from '../../../core/ports/system.ts'
import type { LogLimits } from '../common/limits.ts'

export { LOG_DEFAULTS, type LogLimits } from '../common/limits.ts'

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
