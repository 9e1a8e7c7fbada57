/** The accounts. What an application keeps about its users besides is its own. */
import type { User } from '../user.ts'

export interface Account {
  sub: string
  name: string
  /** Given by an administrator: it counts instead of the token's. */
  role: string | undefined
  banned: boolean
}

export interface Users {
  find(sub: string): Promise<Account | undefined>
  /** Creates the account that a valid token speaks of; an existing one stays as it is. */
  ensure(user: User): Promise<Account>
  setBanned(sub: string, banned: boolean): Promise<void>
  setRole(sub: string, role: string | undefined): Promise<void>
}
