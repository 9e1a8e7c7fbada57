/** Types that sockets, namespaces and operators share. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ParsedUrlQuery } from 'node:querystring'

/** Why a socket was disconnected. */
export type DisconnectReason =
  | 'transport error'
  | 'transport close'
  | 'forced close'
  | 'ping timeout'
  | 'parse error'
  | 'server shutting down'
  | 'forced server close'
  | 'client namespace disconnect'
  | 'server namespace disconnect'

/** What a client said of itself when it connected. */
export interface Handshake {
  headers: IncomingHttpHeaders
  /** When, as a text of a Date. */
  time: string
  /** When, in ms since 1970. */
  issued: number
  address: string
  /** It sent an `Origin`. */
  xdomain: boolean
  secure: boolean
  url: string
  query: ParsedUrlQuery
  auth: { [key: string]: any }
}

/** An error of a middleware. Its `data` reaches the client. */
export interface ExtendedError extends Error {
  data?: any
}

/** An event with its arguments, and its callback where the client wants an answer. */
export type Event = [eventName: string, ...args: any[]]

/** Events of a socket itself. */
export interface SocketReservedEventsMap {
  disconnect: (reason: DisconnectReason, description?: any) => void
  disconnecting: (reason: DisconnectReason, description?: any) => void
  error: (err: Error) => void
}
