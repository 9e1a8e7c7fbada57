/** What every dialect decodes messages of clients to, and what it encodes events from. */
import { ERROR_CODES, type WireError } from './codes.ts'

/** Correlates an acknowledgement with its request; opaque to the server. */
export type RequestId = string | number

/** A decoded message of a client. `channel` is 0 in dialects that carry one connection a link. */
export type Inbound =
  | {
      kind: 'request'
      channel: number
      event: string
      args: unknown[]
      id: RequestId | undefined
      key: string | undefined
      /** Of W3C Trace Context: the span of the client that this belongs to. */
      traceparent?: string | undefined
      /** In the plain form: it was written as `{event, …}`, where every name belongs to the application. */
      isEnvelope?: true
    }
  | { kind: 'auth'; channel: number; credentials: Credentials; id: RequestId | undefined }
  /** The answer to a request of the server. */
  | { kind: 'ack'; channel: number; id: RequestId; data: unknown; error: WireError | undefined }
  | { kind: 'ping' }
  /** Attach to a namespace. */
  | {
      kind: 'open'
      channel: number
      namespace: string | undefined
      credentials: Credentials
      session: string | undefined
      /** Latest position that the client knows, in dialects where the server remembers its rooms. */
      cursor?: string | undefined
      /** Its link serves several pages: the one that ends with the link may not be this client's. */
      isShared?: boolean
      /** All fields that the client sent to attach. */
      auth?: Record<string, unknown> | undefined
    }
  /**
   * Detach. `isReplaced`: the client attaches to the same namespace again at once, and may resume the session.
   * `keepsSession`: it may come back later, as after a cut.
   */
  | { kind: 'close'; channel: number; isReplaced?: boolean; keepsSession?: boolean }
  /** Answered with an error; the connection stays. */
  | { kind: 'invalid'; channel: number; error: WireError; id: RequestId | undefined; event: string | undefined }

/** How a client authenticates. PROTOCOL.md 3. Without any it is a guest, where guests are allowed. */
export interface Credentials {
  /** A JWT. */
  token?: string
  /** For single use, from the server's HTTP API. */
  ticket?: string
  /** The name that a guest asks for. */
  name?: string
}

/**
 * A message that a dialect could not decode: the server answers it with an error, and the connection stays open.
 * @param message default: the sentence of `code`
 * @param more what could be read of the message: the wrong field, the request's id, the event's name
 */
export function invalid(
  channel: number,
  code: 'PARSE_ERROR' | 'INVALID_MESSAGE',
  message: string = ERROR_CODES[code].message,
  more: { field?: string; id?: RequestId; event?: string } = {},
): Inbound {
  const error: WireError = more.field === undefined ? { code, message } : { code, message, field: more.field }
  return { kind: 'invalid', channel, error, id: more.id, event: more.event }
}

/** An event as every dialect's encoder sees it. The JSON of its arguments is made once for all dialects. */
export interface WireEvent {
  /** Its name. */
  readonly type: string
  readonly args: readonly unknown[]
  /** JSON text of `args`: an array, bytes as `$binary`. */
  readonly argsJson: string
  /** In the plain form the fields of its one object argument stand beside `type`. */
  readonly spread: boolean
  /** Present on durable events only. */
  readonly stored: StoredFields | undefined
  /** The one room that a transient event is for: sent in v1, where a client delivers events to its rooms. */
  readonly roomId?: string | undefined
  /** The message that it ended, whole. */
  readonly about?: WireEvent | undefined
  /** Of W3C Trace Context: the request that caused it. Only what is sent at once has it, and only where requests are traced. */
  readonly traceparent?: string | undefined
}

/** What the log adds to a durable event. */
export interface StoredFields {
  readonly roomId: string
  /** Number in its room. */
  readonly seq: number
  /** Commit number in the namespace. */
  readonly n: number
  /** Milliseconds since 1970. */
  readonly ts: number
  /** The idempotency key of the request that caused it. */
  readonly key: string | undefined
  /** Its content was taken out of the log: it has no arguments, and keeps its number. */
  readonly redacted?: boolean | undefined
}
