/** The limits that `welcome` tells: part of the protocol, so that a client never has to guess. 0 means off. */
export interface Limits {
  /** Largest message in bytes: its arguments as UTF-8 JSON, plus attachments. */
  maxMessageBytes: number
  /** Events a second on this connection, over a sliding second. */
  ratePerSecond: number
  /** Stored messages a minute for this user, over a sliding minute. */
  ratePerMinute: number
  /** New connections a minute of this user, and of this address. */
  connectsPerMinute: number
  /** Rooms that this user, or the guests of this address, may create in a minute. */
  newRoomsPerMinute: number
  maxRooms: number
  maxRoomIdBytes: number
  maxJsonDepth: number
  /** Most events that one resume replays; more is `too_far`. */
  replayMax: number
  /** How long a repeated `key` is recognised, ms. */
  dedupeWindowMs: number
  /** How long a cut-off session is kept, ms. */
  sessionMs: number
}

export const MAX_JSON_DEPTH = 64
export const MAX_ATTACHMENTS = 16
/** An `id` of at least this many characters is also an idempotency key. K4, PROTOCOL.md 7. */
export const ID_AS_KEY_LENGTH = 16
export const KEY_MAX_LENGTH = 128
/** Channels (connections) that one v1 link may carry. */
export const MAX_CHANNELS = 16
