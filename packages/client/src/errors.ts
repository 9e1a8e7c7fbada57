/**
 * One class for all refusals, by the server or by the client: a stable code and a sentence for a person. The server's codes
 * are in the protocol (PROTOCOL.md 10); here are those that only a client can detect.
 */
import type { ErrorCode, WireError } from '@roomful/protocol'

/** Errors that the client detects without the server, each with its default sentence. */
export const CLIENT_ERRORS = {
  NOT_CONNECTED: 'No connection',
  DISCONNECTED: 'The connection was lost; whether this was done is unknown',
  QUEUE_FULL: 'Too much is waiting already',
  CLOSED: 'The client is closed',
  NO_CREDENTIALS: 'The application could not say who this is',
  NO_WEBSOCKET: 'No global WebSocket; give a constructor',
} as const

/** A code of {@link CLIENT_ERRORS}, or `WEBSOCKET_BLOCKED`, whose sentence is with the fallbacks, which are loaded on demand. */
export type ClientErrorCode = keyof typeof CLIENT_ERRORS | 'WEBSOCKET_BLOCKED'

/** A refusal, by the server or by the client. `code` says which. */
export class RoomfulError extends Error {
  override readonly name = 'RoomfulError'
  // `declare`, here and in other classes: the constructor assigns it, and the SDK's bundle needs no code for the field.
  /** Stable: a code of the protocol, of the client ({@link CLIENT_ERRORS}), or of the application. */
  declare readonly code: ErrorCode | ClientErrorCode | (string & {})
  /** How long until the same request may succeed, ms; present where waiting helps. */
  declare readonly retryAfterMs: number | undefined
  /** Path of the field that was wrong, as `a.b.0`. */
  declare readonly field: string | undefined
  /** All that the server says of it; with a CONFLICT of room state the current `value` and `version`. */
  declare readonly details: Readonly<Record<string, unknown>> | undefined

  /**
   * @param code throw it with a code of your own from a handler of `onRequest`
   * @param message default: the sentence of `code`
   */
  constructor(
    code: ErrorCode | ClientErrorCode | (string & {}),
    message?: string,
    more: {
      retryAfterMs?: number | undefined
      field?: string | undefined
      details?: Readonly<Record<string, unknown>> | undefined
      cause?: unknown
    } = {},
  ) {
    super(message ?? defaultMessage(code), more)
    this.code = code
    this.retryAfterMs = more.retryAfterMs
    this.field = more.field
    this.details = more.details
  }

  /** @returns the error that the server sent */
  static fromWire(error: WireError): RoomfulError {
    const retryAfterMs = error.retryAfter === undefined ? undefined : error.retryAfter * 1000
    return new RoomfulError(error.code, error.message, { retryAfterMs, field: error.field, details: { ...error } })
  }
}

/** Temporary refusals: the same request may succeed later. */
const PASSING: readonly string[] = [
  'RATE_LIMITED',
  'UNAVAILABLE',
  'TIMEOUT',
  'DISCONNECTED',
  'NOT_CONNECTED',
  'QUEUE_FULL',
] satisfies (ErrorCode | ClientErrorCode)[]

/** @returns true when repeating the same request later may succeed */
export function isPassing({ code }: RoomfulError): boolean {
  return PASSING.includes(code)
}

function defaultMessage(code: string): string {
  return CLIENT_ERRORS[code as keyof typeof CLIENT_ERRORS] ?? code
}
