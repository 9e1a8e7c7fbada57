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
} from '../../../core/ports/broker.ts'
import type { Clock, Random } from '../../../core/ports/system.ts'
import type { LogLimits } from '../common/limits.ts'

export { LOG_DEFAULTS, type LogLimits } from '../common/limits.ts'

/** Calls that the log answers itself: see the port. */
export const ASKED = [
  ...([
    'open',
    'read',
    'positions',
    'history',
    'growing',
    'state',
    'readPositions',
    'heads',
    'subscribe',
    'redact',
    'redactUser',
    'mark',
  ] as const),
  ...(['sessionsStored', 'findSession', 'saveReturning', 'takeReturning'] as const),
] as const
/** Calls that have no answer. */
export const NOTED = ['saveAck', 'unsubscribe', 'setMark', 'saveSession', 'dropSession'] as const

type Answers<Name extends keyof Broker> = {
  [Each in Name]: Required<Broker>[Each] extends (...args: infer Args) => Awaitable<infer Answer>
    ? (...args: Args) => Awaitable<Answer>
    : never
}

/**
 * As the port has them. `subscribe` makes the rooms that are missing; until `unsubscribe` they are kept however empty.
 * A session that has expired is never found.
 */
export interface Log extends Answers<(typeof ASKED)[number]>, Pick<Broker, (typeof NOTED)[number]> {
  /** Stores a batch as the port says; throws UNAVAILABLE when nothing was stored. */
  append(namespace: string, entries: readonly Append[]): Awaitable<Appended[]>
  /** As the port has it; a minute is that of all namespaces. */
  take(scope: string, perMinute: number): Awaitable<number>
  /**
   * Whether nothing was stored under the key for certain, as far as that is known at once; false when it takes
   * {@link findKey}.
   */
  isNewKey(namespace: string, key: AppendKey): boolean
  /** What was stored under the key, if anything was within the window. */
  findKey(namespace: string, key: AppendKey): Awaitable<Repeated | Refused | undefined>
  healthy(): boolean
  close(): Awaitable<void>
}

export interface LogOptions extends Partial<LogLimits> {
  readonly clock: Clock
  readonly random: Random
  /** There were too many bytes: so many events went, or were emptied. */
  readonly onFull?: (events: number) => void
}

/** The public form of an epoch: the room's random id and the log's generation. */
export function formatEpoch(roomEpoch: string, generation: number): string {
  return `${roomEpoch}.${generation}`
}

/** A number of this epoch is that of another event in the room's log, if the room has another one. */
export function isOfOtherLog(epoch: string | undefined, head: Pick<Head, 'epoch'>): boolean {
  return epoch !== undefined && epoch !== head.epoch
}

export const EPOCH_LENGTH = 12
/** Characters of a log id besides the version it begins with; see `position.ts` of the protocol. */
export const LOG_ID_LENGTH = 12
