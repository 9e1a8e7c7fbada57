/** What both sides must agree on before the first event: versions, subprotocols, limits. */

/**
 * The version of what is on the wire. `plain` only ever gets additions and has no number; `v1` and everything that is
 * stored begin with one. `schemaHash` in the protocol's tests makes any change of a message loud.
 *
 * | version | since | what changed |
 * |---|---|---|
 * | 1 | 0.1.0 | first |
 */
export const PROTOCOL_VERSION = 1

/** WebSocket subprotocol of the dialect for any WebSocket client: one flat JSON object per message. */
export const PLAIN_SUBPROTOCOL = 'roomful.plain'
/** WebSocket subprotocols of the SDK's envelope, newest first: the server takes the first one it knows. */
export const SDK_SUBPROTOCOLS = ['roomful.v1'] as const
/** A subprotocol `bearer.<token>` carries the token; the server never echoes it. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.'
/** A subprotocol `link.<secret>` beside v1's: this WebSocket offers to take over a link that HTTP carries. */
export const LINK_SUBPROTOCOL_PREFIX = 'link.'

/** The limits in `welcome`: part of the protocol, so that a client never has to guess. 0 means no limit. */
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
  /** Rooms that one connection may be in. */
  maxRooms: number
  /** Bytes of a room id as UTF-8. */
  maxRoomIdBytes: number
  /** Levels of objects and arrays inside each other. */
  maxJsonDepth: number
  /** Most events that one resume replays; more is `too_far`. */
  replayMax: number
  /** How long a repeated `key` is recognised, ms. */
  dedupeWindowMs: number
  /** How long the session of a lost connection is kept, ms. */
  sessionMs: number
  /** Changes of presence data a second on this connection. */
  presencePerSecond: number
  /** A message that is written in pieces is interrupted when its writer is silent for this long, ms. */
  streamIdleMs: number
  /** Longest message that is written in pieces, in UTF-16 units. */
  streamMaxLength: number
  /** Pieces of messages a second on this connection. */
  streamPiecesPerSecond: number
  /** UTF-16 units in pieces of messages a second on this connection. */
  streamCharsPerSecond: number
}

/** Levels of objects and arrays inside each other that a message may have. R4. */
export const MAX_JSON_DEPTH = 64
/** Pieces of binary that a message may have. */
export const MAX_ATTACHMENTS = 16
/** An `id` of at least this many characters is also an idempotency key. K4, PROTOCOL.md 7. */
export const ID_AS_KEY_LENGTH = 16
/** Longest idempotency key, request id and event name, in characters. */
export const KEY_MAX_LENGTH = 128
/** Channels (connections) that one v1 link may carry. */
export const MAX_CHANNELS = 16
