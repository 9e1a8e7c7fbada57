/**
 * From a link that opened to a connection with a user, and what can go wrong on the way: WIRE 2, row by row. Also who was
 * here before: of several connections that claim one session the newest lives (C18).
 */
import { afterClose, CLOSE_CODES, type Credentials, type Inbound, inboxOf } from '@roomful/protocol'
import { accountChanged } from './account-changes.ts'
import { carryOut, runChecks } from './checks.ts'
import { Connection } from './connection.ts'
import type { Context } from './context.ts'
import { RoomfulError, toRoomfulError } from './errors.ts'
import { createGuest, isGuestId } from './guests.ts'
import type { Hub } from './hub.ts'
import type { Verified } from './identities.ts'
import type { Link } from './link.ts'
import type { Namespace } from './namespace.ts'
import type { Restored } from './restoring.ts'
import { SESSION_ID_LENGTH, type Session, toRecord } from './session.ts'
import { welcome } from './welcome.ts'

/** What a client brings that was here before. */
interface Returning {
  readonly session: string
  readonly cursor: string | undefined
}

interface Recovered {
  readonly session: Session
  /** Rooms that the server brings back. */
  readonly restored: Restored | undefined
}

const REPLACED = 'Replaced by a newer connection of this session'

export class Handshake {
  private readonly hub: Hub
  private lastNumber = 0

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** A link that speaks for one namespace. `identity` when the transport has verified already. */
  begin(
    link: Link,
    namespace: Namespace,
    credentials: Credentials,
    identity?: Verified,
    visit?: Connection['visit'],
  ): void {
    const connection = this.createConnection(link, 0, namespace)
    connection.visit = visit
    if (identity) return this.whileBusy(connection, () => this.admit(connection, identity, undefined))
    this.identify(connection, credentials, undefined)
  }

  /** A channel of a link that carries several. */
  openChannel(
    link: Link,
    { channel, namespace: name, credentials, session, cursor, auth }: Extract<Inbound, { kind: 'open' }>,
  ): void {
    const namespace = this.hub.namespace(name ?? link.defaultNamespace)
    if (!namespace) {
      const message = `There is no namespace ${JSON.stringify(name)}`
      const error = { code: 'FORBIDDEN', message }
      link.control('closed', channel, { code: CLOSE_CODES.FORBIDDEN.code, reason: message, error })
      return
    }
    const connection = this.createConnection(link, channel, namespace)
    if (link.refusal) return this.refuse(connection, link.refusal, CLOSE_CODES.TRY_LATER.code)
    const given = credentials.token === undefined && credentials.ticket === undefined ? link.credentials : undefined
    connection.handshake = auth
    const returning = session === undefined ? undefined : { session, cursor }
    this.identify(connection, { ...given, ...credentials }, returning)
  }

  /** The peer sent credentials: the first time, or again to refresh. */
  authenticate(connection: Connection, { credentials }: Extract<Inbound, { kind: 'auth' }>): void {
    const { token, ticket, name } = credentials
    const hasToken = token !== undefined || ticket !== undefined
    if (!hasToken && name !== undefined && (connection.auth === 'guest' || this.letsGuestsIn(connection.namespace))) {
      return this.guest(connection, name)
    }
    if (connection.stage === 'open')
      return this.whileBusy(connection, () => this.hub.identities.refresh(connection, credentials))
    this.whileBusy(connection, async () => {
      try {
        await this.admit(
          connection,
          await this.hub.identities.verify(hasToken ? credentials : { token: '' }, connection),
          undefined,
        )
      } catch (error) {
        this.refuse(connection, error, CLOSE_CODES.POLICY.code, 'Authentication failed')
      }
    })
  }

  /** A link that carries channels must open one in time. */
  watchChannels(link: Link): void {
    link.deadline = this.hub.timers.add(this.hub.settings.authDeadlineMs, () => {
      if (!link.isAuthenticated()) link.close(CLOSE_CODES.AUTH_FAILED.code, 'Authentication timed out')
    })
  }

  private createConnection(link: Link, channel: number, namespace: Namespace): Connection {
    const connection = new Connection(`c_${this.hub.random.id(20)}`, link, channel, namespace, this.hub.clock.now())
    connection.number = ++this.lastNumber
    link.connections = [...link.connections, connection]
    return connection
  }

  private letsGuestsIn(namespace: Namespace): boolean {
    const { guests, anonymous } = namespace.options
    return guests === true || anonymous === true || !this.hub.settings.authRequired
  }

  private identify(connection: Connection, credentials: Credentials, returning: Returning | undefined): void {
    const { link, namespace } = connection
    const hasToken = credentials.token !== undefined || credentials.ticket !== undefined
    if (hasToken && !namespace.options.anonymous) {
      return this.whileBusy(connection, async () => {
        try {
          await this.admit(connection, await this.hub.identities.verify(credentials, connection), returning)
        } catch (error) {
          this.refuse(connection, error, CLOSE_CODES.AUTH_FAILED.code)
        }
      })
    }
    if (this.letsGuestsIn(namespace)) {
      const user = createGuest(namespace, this.hub.random, credentials.name)
      return this.whileBusy(connection, () => this.admit(connection, this.hub.identities.guest(user), returning))
    }
    const missing = new RoomfulError('UNAUTHENTICATED')
    if (!this.hub.settings.firstMessageAuth || link.dialect.multiplexed) {
      return this.refuse(connection, missing, CLOSE_CODES.AUTH_FAILED.code, missing.message)
    }
    welcome(this.hub, link)
    connection.timer = this.hub.timers.add(this.hub.settings.authDeadlineMs, () => {
      if (connection.stage !== 'authenticating' || connection.busy) return
      this.refuse(connection, missing, CLOSE_CODES.AUTH_FAILED.code, 'Authentication timed out')
    })
  }

  /** What arrives meanwhile waits its turn. */
  private whileBusy(connection: Connection, work: () => Promise<void> | void): void {
    connection.busy = true
    const over = (): void => {
      connection.busy = false
      this.hub.dispatch.resume(connection)
      this.hub.turn.endSoon()
    }
    const failed = (error: unknown): void => {
      this.refuse(connection, error, CLOSE_CODES.AUTH_FAILED.code)
      over()
    }
    try {
      const pending = work()
      if (pending) pending.then(over, failed)
      else over()
    } catch (error) {
      failed(error)
    }
  }

  /** Runs the namespace's middleware; then the connection is open and everyone may know. */
  private admit(connection: Connection, identity: Verified, returning: Returning | undefined): Promise<void> | void {
    if (connection.stage !== 'authenticating') return
    connection.user = identity.user
    this.hub.sharedLimits.takeConnection(connection)
    connection.expiresAt = identity.expiresAt
    const { namespace, link } = connection
    if (namespace.middleware.length === 0 && returning === undefined) return this.open(connection, undefined, undefined)
    return (async () => {
      const checked = await this.check(connection)
      let recovered: Recovered | undefined
      try {
        recovered = returning === undefined ? undefined : await this.recover(connection, returning)
        if (
          connection.stage === 'authenticating' &&
          link.state === 'open' &&
          this.mayOpen(connection, recovered, identity.asOf)
        )
          return this.open(connection, recovered, checked)
      } catch (error) {
        checked.discard()
        throw error
      }
      checked.discard()
      if (recovered?.restored) this.hub.restoring.abandon(recovered.restored)
    })()
  }

  private async check(connection: Connection): Promise<Context> {
    try {
      return await runChecks(this.hub, connection)
    } catch (error) {
      connection.isCheckRefused = true
      throw error
    }
  }

  /** Refuses who was overtaken on the way: by a change of his account, or by a newer connection of his session. */
  private mayOpen(connection: Connection, recovered: Recovered | undefined, asOf: number): boolean {
    const { namespace, user } = connection
    if (this.hub.accountChanges.since(asOf, user.sub)) {
      const changed = accountChanged()
      this.refuse(connection, changed, CLOSE_CODES.TRY_LATER.code, changed.message)
      return false
    }
    const holder = recovered && namespace.sessions.get(recovered.session.id)
    if (holder === undefined) return true
    if (holder.number < connection.number) {
      this.replace(holder)
      return true
    }
    this.refuse(connection, new RoomfulError('CONFLICT', REPLACED), CLOSE_CODES.REPLACED.code, REPLACED)
    return false
  }

  private replace(holder: Connection): void {
    this.hub.lifecycle.close(holder, CLOSE_CODES.REPLACED.code, REPLACED)
  }

  /** Finds the session, and closes an older connection that still holds it. C18. */
  private async recover(connection: Connection, { session: id, cursor }: Returning): Promise<Recovered | undefined> {
    const { namespace, user } = connection
    const holder = namespace.sessions.get(id)
    const record = holder?.session
      ? toRecord(holder.session, holder)
      : await this.hub.broker.findSession(namespace.name, id)
    const userId = holder?.user.sub ?? record?.userId
    // The session is all that makes a guest the same one again.
    const isSame = userId === user.sub || (user.guest && (holder?.user.guest ?? isGuestId(userId)))
    if (userId === undefined || !isSame) return undefined
    const inbox = inboxOf(userId)
    const inboxAt = record?.rooms.find(({ roomId }) => roomId === inbox)?.seq
    if (holder && holder.number < connection.number) this.replace(holder)
    if (user.guest) connection.user = holder?.user ?? { ...user, sub: userId }
    if (!connection.link.dialect.restoresRooms) return { session: { id, inboxAt }, restored: undefined }
    const restored = await this.hub.restoring.prepare(connection, record?.rooms ?? [], cursor)
    if (!restored) this.hub.broker.dropSession(namespace.name, id)
    return restored && { session: { id, inboxAt }, restored }
  }

  private open(connection: Connection, recovered: Recovered | undefined, checked: Context | undefined): void {
    const { link, user } = connection
    this.hub.timers.cancel(connection.timer)
    connection.stage = 'open'
    connection.auth = user.guest ? 'guest' : 'authenticated'
    this.hub.sharedLimits.enter(connection)
    connection.isHeard = recovered !== undefined || !link.dialect.resumes
    if (link.dialect.resumes) connection.session = recovered?.session ?? { id: this.hub.random.id(SESSION_ID_LENGTH) }
    this.hub.identities.watchExpiry(connection)
    welcome(this.hub, link)
    if (link.dialect.multiplexed) {
      link.control('opened', connection.channel, {
        id: connection.id,
        user,
        now: this.hub.clock.now(),
        ...(connection.session ? { session: connection.session.id, sessionMs: this.hub.settings.sessionMs } : {}),
        recovered: recovered !== undefined,
      })
    } else link.control('auth_ok', connection.channel, { user })
    this.hub.lifecycle.attach(connection)
    if (recovered?.restored) this.hub.restoring.commit(connection, recovered.restored)
    this.hub.savedSessions.saveSoon(connection)
    if (checked) this.carryOut(connection, checked)
    connection.onSettled?.(undefined)
    connection.onSettled = undefined
  }

  /** What checks at connect recorded. Whoever comes over HTTP has the rooms that it asks for first. */
  private carryOut(connection: Connection, checked: Context): void {
    if (connection.visit === 'request') return checked.discard()
    if (connection.visit === 'stay' && !connection.link.owner) {
      connection.checked = checked
      return
    }
    carryOut(this.hub, connection, checked.takeEffects(), (error) => this.failedToCarryOut(connection, error))
  }

  /** What the checks wanted was not done, so they have not let the client in. */
  failedToCarryOut(connection: Connection, error: RoomfulError): void {
    this.refuse(connection, error, CLOSE_CODES.TRY_LATER.code)
  }

  private guest(connection: Connection, wish: string): void {
    const { namespace } = connection
    if (connection.stage === 'authenticating') {
      const user = createGuest(namespace, this.hub.random, wish)
      return this.whileBusy(connection, () => this.admit(connection, this.hub.identities.guest(user), undefined))
    }
    if (connection.auth !== 'guest') {
      return connection.link.fail(
        connection.channel,
        new RoomfulError('FORBIDDEN', 'Only guests choose a name'),
        undefined,
      )
    }
    this.whileBusy(connection, () => this.hub.identities.renameGuest(connection, wish))
  }

  /** Says why; what is about the user rather than the credentials has a close code of its own. WIRE 2. */
  refuse(connection: Connection, thrown: unknown, closeCode: number, reason?: string): void {
    const error = toRoomfulError(thrown)
    if (error.code === 'INTERNAL') {
      const { namespace, user, id: connectionId } = connection
      const fact = { namespace: namespace.name, event: 'connect', userId: user.sub, connectionId, payload: [] }
      this.hub.observer.observe({ type: 'handler:failed', ...fact, error: error.cause ?? error })
    }
    const own = OWN_CLOSE_CODES[error.code]
    const { link, channel } = connection
    if (!link.dialect.multiplexed) {
      link.refusal ??= error
      // A close code alone does not say when to come back.
      if (error.code === 'RATE_LIMITED') link.fail(channel, error, undefined)
    }
    const code = own ?? closeCode
    this.hub.observer.observe({ type: 'connection:refused', namespace: connection.namespace.name, code: error.code })
    const told = this.isTroubleOfOneAlone(connection, error) && afterClose(code) === 'reconnect' ? REFUSED : code
    this.hub.lifecycle.close(connection, told, own || reason === undefined ? error.message : reason, error)
  }

  /**
   * Where a message opens one connection, a close that means “come back” ends the whole link. So it is a refusal when the
   * trouble is this namespace's own, or when the link carries others that have none.
   */
  private isTroubleOfOneAlone(connection: Connection, { code }: RoomfulError): boolean {
    const { link, isCheckRefused } = connection
    if (!link.dialect.opensOneByOne) return false
    // A client that came too often must learn when to come back: a closed engine would reconnect at once.
    return (
      isCheckRefused ||
      code === 'RATE_LIMITED' ||
      link.connections.some((other) => other !== connection && other.stage === 'open')
    )
  }
}

const REFUSED = CLOSE_CODES.FORBIDDEN.code

const OWN_CLOSE_CODES: Readonly<Record<string, number>> = {
  FORBIDDEN: CLOSE_CODES.FORBIDDEN.code,
  BANNED: CLOSE_CODES.FORBIDDEN.code,
  USER_UNKNOWN: CLOSE_CODES.AUTH_FAILED.code,
  // Not the fault of the credentials: worth another try.
  UNAVAILABLE: CLOSE_CODES.TRY_LATER.code,
  RATE_LIMITED: CLOSE_CODES.TRY_LATER.code,
  TIMEOUT: CLOSE_CODES.TRY_LATER.code,
  INTERNAL: CLOSE_CODES.INTERNAL.code,
}
