/** The two families of codes, each code once: refusals of a request, and closes of a connection. PROTOCOL.md 10. */

/** Refusals: the stable code, the default sentence (a more precise one may replace it) and the HTTP status. */
export const ERROR_CODES = {
  PARSE_ERROR: { http: 400, message: 'Invalid JSON' },
  INVALID_MESSAGE: { http: 400, message: 'Message must have a type field' },
  UNKNOWN_EVENT: { http: 400, message: 'No such event in this namespace' },
  NOT_IN_ROOM: { http: 400, message: 'Join a room first' },
  ROOM_NAME_INVALID: {
    http: 400,
    message: 'A room name is 1 to 128 bytes of UTF-8 in normal form C, without control characters or braces',
  },
  CURSOR_INVALID: { http: 400, message: 'This cursor is not one that this server gave out' },
  EXPIRED: { http: 400, message: 'The key is older than the time for which repeats are recognised; nothing was done' },
  DURABLE_NEEDS_ONE_ROOM: {
    http: 400,
    message: 'A durable event goes to all of exactly one room; send it as a transient event to exclude or to combine',
  },
  UNAUTHENTICATED: { http: 401, message: 'Authentication failed: no token' },
  TOKEN_INVALID: { http: 401, message: 'Authentication failed' },
  TOKEN_EXPIRED: { http: 401, message: 'Authentication failed: token expired' },
  USER_UNKNOWN: { http: 401, message: 'Authentication failed: no such user' },
  FORBIDDEN: { http: 403, message: 'You are not allowed to do this' },
  BANNED: { http: 403, message: 'You are banned' },
  NOT_FOUND: { http: 404, message: 'There is nothing here' },
  ROOM_FULL: { http: 409, message: 'The room is full' },
  CONFLICT: { http: 409, message: 'This key was used for something else' },
  CANNOT_ANSWER: { http: 409, message: 'This client has no way to answer' },
  TOO_LARGE: { http: 413, message: 'The message is too large' },
  RATE_LIMITED: { http: 429, message: 'Rate limit exceeded' },
  TOO_MANY_CONNECTIONS: { http: 429, message: 'Too many connections from this address' },
  TOO_MANY_ROOMS: { http: 429, message: 'Too many rooms on this connection' },
  TIMEOUT: { http: 503, message: 'The server did not answer in time' },
  UNAVAILABLE: { http: 503, message: 'The server cannot store anything right now; try again later' },
  DISCONNECTED: { http: 503, message: 'The client disconnected before it answered' },
  INTERNAL: { http: 500, message: 'Something went wrong on the server' },
} as const satisfies Record<string, { http: number; message: string }>

/** A stable code of {@link ERROR_CODES}. Applications may add their own; clients treat unknown codes as final. */
export type ErrorCode = keyof typeof ERROR_CODES

/** What a refusal looks like wherever it appears: in an ack, an `error` message, an HTTP body. */
export interface WireError {
  /** Stable: one of {@link ERROR_CODES}, or the application's own. */
  code: string
  /** A sentence a person can act on. */
  message: string
  /** Whole seconds, rounded up, at least 1; present where waiting helps. */
  retryAfter?: number
  /** Path of the field that was wrong, as `a.b.0`. */
  field?: string
}

/** Every WebSocket close code in use. RFC 6455 section 7.4. */
export const CLOSE_CODES = {
  NORMAL: { code: 1000, meaning: 'normal closure' },
  GOING_AWAY: { code: 1001, meaning: 'going away' },
  PROTOCOL_ERROR: { code: 1002, meaning: 'protocol error' },
  UNSUPPORTED: { code: 1003, meaning: 'unsupported data' },
  NO_STATUS: { code: 1005, meaning: 'no status received (never sent)' },
  ABNORMAL: { code: 1006, meaning: 'cut off without a close frame (never sent)' },
  INVALID_UTF8: { code: 1007, meaning: 'invalid UTF-8' },
  POLICY: { code: 1008, meaning: 'policy: authentication or abuse' },
  TOO_BIG: { code: 1009, meaning: 'frame too big' },
  EXTENSION_EXPECTED: { code: 1010, meaning: 'extension expected (never sent)' },
  INTERNAL: { code: 1011, meaning: 'internal error' },
  RESTART: { code: 1012, meaning: 'Server shutting down' },
  TRY_LATER: { code: 1013, meaning: 'try again later' },
  AUTH_FAILED: { code: 4001, meaning: 'authentication failed' },
  TOKEN_EXPIRED: { code: 4002, meaning: 'token expired' },
  FORBIDDEN: { code: 4003, meaning: 'forbidden' },
  REPLACED: { code: 4005, meaning: 'replaced by a newer connection of the same session' },
  TOO_SLOW: { code: 4008, meaning: 'too slow; reconnect and resume' },
  KICKED: { code: 4009, meaning: 'disconnected by the server' },
} as const satisfies Record<string, { code: number; meaning: string }>

/** What a client does after a close. `new-token`: reconnect, but only with other credentials. */
export type AfterClose = 'stop' | 'reconnect' | 'new-token'

// Numbers rather than CLOSE_CODES, so that the SDK does not carry the names and sentences.
/** After these codes the same connection attempt would fail again. */
const STOP = [1000, 1002, 1003, 1007, 1008, 1009, 4003, 4005, 4009]
const NEW_TOKEN = [4001, 4002]

/**
 * @param code of a WebSocket close
 * @returns what a client should do next; `reconnect` for codes that are not known
 */
export function afterClose(code: number): AfterClose {
  if (STOP.includes(code)) return 'stop'
  return NEW_TOKEN.includes(code) ? 'new-token' : 'reconnect'
}
