/** What the HTTP side asks of the server behind it. `create.ts` answers with the core, the accounts and the metrics. */
import type { Credentials } from '@roomful/protocol'
import type { Identity } from '../../../core/ports/authenticator.ts'
import type { User } from '../../../core/user.ts'
import type { Exchange } from './route.ts'

export interface HttpHost {
  /** Links of every transport. */
  clients(): number
  /** False while starting, draining or cut off from storage. */
  ready(): boolean
  /** Prometheus' text, and its content type. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Something broke that is no refusal. */
  report(error: unknown, what: string, user: User | undefined): void
  readonly accounts: HttpAccounts
  readonly rooms: HttpRooms
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
  issueTicket(identity: Identity): string
}

export interface Page {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit: number
}

/** What a user may see of the default namespace: its rules are asked first. */
export interface HttpRooms {
  /** Counts a request of this user. @throws RoomfulError RATE_LIMITED */
  take(user: User): void
  list(user: User): Promise<unknown>
  members(user: User, roomId: string): Promise<unknown>
  events(user: User, roomId: string, page: Page): Promise<unknown>
}
