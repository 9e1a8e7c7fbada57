/** The settings of the core. `config/settings.ts` declares them with names, units and sentences for people. */
export interface CoreSettings {
  /** Connections need a token, except in namespaces that let guests in. */
  readonly authRequired: boolean
  /** A connection without credentials may send them in its first message. */
  readonly firstMessageAuth: boolean
  readonly authDeadlineMs: number
  readonly pingIntervalMs: number
  readonly pongTimeoutMs: number
  /** Arguments as UTF-8 JSON plus attachments. */
  readonly maxMessageBytes: number
  /** Events of a room kept in memory; all rooms together at most `hotBytes`. */
  readonly historySize: number
  readonly hotBytes: number
  readonly replayMax: number
  readonly dedupeWindowMs: number
  /** Per connection, over a sliding second; 0 = off. */
  readonly ratePerSecond: number
  /** Appending messages per user, over a sliding minute; 0 = off. */
  readonly ratePerMinute: number
  readonly maxConnectionsPerIp: number
  /** New connections of one address, and of one user, over a sliding minute; 0 = off. */
  readonly connectsPerMinute: number
  /** Rooms that one user, or the guests of one address, make over a sliding minute; 0 = off. */
  readonly newRoomsPerMinute: number
  /** Connections from this machine do not count towards `maxConnectionsPerIp`. */
  readonly loopbackExempt: boolean
  /** Limits over reconnects that this machine has as well: those that were set on purpose. */
  readonly loopbackCounted: readonly LoopbackLimit[]
  readonly maxRooms: number
  /** Above this many queued bytes a link is slow and its rooms are read from the log. */
  readonly outboxBytes: number
  /** All queues together. */
  readonly outboxMaxBytes: number
  readonly drainMs: number
  /** How long a handler may take before its request is answered with TIMEOUT. */
  readonly handlerTimeoutMs: number
  /** How long a session is kept after last contact. */
  readonly sessionMs: number
  /** How long a cut-off member that can resume still counts as present. */
  readonly presenceGraceMs: number
  /** Changes that a connection makes of what it says of itself, in a second; 0 = off. */
  readonly presencePerSecond: number
  /** Nothing was added to a message for so long: it is interrupted. */
  readonly streamIdleMs: number
  /** Longest text of a message that is written in pieces, in UTF-16 units. */
  readonly streamMaxLength: number
  /** Pieces of messages that a connection may send in a second; 0 = off. */
  readonly streamPiecesPerSecond: number
  /** The same in characters. */
  readonly streamCharsPerSecond: number
  /** Each stored event has a note in its namespace's outbox; see outbox.ts. */
  readonly hasOutbox: boolean
}

/** Limits over reconnects from which loopback addresses are exempt by default; see limits.ts. */
export const LOOPBACK_LIMITS = ['connectsPerMinute', 'newRoomsPerMinute', 'ratePerMinute'] as const
export type LoopbackLimit = (typeof LOOPBACK_LIMITS)[number]

/** The settings of a server that changes none. */
export const CORE_DEFAULTS: CoreSettings = {
  authRequired: true,
  firstMessageAuth: true,
  authDeadlineMs: 5_000,
  pingIntervalMs: 30_000,
  pongTimeoutMs: 5_000,
  maxMessageBytes: 65_536,
  historySize: 100,
  hotBytes: 64 * 1024 * 1024,
  replayMax: 1_000,
  dedupeWindowMs: 86_400_000,
  ratePerSecond: 10,
  ratePerMinute: 30,
  maxConnectionsPerIp: 50,
  connectsPerMinute: 600,
  newRoomsPerMinute: 300,
  loopbackExempt: true,
  loopbackCounted: [],
  maxRooms: 200,
  outboxBytes: 128 * 1024,
  outboxMaxBytes: 256 * 1024 * 1024,
  drainMs: 10_000,
  handlerTimeoutMs: 5_000,
  sessionMs: 120_000,
  presenceGraceMs: 5_000,
  presencePerSecond: 20,
  streamIdleMs: 30_000,
  streamMaxLength: 1024 * 1024,
  streamPiecesPerSecond: 100,
  streamCharsPerSecond: 65_536,
  hasOutbox: false,
}
