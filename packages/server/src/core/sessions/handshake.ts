/**
 * From a link that opened to a connection with a user, with every refusal of PROTOCOL.md 3. Also resuming sessions: of several
 * connections that claim one session the newest stays open (C18).
 */
import { CLOSE_CODES, type Credentials, fromJson, type Inbound, inboxOf } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Link } from '../link/link.ts'
import { type SavedSessions, toRecord } from '../log/saved-sessions.ts'
import type { SessionRecord, TakenSession } from '../ports/broker.ts'
import type { User } from '../ports/users.ts'
import { carryOut, runChecks } from '../requests/checks.ts'
import type { Context } from '../requests/context.ts'
import type { Goodbye } from '../rooms/presence/former-nodes.ts'
import type { Bursts } from '../state/bursts.ts'
import type { SharedLimits } from '../state/limits.ts'
import { type Attached, Connection, type NamespaceState } from '../state/namespace-state.ts'
import { FIRST_FENCE, SESSION_ID_LENGTH, type Session } from '../state/session.ts'
import { type AccountChanges, accountChanged } from './account-changes.ts'
import { type Guests, isGuestId } from './guests.ts'
import type { Identities, Verified } from './identities.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { NamespaceParts, Namespaces } from './namespaces.ts'
import type { Recovery, Restored } from './recovery.ts'
import { Takeovers } from './takeovers.ts'
import { identified, opened, recognised, sessionBegun, sessionTaken, unrecognised } from './transitions.ts'
import { welcome } from './welcome.ts'

/** The session that a client wants to resume. */
interface SessionClaim {
  readonly session: string
  readonly cursor: string | undefined
}

interface Recovered {
  session: Session
  /** Rooms that the server brings back. */
  readonly restored: Restored | undefined
}

const LATE = 'The server cannot answer now; try again later'
const REPLACED = 'Replaced by a newer connection of this session'
/** Connections that claim one session at once take it one after another. */
const TAKE_TRIES = 10
/** A takeover that took longer waited for the log. */
const TAKE_MS = 1_000

interface KnownSession {
  readonly record: SessionRecord
  /** The connection of this node that has it. */
  readonly holder: Connection | undefined
}

interface HandshakeParts {
  readonly namespaces: Namespaces
  readonly identities: Identities
  readonly lifecycle: Lifecycle
  readonly recovery: Recovery
  readonly savedSessions: SavedSessions
  readonly accountChanges: AccountChanges
  readonly sharedLimits: SharedLimits
  readonly bursts: Bursts
  readonly guests: Guests
}

export class Handshake {
  private readonly runtime: Runtime
  private readonly namespaces: Namespaces
  private readonly identities: Identities
  private readonly lifecycle: Lifecycle
  private readonly recovery: Recovery
  private readonly savedSessions: SavedSessions
  private readonly accountChanges: AccountChanges
  private readonly sharedLimits: SharedLimits
  private readonly bursts: Bursts
  private readonly guests: Guests
  private readonly takeovers = new Takeovers()
  private lastNumber = 0

  constructor(runtime: Runtime, parts: HandshakeParts) {
    this.runtime = runtime
    this.namespaces = parts.namespaces
    this.identities = parts.identities
    this.lifecycle = parts.lifecycle
    this.recovery = parts.recovery
    this.savedSessions = parts.savedSessions
    this.accountChanges = parts.accountChanges
    this.sharedLimits = parts.sharedLimits
    this.bursts = parts.bursts
    this.guests = parts.guests
  }

  /** A link that speaks for one namespace. `identity` when the transport has verified already. */
  begin(
    link: Link<Connection>,
    namespace: NamespaceParts,
    credentials: Credentials,
    identity?: Verified,
    httpMode?: Connection['httpMode'],
  ): void {
    const connection = this.createConnection(link, namespace, { httpMode })
    if (identity) return this.whileBusy(connection, () => this.admit(connection, identity, undefined))
    this.identify(connection, credentials, undefined)
  }

  /** A channel of a link that carries several. */
  openChannel(
    link: Link<Connection>,
    {
      channel,
      namespace: name,
      credentials,
      session,
      cursor,
      auth,
      isShared = false,
    }: Extract<Inbound, { kind: 'open' }>,
  ): void {
    const namespace = this.namespaces.find(name ?? link.defaultNamespace)
    if (!namespace) {
      const message = `There is no namespace ${JSON.stringify(name)}`
      const error = { code: 'FORBIDDEN', message }
      link.control('closed', channel, { code: CLOSE_CODES.FORBIDDEN.code, reason: message, error })
      return
    }
    const connection = this.createConnection(link, namespace, { channel, handshake: auth })
    if (isShared) connection.isShared = true
    if (link.refusal) return this.lifecycle.refuse(connection, link.refusal, CLOSE_CODES.TRY_LATER.code)
    const given = credentials.token === undefined && credentials.ticket === undefined ? link.credentials : undefined
    const claim = session === undefined ? undefined : { session, cursor }
    this.identify(connection, { ...given, ...credentials }, claim)
  }

  /** The peer sent credentials: the first time, or again to refresh. */
  authenticate(connection: Connection, { credentials }: Extract<Inbound, { kind: 'auth' }>): void {
    const { token, ticket, name } = credentials
    const hasToken = token !== undefined || ticket !== undefined
    if (!hasToken && name !== undefined && (connection.auth === 'guest' || this.letsGuestsIn(connection.namespace))) {
      return this.guest(connection, name)
    }
    if (connection.stage === 'open')
      return this.whileBusy(connection, () => this.identities.refresh(connection, credentials))
    this.whileBusy(connection, async () => {
      try {
        await this.admit(
          connection,
          await this.identities.verify(hasToken ? credentials : { token: '' }, connection),
          undefined,
        )
      } catch (error) {
        this.lifecycle.refuse(connection, error, CLOSE_CODES.POLICY.code, 'Authentication failed')
      }
    })
  }

  /** Another node has the session now: its connection here, most often one that was cut off unnoticed, is over. */
  taken(namespace: NamespaceState, id: string, fence: number): void {
    this.takeovers.lost(namespace.name, id, fence)
    const holder = namespace.sessions.get(id)
    if (holder?.session && holder.session.fence < fence) this.replace(holder)
    this.savedSessions.forgetData(id)
  }

  /** Sessions that were here once, and said goodbye on the node that has them since. */
  letGo(namespace: NamespaceState, goodbyes: readonly Goodbye[]): void {
    const { presence, users } = this.namespaces.of({ namespace })
    for (const { session, fence, userId, left } of goodbyes) {
      this.taken(namespace, session, fence) // where that is not known yet
      const cutOff = { sign: session, fence }
      if (left === undefined) users.endGraceOf(userId, cutOff)
      else {
        const room = namespace.rooms.get(left.roomId)
        if (room) presence.endGraceOf(room, userId, cutOff, left.reason)
      }
    }
    this.runtime.turn.endSoon()
  }

  /** Something may have been missed: looks which sessions, and names of guests, other nodes have taken over. */
  async findTaken(namespace: NamespaceState): Promise<void> {
    const { broker } = this.runtime
    if (!broker.otherNodes) return
    this.guests.onBreak(namespace)
    for (const id of [...namespace.sessions.keys()]) {
      const record = await broker.findSession(namespace.name, id)
      if (record?.fence !== undefined) this.taken(namespace, id, record.fence)
    }
  }

  /** A link that carries channels must open one in time. */
  watchChannels(link: Link<Connection>): void {
    link.deadline = this.runtime.timers.add(this.runtime.settings.authDeadlineMs, () => {
      link.deadline = undefined
      if (link.isAuthenticated()) return
      // It has sent what it has: its credentials are not to blame for an answer that is late.
      if (link.connections.some(({ busy }) => busy)) link.close(CLOSE_CODES.TRY_LATER.code, LATE)
      else link.close(CLOSE_CODES.AUTH_FAILED.code, 'Authentication timed out')
    })
  }

  private createConnection(link: Link<Connection>, { state }: NamespaceParts, more: Partial<Attached>): Connection {
    const { clock, random, nodes } = this.runtime
    const id = nodes.connectionId(random)
    const connection = new Connection(link, state, {
      ...more,
      id,
      openedAt: clock.now(),
      number: ++this.lastNumber,
    })
    link.connections = link.connections.concat(connection) // no longer than it needs to be, unlike a spread
    return connection
  }

  private letsGuestsIn(namespace: NamespaceState): boolean {
    const { guests, anonymous } = namespace.options
    return guests === true || anonymous === true || !this.runtime.settings.authRequired
  }

  private identify(connection: Connection, credentials: Credentials, claim: SessionClaim | undefined): void {
    const { namespace } = connection
    const hasToken = credentials.token !== undefined || credentials.ticket !== undefined
    if (hasToken && !namespace.options.anonymous) {
      return this.whileBusy(connection, async () => {
        try {
          await this.admit(connection, await this.identities.verify(credentials, connection), claim)
        } catch (error) {
          this.lifecycle.refuse(connection, error, CLOSE_CODES.AUTH_FAILED.code)
        }
      })
    }
    if (this.runtime.authenticator.readsRequests && !namespace.options.anonymous) {
      return this.whileBusy(connection, async () => {
        try {
          const known = await this.identities.recognise(credentials, connection)
          if (known) await this.admit(connection, known, claim)
          else await this.identifyWithoutProof(connection, credentials, claim)
        } catch (error) {
          this.lifecycle.refuse(connection, error, CLOSE_CODES.AUTH_FAILED.code)
        }
      })
    }
    if (this.letsGuestsIn(namespace)) {
      return this.whileBusy(connection, () => this.identifyWithoutProof(connection, credentials, claim))
    }
    this.identifyWithoutProof(connection, credentials, claim)
  }

  /** A guest where guests are allowed; otherwise the first message has to say who it is. */
  private identifyWithoutProof(
    connection: Connection,
    credentials: Credentials,
    claim: SessionClaim | undefined,
  ): Promise<void> | void {
    const { link, namespace } = connection
    if (this.letsGuestsIn(namespace)) {
      return this.admitGuest(connection, credentials.name, claim)
    }
    const missing = new RoomfulError('UNAUTHENTICATED')
    if (!this.runtime.settings.firstMessageAuth || link.dialect.multiplexed) {
      return this.lifecycle.refuse(connection, missing, CLOSE_CODES.AUTH_FAILED.code, missing.message)
    }
    welcome(this.runtime, link)
    connection.timer = this.runtime.timers.add(this.runtime.settings.authDeadlineMs, () => {
      if (connection.stage !== 'authenticating' || connection.busy) return
      this.lifecycle.refuse(connection, missing, CLOSE_CODES.AUTH_FAILED.code, 'Authentication timed out')
    })
  }

  /** What arrives meanwhile waits its turn. */
  private whileBusy(connection: Connection, work: () => Promise<void> | void): void {
    connection.busy = true
    const over = (): void => {
      connection.busy = false
      connection.namespace.dispatch.resume(connection)
      this.runtime.turn.endSoon()
    }
    const failed = (error: unknown): void => {
      this.lifecycle.refuse(connection, error, CLOSE_CODES.AUTH_FAILED.code)
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

  private admitGuest(
    connection: Connection,
    requestedName: string | undefined,
    claim: SessionClaim | undefined,
  ): Promise<void> | void {
    const { namespace } = connection
    const created = this.guests.create(namespace, requestedName)
    if (!(created instanceof Promise)) return this.admit(connection, this.identities.guest(created), claim)
    return created.then((user) => {
      if (connection.stage !== 'authenticating') return this.guests.forget(namespace, user.sub)
      return this.admit(connection, this.identities.guest(user), claim)
    })
  }

  /** Runs the namespace's middleware; then the connection opens. */
  private admit(connection: Connection, identity: Verified, claim: SessionClaim | undefined): Promise<void> | void {
    if (connection.stage !== 'authenticating') return
    identified(connection, identity)
    const counting = this.sharedLimits.takeConnection(connection)
    if (counting) return counting.then(() => this.admitCounted(connection, identity, claim))
    return this.admitCounted(connection, identity, claim)
  }

  private admitCounted(
    connection: Connection,
    identity: Verified,
    claim: SessionClaim | undefined,
  ): Promise<void> | void {
    if (connection.stage !== 'authenticating') return
    const { link } = connection
    const { middleware } = this.namespaces.of(connection).requests.handlers
    if (middleware.length === 0 && claim === undefined) return this.open(connection, undefined, undefined)
    const end = claim && this.takeovers.begin(connection.namespace.name, claim.session)
    const opening = (async () => {
      const { id } = connection
      const seen = claim && (await this.recognise(connection, claim))
      const isKnown = seen !== undefined
      let checked = await this.check(connection)
      let recovered: Recovered | undefined
      try {
        recovered = claim && seen !== undefined ? await this.recover(connection, claim, seen) : undefined
        if (recovered?.restored && !this.recovery.isWhole(connection, recovered.restored)) {
          this.recovery.abandon(recovered.restored)
          recovered = undefined
        }
        if (isKnown && !recovered) {
          // It is a new connection after all, so the checks run again for that one.
          checked.discard()
          unrecognised(connection, id)
          connection.data = undefined
          checked = await this.check(connection)
        }
        if (
          connection.stage === 'authenticating' &&
          link.state === 'open' &&
          this.mayOpen(connection, recovered, identity.asOf)
        )
          return this.open(connection, recovered, checked, claim)
      } catch (error) {
        checked.discard()
        throw error
      }
      checked.discard()
      if (recovered?.restored) this.recovery.abandon(recovered.restored)
    })()
    return end ? opening.finally(end) : opening
  }

  private async check(connection: Connection): Promise<Context> {
    try {
      return await runChecks(this.namespaces.of(connection).requests, connection)
    } catch (error) {
      connection.isCheckRefused = true
      throw error
    }
  }

  /** Refuses a connection whose account changed while it opened, or whose session a newer connection has. */
  private mayOpen(connection: Connection, recovered: Recovered | undefined, asOf: number): boolean {
    const { namespace, user } = connection
    if (this.accountChanges.since(asOf, user.sub)) {
      const changed = accountChanged()
      this.lifecycle.refuse(connection, changed, CLOSE_CODES.TRY_LATER.code, changed.message)
      return false
    }
    if (recovered === undefined) return true
    const { id, fence } = recovered.session
    const holder = namespace.sessions.get(id)
    // Whichever of them stays, the session is this node's by the latest takeover.
    const latest = Math.max(fence, holder?.session?.fence ?? 0)
    recovered.session = { ...recovered.session, fence: latest }
    if (holder?.session) sessionTaken(holder, { ...holder.session, fence: latest })
    if (!this.takeovers.isLost(namespace.name, id, latest)) {
      if (holder === undefined) return true
      if (holder.number < connection.number) {
        this.replace(holder)
        return true
      }
    }
    this.lifecycle.refuse(connection, new RoomfulError('CONFLICT', REPLACED), CLOSE_CODES.REPLACED.code, REPLACED)
    return false
  }

  private replace(holder: Connection): void {
    this.lifecycle.close(holder, CLOSE_CODES.REPLACED.code, REPLACED)
  }

  /**
   * The checks of the namespace already see which connection came back: the same id, the same data.
   * @returns the fence that it has; nothing when there is no such session of this user
   */
  private async recognise(connection: Connection, { session: id }: SessionClaim): Promise<number | undefined> {
    const known = await this.findSession(connection, id)
    if (!known) return undefined
    const { record, holder } = known
    const { user, link, namespace } = connection
    const kept = holder?.hasData ? holder.data : this.savedSessions.keptData(id, record.fence)
    if (kept === undefined && record.data === null && link.dialect.restoresRooms) return undefined
    const same = user.guest ? (holder?.user ?? (await this.guests.recognise(namespace, user, record.userId))) : user
    recognised(connection, record.connectionId, same)
    if (same.sub !== user.sub) this.guests.forget(namespace, user.sub)
    connection.data = kept ?? (record.data ? (fromJson(record.data) as Record<string, unknown>) : undefined)
    return record.fence ?? FIRST_FENCE
  }

  private async findSession(connection: Connection, id: string): Promise<KnownSession | undefined> {
    const { namespace, user } = connection
    const { broker } = this.runtime
    const held = namespace.sessions.get(id)
    const stored = held && !broker.otherNodes ? undefined : await broker.findSession(namespace.name, id)
    return ownSession(user, this.newest(namespace.sessions.get(id), stored))
  }

  /** What a connection here knows of the session is newer than what it saved, unless another node has it meanwhile. */
  private newest(holder: Connection | undefined, stored: SessionRecord | undefined): KnownSession | undefined {
    const { session } = holder ?? {}
    if (!holder || !session) return stored && { record: stored, holder: undefined }
    if (stored?.fence !== undefined && stored.fence > session.fence) return { record: stored, holder: undefined }
    return { record: toRecord(session, holder), holder }
  }

  /** The session is this node's from now on, unless a later connection has it. @param seen the fence that it had */
  private async takeSession(connection: Connection, id: string, seen: number): Promise<KnownSession | undefined> {
    const { namespace, user, link } = connection
    const { broker, clock } = this.runtime
    if (namespace.sessions.has(id) && !broker.otherNodes) return this.findSession(connection, id)
    let fence = seen
    // Its client may have given it up while it waited for the log, and be on another node already.
    for (let tries = 0; tries < TAKE_TRIES && link.state === 'open'; tries++) {
      const askedAt = clock.monotonic()
      const taken = await broker.takeSession(namespace.name, id, fence)
      const holder = namespace.sessions.get(id)
      if (taken) return this.afterTakeover(connection, taken, holder)
      const stored = await broker.findSession(namespace.name, id)
      if (stored?.fence === undefined || stored.fence === fence) return ownSession(user, this.newest(holder, undefined))
      // Of two that claim it at once the later one has it, and one that waited is none.
      if (clock.monotonic() - askedAt > TAKE_MS) return undefined
      fence = stored.fence
    }
    return undefined
  }

  private afterTakeover(
    { user }: Connection,
    { record, wasHere }: TakenSession,
    holder: Connection | undefined,
  ): KnownSession | undefined {
    // So that what it saves when it is closed counts.
    if (holder?.session && wasHere) sessionTaken(holder, { ...holder.session, fence: record.fence })
    return ownSession(user, this.newest(holder, record))
  }

  /** Takes the session over, and closes an older connection that still holds it. C18. */
  private async recover(
    connection: Connection,
    { session: id, cursor }: SessionClaim,
    seen: number,
  ): Promise<Recovered | undefined> {
    const { namespace } = connection
    const known = await this.takeSession(connection, id, seen)
    if (!known) return undefined
    const { record, holder } = known
    const { fence = FIRST_FENCE } = record
    const inbox = inboxOf(record.userId)
    const inboxAt = record.rooms.find(({ roomId }) => roomId === inbox)?.seq
    if (holder && holder.number < connection.number) this.replace(holder)
    if (!connection.link.dialect.restoresRooms) return { session: { id, inboxAt, fence }, restored: undefined }
    const restored = await this.recovery.prepare(connection, record, cursor)
    if (!restored) this.runtime.broker.dropSession(namespace.name, id, fence)
    return restored && { session: { id, inboxAt, fence }, restored }
  }

  private open(
    connection: Connection,
    recovered: Recovered | undefined,
    checked: Context | undefined,
    claim?: SessionClaim,
  ): void {
    const { link, user } = connection
    this.runtime.timers.cancel(connection.timer)
    opened(connection)
    this.sharedLimits.enter(connection)
    this.bursts.take(connection, claim?.session)
    connection.isSessionConfirmed = recovered !== undefined || !connection.resumes
    if (connection.resumes) this.beginSession(connection, recovered)
    this.identities.watchExpiry(connection)
    welcome(this.runtime, link)
    if (link.dialect.multiplexed) {
      link.control('opened', connection.channel, {
        id: connection.id,
        user,
        now: this.runtime.clock.now(),
        ...(connection.session ? { session: connection.session.id, sessionMs: this.runtime.settings.sessionMs } : {}),
        recovered: recovered !== undefined,
      })
    } else link.control('auth_ok', connection.channel, { user })
    this.lifecycle.attach(connection)
    if (recovered?.restored) this.recovery.commit(connection, recovered.restored)
    this.savedSessions.begun(connection)
    if (checked) this.carryOut(connection, checked)
    if (!connection.onSettled) return
    connection.onSettled(undefined)
    connection.onSettled = undefined
  }

  private beginSession(connection: Connection, recovered: Recovered | undefined): void {
    const { namespace, link } = connection
    const { transients } = namespace
    const session = recovered?.session ?? { id: this.runtime.random.id(SESSION_ID_LENGTH), fence: FIRST_FENCE }
    const since = recovered?.restored?.transientsFrom ?? transients.serial
    sessionBegun(connection, { ...session, since })
    connection.lastTransient = since
    if (link.dialect.restoresRooms) transients.use()
    this.savedSessions.forgetData(session.id)
  }

  /** What checks at connect recorded. Over HTTP the rooms that the client asks for come first. */
  private carryOut(connection: Connection, checked: Context): void {
    if (connection.httpMode === 'one-shot') return checked.discard()
    if (connection.httpMode === 'stream' && !connection.link.owner) {
      connection.checked = checked
      return
    }
    const { requests } = this.namespaces.of(connection)
    carryOut(requests, connection, checked.takeEffects(), (error) => this.lifecycle.failedToCarryOut(connection, error))
  }

  private guest(connection: Connection, requestedName: string): void {
    if (connection.stage === 'authenticating') {
      return this.whileBusy(connection, () => this.admitGuest(connection, requestedName, undefined))
    }
    if (connection.auth !== 'guest') {
      return connection.link.fail(
        connection.channel,
        new RoomfulError('FORBIDDEN', 'Only guests choose a name'),
        undefined,
      )
    }
    this.whileBusy(connection, () => this.identities.renameGuest(connection, requestedName))
  }
}

/** The session is all that makes a guest the same one again. @returns nothing when it is another user's */
function ownSession(user: User, known: KnownSession | undefined): KnownSession | undefined {
  if (!known) return undefined
  const { record, holder } = known
  const isSame = record.userId === user.sub || (user.guest && (holder?.user.guest ?? isGuestId(record.userId)))
  return isSame ? known : undefined
}
