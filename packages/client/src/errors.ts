/**
 * One class for everything that can be refused, here or by the server: a stable code and a sentence for a person.
 * The server's codes are in the protocol's catalogue (PROTOCOL.md 10); those that only a client can know are added here.
 */
import type { ErrorCode, WireError } from '@roomful/protocol'

/** What goes wrong without the server having said so. */
export const CLIENT_ERRORS = {
  NOT_CONNECTED: 'No connection in time; nothing was sent',
  DISCONNECTED: 'The connection was lost; whether this was done is unknown',
  QUEUE_FULL: 'Too much is waiting already',
  CLOSED: 'The client is closed',
  NO_CREDENTIALS: 'The application could not say who this is',
  NO_WEBSOCKET: 'No global WebSocket; give a constructor',
} as const

/** `WEBSOCKET_BLOCKED` has its sentence where it is made, beside what is loaded only then. */
export type ClientErrorCode = keyof typeof CLIENT_ERRORS | 'WEBSOCKET_BLOCKED'

export class RoomfulError extends Error {
  override readonly name = 'RoomfulError'
  /** Stable: the protocol's, this client's ({@link CLIENT_ERRORS}), or the application's own. */
  readonly code: ErrorCode | ClientErrorCode | (string & {})
  /** How long until it may succeed; present where waiting helps. */
  readonly retryAfterMs: number | undefined
  /** Path of the field that was wrong. */
  readonly field: string | undefined

  constructor(
    code: ErrorCode | ClientErrorCode | (string & {}),
    message?: string,
    more: { retryAfterMs?: number | undefined; field?: string | undefined; cause?: unknown } = {},
  ) {
    super(message ?? defaultMessage(code), more)
    this.code = code
    this.retryAfterMs = more.retryAfterMs
    this.field = more.field
  }

  static fromWire(error: WireError): RoomfulError {
    const retryAfterMs = error.retryAfter === undefined ? undefined : error.retryAfter * 1000
    return new RoomfulError(error.code, error.message, { retryAfterMs, field: error.field })
  }
}

/** Refusals that say nothing about the request itself: the same request may succeed later. */
const PASSING = new Set<string>([
  'RATE_LIMITED',
  'UNAVAILABLE',
  'TIMEOUT',
  'DISCONNECTED',
  'NOT_CONNECTED',
  'QUEUE_FULL',
] satisfies (ErrorCode | ClientErrorCode)[])

/** @returns true when repeating the same request later may succeed */
export function isPassing({ code }: RoomfulError): boolean {
  return PASSING.has(code)
}

function defaultMessage(code: string): string {
  return CLIENT_ERRORS[code as keyof typeof CLIENT_ERRORS] ?? code
}
