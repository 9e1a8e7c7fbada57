/**
 * Every refusal of a request, once: its code (stable), its default sentence (may be made more precise where it is thrown)
 * and its HTTP status. PROTOCOL.md 10. Closes of a connection are the other family: close-codes.ts.
 */
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
  code: string
  /** A sentence a person can act on. */
  message: string
  /** Whole seconds, rounded up, at least 1; present where waiting helps. */
  retryAfter?: number
  /** Path of the field that was wrong, as `a.b.0`. */
  field?: string
}
