/** What signing up and in needs to keep; the core itself needs only {@link Users}. Nodes that share a log share all of it. */
import type { Awaitable } from './broker.ts'
import type { Account, Users } from './users.ts'

/** An account as it is kept. */
export interface StoredAccount extends Account {
  /** Undefined: it does not sign in by name. */
  readonly login: string | undefined
}

/** An account that signs in by name. */
export interface LoginAccount extends StoredAccount {
  /** The form of the name for comparison: names that look alike are equal. */
  readonly login: string
  /** Its hash. */
  readonly password: string
}

/** The accounts of a server. Whatever writes @throws RoomfulError (also as a rejection) UNAVAILABLE */
export interface AccountStore extends Users {
  find(sub: string): Promise<StoredAccount | undefined>
  findLogin(login: string): Awaitable<LoginAccount | undefined>
  /** @returns false when the login (or the sub) is taken; of several attempts at once one succeeds */
  create(account: Pick<LoginAccount, 'sub' | 'name' | 'login' | 'password'>): Awaitable<boolean>
  /** Whether the account signed in from this place (an address or a device, hashed) in the last 90 days. */
  isKnownPlace(sub: string, place: Uint8Array): Awaitable<boolean>
  /** Keeps the 20 latest places of an account. */
  rememberPlace(sub: string, place: Uint8Array): Awaitable<void>
  /** Idempotent. */
  close(): void
}

/** A limit that an attempt must pass. */
export type AttemptLimit = readonly [key: string, limit: number, windowMs: number]

/** Counts attempts with passwords and keys in sliding windows. */
export interface Attempts {
  /**
   * Counts an attempt towards all limits, or, where one of them is reached, towards none.
   * @returns 0 when it was counted, else how many ms until the next one
   */
  take(limits: readonly AttemptLimit[]): Awaitable<number>
  /** As `take`, but counts nothing. */
  wait(limit: AttemptLimit): Awaitable<number>
  /** Takes the latest attempt of each key back. */
  giveBack(keys: readonly string[]): Awaitable<void>
}
