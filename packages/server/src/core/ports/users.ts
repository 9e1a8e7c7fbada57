/** The accounts. What an application keeps about its users besides is its own. */
import type { User } from './user.ts'

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

export interface Users {
  find(sub: string): Promise<Account | undefined>
  /** Creates the account that a valid token speaks of; an existing one stays as it is. */
  ensure(user: User): Promise<Account>
  /** By id. */
  list(question: AccountQuestion): Promise<ListedAccount[]>
  /** @param reason for the user to read */
  setBanned(sub: string, banned: boolean, reason?: string): Promise<void>
  setRole(sub: string, role: string | undefined): Promise<void>
}
