import { ERROR_CODES, type ErrorCode, type WireError } from '@roomful/protocol'

/**
 * What a handler throws to refuse a request, and what Roomful throws itself: a stable code and a sentence for a person.
 * Anything else that is thrown is reported to the client as INTERNAL and to the log whole.
 */
export class RoomfulError extends Error {
  override readonly name = 'RoomfulError'
  readonly code: string
  readonly field: string | undefined
  /** How long until it may succeed; sent in whole seconds, rounded up. */
  readonly retryAfterMs: number | undefined
  /** What a program needs to do better: sent beside the code. */
  readonly details: Readonly<Record<string, unknown>> | undefined

  /**
   * @param code one of the catalogue or the application's own, upper case with underscores
   * @param message a sentence a person can act on; the catalogue's when left out
   */
  constructor(
    code: ErrorCode | (string & {}),
    message?: string,
    more: {
      field?: string | undefined
      retryAfterMs?: number | undefined
      cause?: unknown
      details?: Readonly<Record<string, unknown>> | undefined
    } = {},
  ) {
    super(message ?? defaultMessage(code), more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.field = more.field
    this.retryAfterMs = more.retryAfterMs
    this.details = more.details
  }

  toWire(): WireError {
    const wire: WireError = { ...this.details, code: this.code, message: this.message }
    if (this.retryAfterMs !== undefined) wire.retryAfter = Math.max(1, Math.ceil(this.retryAfterMs / 1000))
    if (this.field !== undefined) wire.field = this.field
    return wire
  }

  /** HTTP status of the code; application codes are 400. */
  get status(): number {
    return isKnown(this.code) ? ERROR_CODES[this.code].http : 400
  }
}

/** @returns the error that {@link RoomfulError.toWire} wrote */
export function fromWire({ code, message, field, retryAfter, ...details }: WireError): RoomfulError {
  const retryAfterMs = retryAfter === undefined ? undefined : retryAfter * 1_000
  return new RoomfulError(code, message, { field, retryAfterMs, details })
}

/** Makes an error for clients of anything that was thrown: details of the unexpected stay on the server. */
export function toRoomfulError(thrown: unknown): RoomfulError {
  return thrown instanceof RoomfulError ? thrown : new RoomfulError('INTERNAL', undefined, { cause: thrown })
}

/** @param reason for the user to read */
export function bannedError(reason: string | undefined): RoomfulError {
  return new RoomfulError('BANNED', reason === undefined ? undefined : `${ERROR_CODES.BANNED.message}: ${reason}`)
}

function defaultMessage(code: string): string {
  return isKnown(code) ? ERROR_CODES[code].message : code
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}
