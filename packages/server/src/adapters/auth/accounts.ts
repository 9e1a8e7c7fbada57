/** Signing up and signing in: what a name and a password must be, how often someone may try, how long it lasts. PROTOCOL.md 12. */
import { bannedError, RoomfulError } from '../../core/base/errors.ts'
import { nameKey, parseName } from '../../core/base/names.ts'
import type { Random } from '../../core/ports/random.ts'
import type { User } from '../../core/ports/user.ts'
import type { TokenIssuer } from './jwt.ts'
import type { SlidingWindowLimiter } from './limiter.ts'
import type { Passwords } from './passwords.ts'
import type { SignInFrom, SignInPlaces } from './sign-in-places.ts'
import type { UserStore } from './user-store.ts'

/** How long the token of a sign-in is good. */
const SESSION_TOKEN_MS = 24 * 3_600_000
/** For so long after the password was asked it is exchanged for a fresh one. */
const SESSION_MAX_MS = 30 * 24 * 3_600_000

const PASSWORD_MIN_LENGTH = 8
const PASSWORD_MAX_LENGTH = 256
const SUB_LENGTH = 20

/**
 * Wrong passwords, per quarter of an hour: for one name from one address or known device, for one name from everywhere that
 * it has never signed in, and from one address.
 */
const WRONG_WINDOW_MS = 15 * 60_000
const WRONG_PER_NAME_AND_PLACE = 10
const WRONG_PER_NAME = 100
const WRONG_PER_ADDRESS = 50
/** New accounts from one address, per hour. */
const SIGN_UP_WINDOW_MS = 3_600_000
const SIGN_UPS_PER_ADDRESS = 20
/** Shorter ones can be guessed. */
const DEVICE_MIN_LENGTH = 16
const DEVICE_MAX_LENGTH = 128

export interface AccountsParts {
  readonly store: UserStore
  readonly places: SignInPlaces
  readonly passwords: Passwords
  readonly issuer: TokenIssuer
  readonly limiter: SlidingWindowLimiter
  readonly random: Random
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What someone typed. Checked here, so it may be anything. */
export interface NameAndPassword {
  /** What one signs in with; `name` when it is left out. */
  readonly username?: unknown
  /** What others see; `username` when it is left out. */
  readonly name?: unknown
  readonly password?: unknown
  /** A secret of the client's own, by which it is known again: 16 to 128 characters. */
  readonly device?: unknown
}

export interface SignedIn {
  readonly token: string
  readonly user: User
}

/** One count that an attempt must pass. */
type Allowance = readonly [key: string, limit: number, windowMs: number]

export class Accounts {
  private readonly parts: AccountsParts

  constructor(parts: AccountsParts) {
    this.parts = parts
  }

  /**
   * @param address whose attempts are counted together; undefined is not counted (this machine)
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
    if (store.findLogin(login)) throw taken
    if (address !== undefined) {
      this.take([[`up ${address}`, SIGN_UPS_PER_ADDRESS, SIGN_UP_WINDOW_MS]], 'Too many new accounts from this address')
    }
    const sub = `u_${random.id(SUB_LENGTH)}`
    if (!store.create({ sub, name, login, password: await passwords.hash(password) })) throw taken
    places.remember(sub, from)
    return this.admit({ sub, name, role: 'user' }, this.parts.now())
  }

  /**
   * @param address as for `signUp`
   * @throws RoomfulError (rejects) INVALID_MESSAGE, UNAUTHENTICATED, BANNED, RATE_LIMITED, UNAVAILABLE
   */
  async signIn(given: NameAndPassword, address: string | undefined): Promise<SignedIn> {
    const { name, username = name, password } = given
    if (typeof username !== 'string') throw invalid('username', 'Field username must be a string')
    if (typeof password !== 'string') throw invalid('password', 'Field password must be a string')
    const login = nameKey(username.slice(0, PASSWORD_MAX_LENGTH))
    const from = { address, device: checkDevice(given.device) }
    const account = this.parts.store.findLogin(login)
    const allowances = this.allowances(login, account?.sub, from)
    // Taken before the answer is known, so that many guesses at once count as many.
    this.take(allowances, 'Too many wrong passwords')
    const isRight =
      password.length <= PASSWORD_MAX_LENGTH && (await this.verify(password, account?.password, allowances))
    if (!account || !isRight) throw new RoomfulError('UNAUTHENTICATED', 'Authentication failed: wrong name or password')
    for (const [key] of allowances) this.parts.limiter.giveBack(key)
    if (account.banned) throw bannedError(account.banReason)
    const { sub, name: storedName, role = 'user' } = account
    this.parts.places.remember(sub, from)
    return this.admit({ sub, name: storedName, role }, this.parts.now())
  }

  /**
   * Another token for who has one of a sign-in, with the role that the account has by now.
   * @param user as its token says, found good and not banned
   * @throws RoomfulError (rejects) FORBIDDEN when the token is not from here, TOKEN_EXPIRED when the sign-in is long ago
   */
  async refresh({ sub, auth_time: authTime }: User): Promise<SignedIn> {
    const account = this.parts.store.findSub(sub)
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
    allowances: readonly Allowance[],
  ): Promise<boolean> {
    try {
      return await this.parts.passwords.verify(password, stored)
    } catch (error) {
      for (const [key] of allowances) this.parts.limiter.giveBack(key) // it was not even tried
      throw error
    }
  }

  /** @param signedInAt goes into the token as OpenID Connect names it: when this person last proved who they are */
  private async admit(user: User, signedInAt: number): Promise<SignedIn> {
    const claims = { ...user, auth_time: Math.floor(signedInAt / 1000) }
    return { token: await this.parts.issuer.issueToken(claims, SESSION_TOKEN_MS), user }
  }

  /**
   * What an attempt is counted by. Where the account has signed in before, it is counted by that place alone: others who
   * guess from anywhere else, or without the device from the same address, do not lock out the person whose account it is.
   */
  private allowances(login: string, sub: string | undefined, from: SignInFrom): Allowance[] {
    const known = sub === undefined ? undefined : this.parts.places.find(sub, from)
    if (known?.kind === 'device') return [[`in at ${known.id}`, WRONG_PER_NAME_AND_PLACE, WRONG_WINDOW_MS]]
    const { address } = from
    const allowances: Allowance[] = [[`in ${login} ${address ?? ''}`, WRONG_PER_NAME_AND_PLACE, WRONG_WINDOW_MS]]
    if (!known) allowances.push([`in ${login}`, WRONG_PER_NAME, WRONG_WINDOW_MS])
    if (address !== undefined) allowances.push([`from ${address}`, WRONG_PER_ADDRESS, WRONG_WINDOW_MS])
    return allowances
  }

  /** All or none. */
  private take(allowances: readonly Allowance[], sentence: string): void {
    const { limiter } = this.parts
    const retryAfterMs = Math.max(...allowances.map((allowance) => limiter.wait(...allowance)))
    if (retryAfterMs > 0) throw new RoomfulError('RATE_LIMITED', `${sentence}; try again later`, { retryAfterMs })
    for (const allowance of allowances) limiter.take(...allowance)
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
