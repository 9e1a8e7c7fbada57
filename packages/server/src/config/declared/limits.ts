/** Settings of heartbeats and of limits per client. */
import { CORE_DEFAULTS } from '../../core/base/settings.ts'
import { onOff, setting, wholeNumber } from '../declaration.ts'

const HOUR_MS = 3_600_000
const MIB = 1024 ** 2

export const limits = {
  pingIntervalMs: setting({
    variable: 'ROOMFUL_PING_INTERVAL_MS',
    type: wholeNumber(10, HOUR_MS),
    default: CORE_DEFAULTS.pingIntervalMs,
    unit: 'ms',
    sentence: 'How often each client is pinged.',
  }),
  pongTimeoutMs: setting({
    variable: 'ROOMFUL_PONG_TIMEOUT_MS',
    type: wholeNumber(10, HOUR_MS),
    default: CORE_DEFAULTS.pongTimeoutMs,
    unit: 'ms',
    sentence: 'How long a client may take to answer a ping before it is disconnected.',
  }),
  socketioPingIntervalMs: setting({
    variable: 'ROOMFUL_SOCKETIO_PING_INTERVAL_MS',
    type: wholeNumber(10, HOUR_MS),
    default: 10_000,
    unit: 'ms',
    sentence: 'How often each Socket.IO client is pinged.',
  }),
  socketioPingTimeoutMs: setting({
    variable: 'ROOMFUL_SOCKETIO_PING_TIMEOUT_MS',
    type: wholeNumber(10, HOUR_MS),
    default: 5_000,
    unit: 'ms',
    sentence: 'How long a Socket.IO client may take to answer.',
  }),
  socketioRecovery: setting({
    variable: 'ROOMFUL_SOCKETIO_RECOVERY',
    type: onOff,
    default: true,
    sentence: 'Whether Socket.IO clients receive missed events when they reconnect.',
  }),
  maxMessageBytes: setting({
    variable: 'ROOMFUL_MAX_MESSAGE_BYTES',
    type: wholeNumber(64, 64 * MIB),
    default: CORE_DEFAULTS.maxMessageBytes,
    unit: 'bytes',
    sentence: 'Largest message: its arguments as UTF-8 JSON, and its attachments.',
  }),
  ratePerSecond: setting({
    variable: 'ROOMFUL_RATE_PER_SECOND',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.ratePerSecond,
    unit: 'events',
    sentence: 'Events that a connection may send in any second; 0 = off.',
  }),
  ratePerMinute: setting({
    variable: 'ROOMFUL_RATE_PER_MINUTE',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.ratePerMinute,
    unit: 'messages',
    sentence:
      'Messages that a user may send in any minute, over all connections; 0 = off. Guests keep their count when they reconnect, and all guests of one address together may send 20 times as many. If set, this also applies to guests on this machine (loopback).',
  }),
  maxConnectionsPerIp: setting({
    variable: 'ROOMFUL_MAX_CONNECTIONS_PER_IP',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.maxConnectionsPerIp,
    unit: 'connections',
    sentence: 'Connections from one address; 0 = off. If set, this also applies to this machine (loopback).',
  }),
  connectsPerMinute: setting({
    variable: 'ROOMFUL_CONNECTS_PER_MINUTE',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.connectsPerMinute,
    unit: 'connections',
    sentence:
      'New connections from one address, and of one user, in any minute; 0 = off. If set, this also applies to this machine (loopback).',
  }),
  newRoomsPerMinute: setting({
    variable: 'ROOMFUL_NEW_ROOMS_PER_MINUTE',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.newRoomsPerMinute,
    unit: 'rooms',
    sentence:
      'Rooms that a user, or the guests of one address, may create in any minute; 0 = off. If set, this also applies to this machine (loopback).',
  }),
  presencePerSecond: setting({
    variable: 'ROOMFUL_PRESENCE_PER_SECOND',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.presencePerSecond,
    unit: 'changes',
    sentence: 'Changes that a connection makes of its presence data in any second, outside of its events; 0 = off.',
  }),
  streamIdleMs: setting({
    variable: 'ROOMFUL_STREAM_IDLE_MS',
    type: wholeNumber(100, HOUR_MS),
    default: CORE_DEFAULTS.streamIdleMs,
    unit: 'ms',
    sentence: 'How long a message that is written in pieces may get none before it is interrupted.',
  }),
  streamMaxLength: setting({
    variable: 'ROOMFUL_STREAM_MAX_LENGTH',
    type: wholeNumber(1, 16 * MIB),
    default: CORE_DEFAULTS.streamMaxLength,
    unit: 'characters',
    sentence: 'Longest message that is written in pieces.',
  }),
  streamPiecesPerSecond: setting({
    variable: 'ROOMFUL_STREAM_PIECES_PER_SECOND',
    type: wholeNumber(0, 1_000_000),
    default: CORE_DEFAULTS.streamPiecesPerSecond,
    unit: 'pieces',
    sentence: 'Pieces of messages that a connection may send in any second, outside of its events; 0 = off.',
  }),
  streamCharsPerSecond: setting({
    variable: 'ROOMFUL_STREAM_CHARS_PER_SECOND',
    type: wholeNumber(0, 1_024 * MIB),
    default: CORE_DEFAULTS.streamCharsPerSecond,
    unit: 'characters',
    sentence: 'Characters that the pieces of a second may have together; 0 = off.',
  }),
  maxRooms: setting({
    variable: 'ROOMFUL_MAX_ROOMS',
    type: wholeNumber(1, 1_000_000),
    default: CORE_DEFAULTS.maxRooms,
    unit: 'rooms',
    sentence: 'Rooms that one connection may be in.',
  }),
  outboxBytes: setting({
    variable: 'ROOMFUL_OUTBOX_BYTES',
    type: wholeNumber(1_024, 1_024 * MIB),
    default: CORE_DEFAULTS.outboxBytes,
    unit: 'bytes',
    sentence: 'Unsent bytes of one client above which its events wait in the log instead of in memory.',
  }),
  outboxMaxBytes: setting({
    variable: 'ROOMFUL_OUTBOX_MAX_BYTES',
    type: wholeNumber(1_024, 1_024 ** 2 * MIB),
    default: CORE_DEFAULTS.outboxMaxBytes,
    unit: 'bytes',
    sentence: 'Unsent bytes of all clients together.',
  }),
}
