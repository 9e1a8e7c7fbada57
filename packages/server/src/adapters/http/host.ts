/** What the HTTP side asks of the server behind it. `http-host.ts` answers with the core, the accounts and the metrics. */
import type { Credentials } from '@roomful/protocol'
import type { Identity } from '../../core/ports/authenticator.ts'
import type { HttpNotifications } from './notifications.ts'
import type { HttpRooms } from './rooms.ts'
import type { Exchange } from './route.ts'
import type { ServerApi } from './server-rooms.ts'

export interface HttpHost {
  /** Of this software. */
  readonly version: string
  /** Of everything that is served: such as `/realtime`, or nothing. */
  readonly basePath: string
  /** Links of every transport. */
  clients(): number
  /** False while starting, draining or cut off from storage. */
  ready(): boolean
  /** Prometheus' text, and its content type. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Something broke that is no refusal. */
  report(error: unknown, what: string): void
  /** Most bytes of an event's arguments. */
  readonly maxMessageBytes: number
  /** None: the server API is off, but for what admins may ask. */
  readonly apiKey: HttpApiKey | undefined
  /** Whether anybody may ask for the stories of connections. */
  readonly keepsStories: boolean
  readonly accounts: HttpAccounts
  readonly rooms: HttpRooms
  readonly notifications: HttpNotifications
  readonly server: ServerApi
  readonly fallbacks: HttpFallbacks
}

/** The ways into a room without a WebSocket. They answer by themselves, and reject with a RoomfulError before that. */
export interface HttpFallbacks {
  sse(exchange: Exchange): Promise<void>
  poll(exchange: Exchange): Promise<void>
  send(exchange: Exchange): Promise<void>
  readonly links: HttpLinkRequests
}

/** v1 links that HTTP carries. */
export interface HttpLinkRequests {
  stream(exchange: Exchange): void
  poll(exchange: Exchange): Promise<void>
  send(exchange: Exchange): Promise<void>
}

/** All of these reject with a RoomfulError. */
export interface HttpAccounts {
  authenticate(credentials: Credentials): Promise<Identity>
  /** @param address whose attempts count together; undefined when they do not count */
  signUp(given: Readonly<Record<string, unknown>>, address: string | undefined): Promise<unknown>
  signIn(given: Readonly<Record<string, unknown>>, address: string | undefined): Promise<unknown>
  /** Another token, as of a sign-in. */
  refreshSession(identity: Identity): Promise<unknown>
  issueTicket(identity: Identity): string
}

export interface HttpApiKey {
  /** Is it the key? Takes the same time whatever it is. */
  matches(given: string): boolean
  /** @throws RoomfulError TOKEN_INVALID, RATE_LIMITED after too many wrong ones */
  check(given: string, from: { ip: string; countedAddress: string | undefined; userAgent: string }): void
}
