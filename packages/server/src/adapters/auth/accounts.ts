/** Signing up and in: rules for names and passwords, limits of attempts, lifetime of sessions. PROTOCOL.md, section 12. */
import { bannedError, RoomfulError } from '../../core/base/errors.ts'
import { nameKey, parseName } from '../../core/base/names.ts'
import type { AccountStore, AttemptLimit, Attempts } from '../../core/ports/accounts.ts'
import type { Awaitable } from '../../core/ports/broker.ts'
import type { Random } from '../../core/ports/system.ts'
import type { User } from '../../core/ports/users.ts'
import type { TokenIssuer } from './jwt.ts'
import type { Passwords } from './passwords.ts'
import type { SignInFrom, SignInPlaces } from './sign-in-places.ts'

/** Lifetime of the token of a sign-in. */
const SESSION_TOKEN_MS = 24 * 3_600_000
/** How long after the password was entered the token can be refreshed. */
const SESSION_MAX_MS = 30 * 24 * 3_600_000

const PASSWORD_MIN_LENGTH = 8
const PASSWORD_MAX_LENGTH = 256
const SUB_LENGTH = 20

/**
 * Limits of wrong passwords in 15 minutes: for one name from one address or known device; for one name from all unknown
 * places together; and from one address.
 */
const WRONG_WINDOW_MS = 15 * 60_000
const WRONG_PER_NAME_AND_PLACE = 10
const WRONG_PER_NAME = 100
const WRONG_PER_ADDRESS = 50
/** Limit of new accounts from one address in an hour. */
const SIGN_UP_WINDOW_MS = 3_600_000
const SIGN_UPS_PER_ADDRESS = 20
/** Shorter ones can be guessed. */
const DEVICE_MIN_LENGTH = 16
const DEVICE_MAX_LENGTH = 128

/** What accounts are made of. */
export interface AccountsParts {
  readonly store: AccountStore
  readonly places: SignInPlaces
  readonly passwords: Passwords
  readonly issuer: TokenIssuer
  readonly attempts: Attempts
  readonly random: Random
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Input of a user, not validated yet. */
export interface NameAndPassword {
  /** The name for signing in; `name` by default. */
  readonly username?: unknown
  /** The name that others see; `username` by default. */
  readonly name?: unknown
  readonly password?: unknown
  /** A random string that the client keeps, by which it is recognised: 16 to 128 characters. */
  readonly device?: unknown
}

/** The result of signing in. */
export interface SignedIn {
  readonly token: string
  readonly user: User
}

/** Signs users up and in. */
export class Accounts {
  private readonly parts: AccountsParts

  constructor(parts: AccountsParts) {
    this.parts = parts
  }

  /**
   * Creates an account and signs in.
   * @param address the key by which attempts are counted; undefined is not counted (this machine)
   * @throws RoomfulError (rejects) INVALID_MESSAGE with the field, CONFLICT, RATE_LIMITED, UNAVAILABLE
   */
  async signUp(given: NameAndPassword, address: string | undefined): Promise<SignedIn> {
    const field = given.username === undefined ? 'name' : 'username'
    const username = checkName(given[field], field)
    const name = given.name === undefined ? username : checkName(given.name, 'name')
    const login = nameKey(username)
    const password = checkPassword(given.password, login)
    const from = { address, device: checkDevice(given.device) }
    const { store, passwords, places, random } = this.parts
    const taken = new RoomfulError('CONFLICT', 'This name is taken', { field })
    if (await store.findLogin(login)) throw taken
    if (address !== undefined) {
      await this.take(
        [[`up ${address}`, SIGN_UPS_PER_ADDRESS, SIGN_UP_WINDOW_MS]],
        'Too many new accounts from this address',
      )
    }
    const sub = `u_${random.id(SUB_LENGTH)}`
    if (!(await store.create({ sub, name, login, password: await passwords.hash(password) }))) throw taken
    await places.remember(sub, from)
    return this.admit({ sub, name, role: 'user' }, this.parts.now())
  }

  /**
   * Checks a password and signs in.
   * @param address as for `signUp`
   * @throws RoomfulError (rejects) INVALID_MESSAGE, UNAUTHENTICATED, BANNED, RATE_LIMITED, UNAVAILABLE
   */
  async signIn(given: NameAndPassword, address: string | undefined): Promise<SignedIn> {
    const { name, username = name, password } = given
    if (typeof username !== 'string') throw invalid('username', 'Field username must be a string')
    if (typeof password !== 'string') throw invalid('password', 'Field password must be a string')
    const login = nameKey(username.slice(0, PASSWORD_MAX_LENGTH))
    const from = { address, device: checkDevice(given.device) }
    const account = await this.parts.store.findLogin(login)
    const allowances = await this.allowances(login, account?.sub, from)
    // Counted before the password is checked, so that concurrent guesses all count. Given back when it is right.
    await this.take(allowances, 'Too many wrong passwords')
    const isRight =
      password.length <= PASSWORD_MAX_LENGTH && (await this.verify(password, account?.password, allowances))
    if (!account || !isRight) throw new RoomfulError('UNAUTHENTICATED', 'Authentication failed: wrong name or password')
    await this.giveBack(allowances)
    if (account.banned) throw bannedError(account.banReason)
    const { sub, name: storedName, role = 'user' } = account
    await this.parts.places.remember(sub, from)
    return this.admit({ sub, name: storedName, role }, this.parts.now())
  }

  /**
   * A new token for a user with a valid one, with the current role of the account.
   * @param user the user of the token, which is valid and not banned
   * @throws RoomfulError (rejects) FORBIDDEN for a token of another issuer, TOKEN_EXPIRED when the sign-in is too long ago
   */
  async refresh({ sub, auth_time: authTime }: User): Promise<SignedIn> {
    const account = await this.parts.store.find(sub)
    if (account?.login === undefined || typeof authTime !== 'number') {
      throw new RoomfulError('FORBIDDEN', 'This token is not from signing in here: get another where you got it')
    }
    const signedInAt = authTime * 1000
    if (signedInAt + SESSION_MAX_MS <= this.parts.now()) {
      throw new RoomfulError('TOKEN_EXPIRED', 'Authentication failed: sign in again')
    }
    const { name, role = 'user' } = account
    return this.admit({ sub, name, role }, signedInAt)
  }

  private async verify(
    password: string,
    stored: string | undefined,
    allowances: readonly AttemptLimit[],
  ): Promise<boolean> {
    try {
      return await this.parts.passwords.verify(password, stored)
    } catch (error) {
      await this.giveBack(allowances) // the password was not checked
      throw error
    }
  }

  /** @param signedInAt when the user entered the password, in the token as `auth_time`, as in OpenID Connect */
  private async admit(user: User, signedInAt: number): Promise<SignedIn> {
    const claims = { ...user, auth_time: Math.floor(signedInAt / 1000) }
    return { token: await this.parts.issuer.issueToken(claims, SESSION_TOKEN_MS), user }
  }

  /**
   * The limits of an attempt. A place where the account has signed in before has its own limit, so an attacker elsewhere, or
   * at the same address without the device, cannot lock the owner out.
   */
  private async allowances(login: string, sub: string | undefined, from: SignInFrom): Promise<AttemptLimit[]> {
    const known = sub === undefined ? undefined : await this.parts.places.find(sub, from)
    if (known?.kind === 'device') return [[`in at ${known.id}`, WRONG_PER_NAME_AND_PLACE, WRONG_WINDOW_MS]]
    const { address } = from
    const allowances: AttemptLimit[] = [[`in ${login} ${address ?? ''}`, WRONG_PER_NAME_AND_PLACE, WRONG_WINDOW_MS]]
    if (!known) allowances.push([`in ${login}`, WRONG_PER_NAME, WRONG_WINDOW_MS])
    if (address !== undefined) allowances.push([`from ${address}`, WRONG_PER_ADDRESS, WRONG_WINDOW_MS])
    return allowances
  }

  /** Counts an attempt towards all limits, or refuses it and counts nothing. */
  private async take(allowances: readonly AttemptLimit[], sentence: string): Promise<void> {
    const retryAfterMs = await this.parts.attempts.take(allowances)
    if (retryAfterMs > 0) throw new RoomfulError('RATE_LIMITED', `${sentence}; try again later`, { retryAfterMs })
  }

  private giveBack(allowances: readonly AttemptLimit[]): Awaitable<void> {
    return this.parts.attempts.giveBack(allowances.map(([key]) => key))
  }
}

function checkName(given: unknown, field: 'username' | 'name'): string {
  if (typeof given !== 'string') throw invalid(field, `Field ${field} must be a string`)
  const parsed = parseName(given)
  if ('flaw' in parsed) throw invalid(field, parsed.flaw)
  return parsed.name
}

function checkDevice(given: unknown): string | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'string' && given.length >= DEVICE_MIN_LENGTH && given.length <= DEVICE_MAX_LENGTH) return given
  throw invalid('device', `Field device must be a string of ${DEVICE_MIN_LENGTH} to ${DEVICE_MAX_LENGTH} characters`)
}

function checkPassword(given: unknown, login: string): string {
  if (typeof given !== 'string') throw invalid('password', 'Field password must be a string')
  const length = [...given].length
  if (length < PASSWORD_MIN_LENGTH || length > PASSWORD_MAX_LENGTH) {
    throw invalid('password', `A password has ${PASSWORD_MIN_LENGTH} to ${PASSWORD_MAX_LENGTH} characters`)
  }
  if (nameKey(given) === login) throw invalid('password', 'The password must not be the name')
  return given
}

function invalid(field: string, message: string): RoomfulError {
  return new RoomfulError('INVALID_MESSAGE', message, { field })
}
