/**
 * The state of a connection as a value, each status with only its own fields, and the events that can change it.
 * transitions.ts has the table of what follows on what; connection.ts has the timers and the link.
 */
import type { WireError } from '@roomful/protocol'
import type { TransportName } from './transports/transport.ts'

/** The user as whom the server authenticated this connection. */
export interface User {
  /** User id. */
  readonly sub: string
  readonly name: string
  readonly role: string
  /** Further claims of the token that the server passes on. */
  readonly [claim: string]: unknown
}

/** Why a connection, or the last attempt at one, ended. */
export interface Ending {
  /** A WebSocket close code. PROTOCOL.md 10. */
  readonly code: number
  /** A sentence for a person; may be empty. */
  readonly reason: string
  /** The refusal that the server sent before the close, if any. */
  readonly error?: WireError
}

/** Attempts so far. */
export interface Trying {
  /** Since the last connection that lasted. */
  readonly failures: number
  /** Of the credentials, in a row. */
  readonly refusals: number
}

/** A connection with an open session. */
export interface Attached {
  /** Changes with each connection. */
  readonly connectionId: string
  readonly user: User
  /** The server kept the session of the connection before this one. */
  readonly recovered: boolean
  /** What carries it; may change while it is open. */
  readonly transport: TransportName | 'custom'
  /** When the session was opened, ms since 1970. */
  readonly sinceMs: number
  readonly failures: number
}

/** What a connection is doing, by `status`. `untilMs` is in ms since 1970, by this device's clock. */
export type ConnectionState =
  | { readonly status: 'idle' }
  | ({ readonly status: 'connecting' } & Trying)
  | ({ readonly status: 'authenticating' } & Trying)
  | ({ readonly status: 'open' } & Attached)
  /** The server is about to restart. It still answers; the client reconnects at `untilMs`. */
  | ({ readonly status: 'draining'; readonly untilMs: number } & Attached)
  /** The connection was lost; the next attempt is at `untilMs`. */
  | ({ readonly status: 'waiting'; readonly untilMs: number; readonly ending: Ending } & Trying)
  /** By `close()`, or because another attempt would fail too. */
  | { readonly status: 'closed'; readonly ending: Ending }

/** A status of {@link ConnectionState}. */
export type ConnectionStatus = ConnectionState['status']

export type ConnectionEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'link-opened' }
  | ({ readonly type: 'opened' } & Pick<Attached, 'connectionId' | 'user' | 'recovered' | 'transport'>)
  /** The user or the transport of the open connection changed. */
  | { readonly type: 'changed'; readonly changes: Partial<Pick<Attached, 'user' | 'transport'>> }
  | { readonly type: 'draining'; readonly reconnectAfterMs: number }
  /** @property canRenew the application can provide other credentials */
  | { readonly type: 'link-closed'; readonly ending: Ending; readonly canRenew: boolean }
  /** The timer of the state fired. */
  | { readonly type: 'due' }
  /** The network came back, or the page became visible. */
  | { readonly type: 'wake' }
  | { readonly type: 'close' }

export type ConnectionEventType = ConnectionEvent['type']

export const IDLE: ConnectionState = { status: 'idle' }
