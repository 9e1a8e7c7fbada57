/** What a client may say, whatever the dialect it says it in, once decoded. */
import { ERROR_CODES, type WireError } from './error-codes.ts'

/** Correlates an answer with its request; opaque to the server. */
export type RequestId = string | number

export type Inbound =
  | {
      kind: 'request'
      channel: number
      event: string
      args: unknown[]
      id: RequestId | undefined
      key: string | undefined
      /** In the plain form: it stood in `{event, …}`, where every name is the application's. */
      isEnvelope?: true
    }
  | { kind: 'auth'; channel: number; credentials: Credentials; id: RequestId | undefined }
  /** The answer to what the server asked. */
  | { kind: 'ack'; channel: number; id: RequestId; data: unknown; error: WireError | undefined }
  | { kind: 'ping' }
  /** Attach to a namespace. */
  | {
      kind: 'open'
      channel: number
      namespace: string | undefined
      credentials: Credentials
      session: string | undefined
      /** Latest position that the client knows, where the server remembers its rooms. */
      cursor?: string | undefined
      /** Everything that the client said on attaching. */
      auth?: Record<string, unknown> | undefined
    }
  /** Detach. `isReplaced`: its client attaches to the same namespace again at once, and may resume the session. */
  | { kind: 'close'; channel: number; isReplaced?: boolean }
  /** Answered with an error; the connection stays. */
  | { kind: 'invalid'; channel: number; error: WireError; id: RequestId | undefined; event: string | undefined }

/** Ways of saying who one is. PROTOCOL.md 3. All absent: a guest, where guests are let in. */
export interface Credentials {
  token?: string
  ticket?: string
  /** The name that a guest wishes. */
  name?: string
}

export function invalid(
  channel: number,
  code: 'PARSE_ERROR' | 'INVALID_MESSAGE',
  message: string = ERROR_CODES[code].message,
  more: { field?: string; id?: RequestId; event?: string } = {},
): Inbound {
  const error: WireError = more.field === undefined ? { code, message } : { code, message, field: more.field }
  return { kind: 'invalid', channel, error, id: more.id, event: more.event }
}
