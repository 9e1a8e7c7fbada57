/**
 * A connection's identity: first authentication, token refresh, rename, change of role or user, expiry. After each change
 * the checks of the namespace and the rules of the rooms run again, and the client is notified of rooms that it lost. G8, D11.
 */
import { CLOSE_CODES, type Credentials } from '@roomful/protocol'
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { ClientRequest, Identity, User } from '../ports/users.ts'
import { carryOut, runChecks } from '../requests/checks.ts'
import type { Context } from '../requests/context.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { AccountChanges } from './account-changes.ts'
import type { Guests } from './guests.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Namespaces } from './namespaces.ts'
import { authenticated, tokenRenewed, userChanged } from './transitions.ts'

/** `auth_expiring` comes this long before the token's end, and the connection is closed this long after it. */
export const EXPIRY_NOTICE_MS = 30_000
export const EXPIRY_GRACE_MS = 30_000
/** An account that changes this often while it is read is refused for now. */
const READS_MAX = 3

/** An identity, and up to which change of accounts it is true. */
export interface Verified extends Identity {
  readonly asOf: number
}

/** Whose credentials are verified: a connection, or a request that has none yet. */
export interface Applicant {
  readonly ip: string
  readonly userAgent: string
  /** Of the connection; empty without one. */
  readonly id: string
  readonly openingRequest?: ClientRequest | undefined
}

export class Identities {
  private readonly runtime: Runtime
  private readonly accountChanges: AccountChanges
  private readonly namespaces: Namespaces
  private readonly lifecycle: Lifecycle
  private readonly guests: Guests

  constructor(
    runtime: Runtime,
    {
      accountChanges,
      namespaces,
      lifecycle,
      guests,
    }: { accountChanges: AccountChanges; namespaces: Namespaces; lifecycle: Lifecycle; guests: Guests },
  ) {
    this.runtime = runtime
    this.accountChanges = accountChanges
    this.namespaces = namespaces
    this.lifecycle = lifecycle
    this.guests = guests
  }

  /**
   * @param stream see {@link Authenticator}
   * @throws RoomfulError (rejects) what the authenticator throws, which the observer sees; UNAVAILABLE
   */
  async verify(credentials: Credentials, applicant: Applicant, stream?: string): Promise<Verified> {
    try {
      return await this.read(credentials, applicant, stream)
    } catch (error) {
      throw this.failed(error, applicant)
    }
  }

  /**
   * As {@link verify}, for a client without a token or ticket: its request may show who it is.
   * @returns undefined when it does not
   */
  async recognise(credentials: Credentials, applicant: Applicant, stream?: string): Promise<Verified | undefined> {
    if (!this.runtime.authenticator.readsRequests) return undefined
    try {
      return await this.read(credentials, applicant, stream)
    } catch (error) {
      if (toRoomfulError(error).code === 'UNAUTHENTICATED') return undefined
      throw this.failed(error, applicant)
    }
  }

  private async read(credentials: Credentials, { openingRequest }: Applicant, stream?: string): Promise<Verified> {
    const { accountChanges } = this
    for (let read = 0; read < READS_MAX; read++) {
      const asOf = accountChanges.now
      const identity = await this.runtime.authenticator.authenticate(credentials, stream, openingRequest)
      if (!accountChanges.since(asOf, identity.user.sub)) return { ...identity, asOf }
    }
    throw new RoomfulError('UNAVAILABLE', 'The account is being changed; try again', { retryAfterMs: 1_000 })
  }

  private failed(error: unknown, { ip, userAgent, id: connectionId }: Applicant): unknown {
    const { code } = toRoomfulError(error)
    this.runtime.observer.observe({ type: 'auth:failed', code, ip, userAgent, connectionId })
    return error
  }

  /** Guests have no account, so they are never stale. */
  guest(user: User): Verified {
    return { user, expiresAt: undefined, asOf: this.accountChanges.now }
  }

  /** Another token on the open connection. A bad one changes nothing. */
  async refresh(connection: Connection, credentials: Credentials): Promise<void> {
    const { link, channel } = connection
    try {
      const identity = await this.verify(credentials, connection)
      if (connection.stage !== 'open') return
      if (this.accountChanges.since(identity.asOf, identity.user.sub)) return this.refresh(connection, credentials)
      if (connection.auth === 'authenticated' && identity.user.sub !== connection.user.sub) {
        throw new RoomfulError(
          'TOKEN_INVALID',
          'Authentication failed: this token is of another user; open another connection',
        )
      }
      tokenRenewed(connection, identity.expiresAt)
      await this.become(connection, identity.user, () => {
        authenticated(connection)
        this.watchExpiry(connection)
        link.control('auth_ok', channel, { user: connection.user })
      })
    } catch (error) {
      link.fail(channel, toRoomfulError(error), undefined, 'auth')
    }
  }

  async renameGuest(connection: Connection, requestedName: string): Promise<void> {
    const { namespace, user } = connection
    const renamed = await this.guests.rename(namespace, user, requestedName)
    if (connection.stage !== 'open') return this.guests.forget(namespace, user.sub)
    await this.become(connection, renamed, () => {
      connection.link.control('auth_ok', connection.channel, { user: connection.user })
    })
  }

  /**
   * Another name, role or user on the same connection.
   * @param onPassed called when checks and rules have run and it is still open, before what the checks recorded is done
   */
  async become(connection: Connection, user: User, onPassed?: () => void): Promise<void> {
    const { requests } = this.namespaces.of(connection)
    const before = connection.user
    userChanged(connection, user)
    let context: Context
    try {
      context = await runChecks(requests, connection)
    } catch (error) {
      // As at connect: an error of the server is reported, and its client may come back.
      connection.isCheckRefused = true
      return this.lifecycle.refuse(connection, error, CLOSE_CODES.FORBIDDEN.code)
    }
    if (connection.stage !== 'open') return context.discard()
    this.lifecycle.rename(connection, before)
    await requests.access.recheck(connection)
    if (connection.stage !== 'open') return context.discard()
    connection.link.owner?.userChanged?.()
    onPassed?.()
    const onFailed = (error: RoomfulError): void => this.lifecycle.failedToCarryOut(connection, error)
    carryOut(requests, connection, context.takeEffects(), onFailed)
  }

  watchExpiry(connection: Connection): void {
    this.runtime.timers.cancel(connection.timer)
    connection.timer = undefined
    const { expiresAt } = connection
    if (expiresAt === undefined) return
    // Both times from now: the wall clock may jump meanwhile.
    const left = expiresAt - this.runtime.clock.now()
    const untilNotice = Math.max(0, left - EXPIRY_NOTICE_MS)
    connection.timer = this.runtime.timers.add(untilNotice, () => {
      connection.link.control('auth_expiring', connection.channel, { ts: expiresAt })
      this.runtime.turn.endSoon()
      const untilClose = left + EXPIRY_GRACE_MS - untilNotice
      connection.timer = this.runtime.timers.add(untilClose, () => {
        this.lifecycle.close(connection, CLOSE_CODES.TOKEN_EXPIRED.code, 'Token expired')
      })
    })
  }
}
