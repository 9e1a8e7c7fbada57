/** Opens the event log that the settings choose: in memory, or in the data folder. */
import { createMemoryLog, type Log, openSqliteLog } from './adapters/brokers/local/index.ts'
import { LOG_DEFAULTS } from './adapters/brokers/local/log.ts'
import type { Settings } from './config/settings-type.ts'
import type { Observer } from './core/ports/observer.ts'
import type { Clock, Random } from './core/ports/system.ts'

const DAY_MS = 86_400_000

const FULL =
  'ROOMFUL_DATA_MAX_BYTES is reached: from now on the oldest events of who wrote most are removed to make room. Raise it to keep more.'

/** What a log needs. */
export interface LogPorts {
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
}

/** Opens the log. @throws RoomfulError with a sentence when the data folder is in use, of a newer version, or cannot be used */
export function openLog(settings: Settings, { clock, random, observer }: LogPorts): Log {
  const { data: folder, sync, retention, dataMaxBytes, dedupeWindowMs, dedupeMax } = settings
  const retentionMs = retentionMsOf(settings)
  let isFull = false
  const onFull = (events: number) => {
    observer.observe({ type: 'made-room', events })
    if (!isFull) observer.observe({ type: 'notice', message: FULL, isRisky: true })
    isFull = true
  }
  const options = { clock, random, retention, retentionMs, dedupeWindowMs, dedupeMax, onFull }
  // 0 means no limit, until the disk is full. In memory the default limit stays.
  const isOwn = dataMaxBytes > 0 && dataMaxBytes !== LOG_DEFAULTS.dataMaxBytes
  if (folder === ':memory:') return createMemoryLog({ ...options, ...(isOwn ? { dataMaxBytes } : {}) })
  const report = (error: unknown) => observer.observe({ type: 'notice', message: describe(error), isRisky: true })
  return openSqliteLog({ ...options, dataMaxBytes: dataMaxBytes || Number.POSITIVE_INFINITY, folder, sync, report })
}

export function retentionMsOf({ retentionDays }: Settings): number {
  return retentionDays === 0 ? Number.POSITIVE_INFINITY : retentionDays * DAY_MS
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return `The log could not be tended to and will try again: ${cause instanceof Error ? cause.message : String(cause)}`
}
