/** Users, their accounts, and how a client proves to be one. Tokens, tickets and guests are an adapter's business. */
import type { Credentials } from '@roomful/protocol'

/** Who a connection belongs to: the `sub` of a token, or a guest. Presence counts users. */
export interface User {
  /** At most 128 bytes; `guest:<random>` for guests. */
  readonly sub: string
  readonly name: string
  readonly role: string
  readonly guest?: boolean
  /** Other claims of the token. */
  readonly [claim: string]: unknown
}

export const USER_ID_MAX_BYTES = 128

/** The HTTP request by which a client came, for an authenticator that reads its cookies or headers. */
export interface ClientRequest {
  /** Path and query, as the client sent them below the base path. */
  readonly url: string
  /** Names in lower case, as Node has them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The address of the client, behind trusted proxies. */
  readonly ip: string
}

export interface Authenticator {
  /** A request without a token or a ticket may show who sent it, by a cookie for instance. */
  readonly readsRequests?: boolean
  /**
   * @param credentials with a token or a ticket, unless requests are read
   * @param stream names what reconnects by itself with the very same request: a ticket used for it stays good for it
   * @param request undefined where requests are not read
   * @throws RoomfulError UNAUTHENTICATED, TOKEN_INVALID, TOKEN_EXPIRED, USER_UNKNOWN, BANNED, UNAVAILABLE
   */
  authenticate(credentials: Credentials, stream?: string, request?: ClientRequest): Promise<Identity>
  /** What was kept of a user's identity counts no more: they were disconnected, or their rights changed. */
  forget?(userId: string): void
}

export interface Identity {
  user: User
  /** When the token stops being good, ms since 1970. */
  expiresAt: number | undefined
}

/** What is known of a user besides the token. What an application keeps is its own. */
export interface Account {
  sub: string
  name: string
  /** Given by an administrator: it counts instead of the token's. */
  role: string | undefined
  banned: boolean
  /** Why, for the user to read; undefined when none was given, or they are not. */
  banReason: string | undefined
}

/** An account in a list. */
export interface ListedAccount extends Account {
  readonly createdAt: number
}

export interface AccountQuestion {
  /** Part of the name, or the whole id; everyone when it is empty. */
  readonly search: string
  /** Undefined: whether or not. */
  readonly isBanned: boolean | undefined
  /** Those with a greater id. */
  readonly after: string
  readonly limit: number
}

/** Accounts by id. */
export interface AccountPage {
  readonly accounts: readonly ListedAccount[]
  /** A search that looks at one account after another has ended here, before the end: go on after this id. */
  readonly stoppedAt: string | undefined
}

/** Tells a node what became of accounts on the others. */
export interface AccountFeed {
  /**
   * Calls `onChanged` with the ids of accounts that another node changed, or with nothing when it may have been any of them;
   * also after this node was cut off, or stood still. The next call waits for this one.
   */
  start(onChanged: (subs: readonly string[] | undefined) => Promise<void>): void
  /** Resolves when everything that is there by now was passed on. Never rejects. */
  read(): Promise<void>
}

export interface Users {
  find(sub: string): Promise<Account | undefined>
  /** Creates the account that a valid token speaks of; an existing one stays as it is. */
  ensure(user: User): Promise<Account>
  list(question: AccountQuestion): Promise<AccountPage>
  /** @param reason for the user to read */
  setBanned(sub: string, banned: boolean, reason?: string): Promise<void>
  setRole(sub: string, role: string | undefined): Promise<void>
  /**
   * Removes the account with its name, password and places. Of a banned one the ban stays, under the id alone.
   * @returns whether there was one
   */
  erase(sub: string): Promise<boolean>
  /** Nothing where this node alone has the accounts. */
  readonly feed?: AccountFeed | undefined
}
