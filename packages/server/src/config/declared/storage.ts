/** Settings of storage: place, size, retention. */
import { LOG_DEFAULTS } from '../../adapters/brokers/local/log.ts'
import { CORE_DEFAULTS } from '../../core/base/settings.ts'
import { oneOf, setting, text, wholeNumber } from '../declaration.ts'

const GIB = 1024 ** 3

export const storage = {
  data: setting({
    variable: 'ROOMFUL_DATA',
    type: text,
    default: './data',
    sentence: 'Folder of all stored data; ":memory:" stores nothing.',
  }),
  sync: setting({
    variable: 'ROOMFUL_SYNC',
    type: oneOf('normal', 'full'),
    default: 'normal',
    sentence: 'What an acknowledged message survives: a killed process ("normal"), or a power failure too ("full").',
  }),
  historySize: setting({
    variable: 'ROOMFUL_HISTORY_SIZE',
    type: wholeNumber(0, 100_000),
    default: CORE_DEFAULTS.historySize,
    unit: 'events',
    sentence: 'Latest events of each room that are kept in memory.',
  }),
  hotBytes: setting({
    variable: 'ROOMFUL_HOT_BYTES',
    type: wholeNumber(0, 64 * GIB),
    default: CORE_DEFAULTS.hotBytes,
    unit: 'bytes',
    sentence: 'Memory for these events, all rooms together.',
  }),
  retention: setting({
    variable: 'ROOMFUL_RETENTION',
    type: wholeNumber(1, 1_000_000_000),
    default: 10_000,
    unit: 'events',
    sentence: 'Events of each room that are stored; older ones are trimmed.',
  }),
  retentionDays: setting({
    variable: 'ROOMFUL_RETENTION_DAYS',
    type: wholeNumber(0, 36_500),
    default: 30,
    unit: 'days',
    sentence: 'How long events are stored; 0 = no limit.',
  }),
  dataMaxBytes: setting({
    variable: 'ROOMFUL_DATA_MAX_BYTES',
    type: wholeNumber(0, 1024 ** 2 * GIB),
    default: LOG_DEFAULTS.dataMaxBytes,
    unit: 'bytes',
    sentence:
      'Approximate size of all stored events. Above it the oldest events of the largest writers are removed. 0 = until the disk is full. In memory 256 MiB, unless this is set.',
  }),
  replayMax: setting({
    variable: 'ROOMFUL_REPLAY_MAX',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.replayMax,
    unit: 'events',
    sentence: 'Most missed events of a room that a client receives when it reconnects.',
  }),
  dedupeWindowMs: setting({
    variable: 'ROOMFUL_DEDUPE_WINDOW_MS',
    type: wholeNumber(1_000, 2_592_000_000),
    default: CORE_DEFAULTS.dedupeWindowMs,
    unit: 'ms',
    sentence: 'How long a repeated request with the same key is recognised.',
  }),
  dedupeMax: setting({
    variable: 'ROOMFUL_DEDUPE_MAX',
    type: wholeNumber(1_000, 1_000_000_000),
    default: 5_000_000,
    unit: 'keys',
    sentence: 'Most idempotency keys that are remembered.',
  }),
}
