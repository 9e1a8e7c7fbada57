/**
 * The life of a connection as a value: what it is now, each stage with only its own fields, and what can happen to it.
 * What follows from what is the table in transitions.ts; the timers and the socket are connection.ts's.
 */
import type { WireError } from '@roomful/protocol'
import type { TransportName } from './transports/transport.ts'

/** Who the server says this is. */
export interface User {
  readonly sub: string
  readonly name: string
  readonly role: string
  readonly [claim: string]: unknown
}

/** Why a connection ended, or its last try did. */
export interface Ending {
  /** A WebSocket close code. PROTOCOL.md 10. */
  readonly code: number
  readonly reason: string
  /** What the server refused with, when it said so. */
  readonly error?: WireError
}

/** Tries so far: `failures` since the last connection that lasted, `refusals` of our credentials in a row. */
export interface Trying {
  readonly failures: number
  readonly refusals: number
}

export interface Attached {
  readonly connectionId: string
  readonly user: User
  /** The session of the connection before this one lives on. */
  readonly recovered: boolean
  /** What carries it; may change meanwhile. */
  readonly transport: TransportName | 'custom'
  readonly sinceMs: number
  readonly failures: number
}

export type ConnectionState =
  | { readonly status: 'idle' }
  | ({ readonly status: 'connecting' } & Trying)
  | ({ readonly status: 'authenticating' } & Trying)
  | ({ readonly status: 'open' } & Attached)
  /** The server restarts; it still answers, and told us to come back at `untilMs`. */
  | ({ readonly status: 'draining'; readonly untilMs: number } & Attached)
  | ({ readonly status: 'waiting'; readonly untilMs: number; readonly ending: Ending } & Trying)
  | { readonly status: 'closed'; readonly ending: Ending }

export type ConnectionStatus = ConnectionState['status']

export type ConnectionEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'link-opened' }
  | ({ readonly type: 'opened' } & Pick<Attached, 'connectionId' | 'user' | 'recovered' | 'transport'>)
  /** While it is open the server said who this is by now, or something else carries it. */
  | { readonly type: 'changed'; readonly changes: Partial<Pick<Attached, 'user' | 'transport'>> }
  | { readonly type: 'draining'; readonly reconnectAfterMs: number }
  /** @property canRenew other credentials can be had */
  | { readonly type: 'link-closed'; readonly ending: Ending; readonly canRenew: boolean }
  /** The timer of the state ran out. */
  | { readonly type: 'due' }
  | { readonly type: 'wake' }
  | { readonly type: 'close' }

export type ConnectionEventType = ConnectionEvent['type']

export const IDLE: ConnectionState = { status: 'idle' }
