/**
 * What is done to users from outside their connections: bans, roles, new checks, disconnecting. Everything acts at once on
 * open connections. G8, D11. Applications call it through `roomful`, other backends through the server API.
 */
import { CLOSE_CODES, inboxOf } from '@roomful/protocol'
import { bannedError, RoomfulError } from './base/errors.ts'
import type { Hub } from './hub.ts'
import type { Namespace } from './namespace.ts'
import type { Broker } from './ports/broker.ts'
import type { Disconnected, NodesReached, Reached } from './ports/nodes.ts'
import type { AccountPage, AccountQuestion, ListedAccount, Users } from './ports/users.ts'
import { isGuestId } from './sessions/guests.ts'
import type { Connection } from './state/namespace-state.ts'

export interface LostRoom {
  readonly namespace: string
  readonly connectionId: string
  readonly roomId: string
}

export interface Refreshed extends Reached {
  /** Connections that are open still. */
  readonly connections: number
  /** Rooms that the rules no longer allow. */
  readonly lost: readonly LostRoom[]
}

/** What was erased of a person. */
export interface Erased extends Disconnected {
  /** Events of the user, and those of others in the user's inbox, that were emptied; namespaces without any are left out. */
  readonly namespaces: readonly { readonly name: string; readonly events: number; readonly received: number }[]
  /** Whether there was an account. */
  readonly account: boolean
}

type ClosedHere = Pick<Disconnected, 'connections'>
type RefreshedHere = Omit<Refreshed, 'nodes'>

/** Accounts, each with its number of open connections on all nodes. */
interface AccountsAndConnections extends AccountPage, Reached {
  readonly accounts: readonly (ListedAccount & { readonly connections: number })[]
}

interface Kick {
  readonly code: number
  readonly reason: string
}

/** Users of whom a node asks at the same time, when it may have missed what became of them. */
const LOOKED_AT_ONCE = 50
const INBOX_PAGE = 100
const KICKED_REASON = 'Disconnected by the server'

export class Administration {
  private readonly hub: Hub
  private readonly users: Users
  /** `strict`: a user without an account is unknown. */
  private readonly unknownUsers: 'open' | 'strict'

  /** A ban is not answered before this is. */
  onBan: ((userId: string, isBanned: boolean, reason: string | undefined) => Promise<void>) | undefined

  constructor(hub: Hub, users: Users, unknownUsers: 'open' | 'strict') {
    this.hub = hub
    this.users = users
    this.unknownUsers = unknownUsers
    const { nodes } = hub.runtime
    nodes.on('account:changed', () => this.users.feed?.read())
    users.feed?.start((userIds) => this.changedElsewhere(userIds))
    nodes.on<{ userId: string }>('refresh', ({ userId }) => this.refreshHere(userId))
    nodes.on<{ userId?: string }>('recheck', ({ userId }) => this.recheckHere(userId))
    nodes.on<Kick & { userId: string }>('disconnect:user', ({ userId, ...kick }) => this.closeUser(userId, kick))
    nodes.on<Kick & { connectionId: string }>('disconnect:connection', ({ connectionId, ...kick }) =>
      this.closeConnection(connectionId, kick),
    )
    nodes.on<{ userIds: string[] }>('connections:count', ({ userIds }) => this.countHere(userIds))
  }

  async accounts(question: AccountQuestion): Promise<AccountsAndConnections> {
    const { accounts, stoppedAt } = await this.users.list(question)
    const userIds = accounts.map(({ sub }) => sub)
    const { asked, answered, answers } = await this.hub.runtime.nodes.ask<number[]>('connections:count', { userIds })
    const counts = [this.countHere(userIds), ...answers.map(({ value }) => value)]
    const connections = (i: number): number => counts.reduce((sum, at) => sum + (at[i] ?? 0), 0)
    const counted = accounts.map((each, i) => ({ ...each, connections: connections(i) }))
    return { accounts: counted, stoppedAt, nodes: { asked, answered } }
  }

  /**
   * Bans a user, also one who never connected, and closes all their connections.
   * @param reason sent to the user, now and at each further attempt
   * @throws RoomfulError (rejects) NOT_FOUND where users must be known, INVALID_MESSAGE for guests
   */
  async ban(userId: string, reason?: string): Promise<Reached> {
    await this.checkAccount(userId)
    await this.users.setBanned(userId, true, reason)
    this.noteChange(userId)
    this.shutOut(userId, reason)
    await this.onBan?.(userId, true, reason)
    return this.announceChange()
  }

  /** @throws RoomfulError (rejects) as {@link ban} */
  async unban(userId: string): Promise<Reached> {
    await this.checkAccount(userId)
    await this.users.setBanned(userId, false)
    this.noteChange(userId)
    await this.onBan?.(userId, false, undefined)
    return this.announceChange()
  }

  /**
   * @param role undefined: the token's counts again, from the next connection or refresh on
   * @throws RoomfulError (rejects) as {@link ban}
   */
  async setRole(userId: string, role: string | undefined): Promise<Reached> {
    await this.checkAccount(userId)
    await this.users.setRole(userId, role)
    this.noteChange(userId)
    const others = this.announceChange()
    await this.refreshHere(userId)
    return others
  }

  /**
   * Erases a person: connections are closed, everything that the user said and the user's inboxes are emptied, and the
   * account goes. Numbers of events stay, so that no room has a hole. Can be repeated.
   * @throws RoomfulError (rejects) INVALID_MESSAGE for guests, UNAVAILABLE
   */
  async erase(userId: string): Promise<Erased> {
    if (isGuestId(userId)) throw new RoomfulError('INVALID_MESSAGE', 'A guest has no account', { field: 'userId' })
    const { connections, nodes } = await this.disconnectUser(userId)
    const namespaces: Erased['namespaces'][number][] = []
    for (const namespace of this.hub.allNamespaces()) {
      const events = await namespace.redactUser(userId)
      const received = await emptyInbox(namespace, this.hub.runtime.broker, inboxOf(userId))
      if (events + received > 0) namespaces.push({ name: namespace.name, events, received })
    }
    const account = await this.users.erase(userId)
    this.noteChange(userId)
    await this.announceChange()
    return { connections, namespaces, account, nodes }
  }

  /** @param userIds nothing: it may have been anyone */
  private async changedElsewhere(userIds: readonly string[] | undefined): Promise<void> {
    if (userIds === undefined) this.hub.accountChanges.noteAll()
    const here = (userId: string): boolean => !isGuestId(userId) && this.connectionsOf(userId).length > 0
    const connected = new Set(this.hub.allNamespaces().flatMap(({ state }) => [...state.users.keys()].filter(here)))
    for (const userId of userIds ?? connected) this.noteChange(userId)
    const looked = [...connected].filter((userId) => userIds?.includes(userId) ?? true)
    for (let at = 0; at < looked.length; at += LOOKED_AT_ONCE) {
      await Promise.all(looked.slice(at, at + LOOKED_AT_ONCE).map((userId) => this.refreshHere(userId)))
    }
  }

  /** Runs middleware and rules again on every connection of a user; a banned user is disconnected. */
  async refresh(userId: string): Promise<Refreshed> {
    const others = this.hub.runtime.nodes.ask<RefreshedHere>('refresh', { userId })
    const here = await this.refreshHere(userId)
    const { asked, answered, answers } = await others
    const all = [here, ...answers.map(({ value }) => value)]
    return {
      connections: all.reduce((sum, { connections }) => sum + connections, 0),
      lost: all.flatMap(({ lost }) => lost),
      nodes: { asked, answered },
    }
  }

  /** Asks the rules of rooms alone, of one user or of everyone. */
  async recheck(userId?: string): Promise<Reached> {
    const others = this.hub.runtime.nodes.ask('recheck', { userId })
    await this.recheckHere(userId)
    return reachedBy(await others)
  }

  /** Closes every connection of a user everywhere; those of this node before it returns. */
  async disconnectUser(
    userId: string,
    code: number = CLOSE_CODES.KICKED.code,
    reason: string = KICKED_REASON,
  ): Promise<Disconnected> {
    const here = this.closeUser(userId, { code, reason })
    return this.closedBy(here, 'disconnect:user', { userId, code, reason })
  }

  /** Closes one connection, on whatever node it is. */
  async disconnectConnection(connectionId: string, reason: string = KICKED_REASON): Promise<Disconnected> {
    const kick = { code: CLOSE_CODES.KICKED.code, reason }
    const here = this.closeConnection(connectionId, kick)
    if (here.connections > 0) return { ...here, nodes: { asked: 0, answered: 0 } }
    return this.closedBy(here, 'disconnect:connection', { connectionId, ...kick })
  }

  private async closedBy(here: ClosedHere, kind: string, body: object): Promise<Disconnected> {
    const { asked, answered, answers } = await this.hub.runtime.nodes.ask<ClosedHere>(kind, body)
    const connections = answers.reduce((sum, { value }) => sum + value.connections, here.connections)
    return { connections, nodes: { asked, answered } }
  }

  private closeUser(userId: string, { code, reason }: Kick): ClosedHere {
    this.hub.runtime.authenticator.forget?.(userId)
    const connections = this.connectionsOf(userId)
    for (const connection of connections) this.hub.lifecycle.close(connection, code, reason)
    return { connections: connections.length }
  }

  private closeConnection(connectionId: string, { code, reason }: Kick): ClosedHere {
    for (const namespace of this.hub.allNamespaces()) {
      const connection = namespace.connections.get(connectionId)
      if (!connection) continue
      this.hub.lifecycle.close(connection, code, reason)
      return { connections: 1 }
    }
    return { connections: 0 }
  }

  private async refreshHere(userId: string): Promise<RefreshedHere> {
    this.hub.runtime.authenticator.forget?.(userId)
    const account = await this.users.find(userId)
    if (account?.banned) this.shutOut(userId, account.banReason)
    const results = await Promise.all(this.connectionsOf(userId).map((each) => this.lookAgain(each, account?.role)))
    return { connections: results.filter(({ isOpen }) => isOpen).length, lost: results.flatMap(({ lost }) => lost) }
  }

  private async recheckHere(userId: string | undefined): Promise<void> {
    await Promise.all(
      this.connectionsOf(userId).map((connection) => this.hub.of(connection).requests.access.recheck(connection)),
    )
  }

  private countHere(userIds: readonly string[]): number[] {
    return userIds.map((userId) => this.connectionsOf(userId).length)
  }

  private shutOut(userId: string, reason: string | undefined): void {
    const error = bannedError(reason)
    for (const connection of this.connectionsOf(userId)) {
      this.hub.lifecycle.close(connection, CLOSE_CODES.FORBIDDEN.code, error.message, error)
    }
  }

  /** The other nodes look at once what was changed; one that does not answer finds it later. */
  private async announceChange(): Promise<Reached> {
    return reachedBy(await this.hub.runtime.nodes.ask('account:changed', null))
  }

  /** What was read of the account counts no more, also for a poll that waits without a connection. */
  private noteChange(userId: string): void {
    this.hub.accountChanges.note(userId)
    for (const { inboxes } of this.hub.allNamespaces()) inboxes.wake(inboxOf(userId))
  }

  private async lookAgain(
    connection: Connection,
    role: string | undefined,
  ): Promise<{ readonly isOpen: boolean; readonly lost: readonly LostRoom[] }> {
    const { id: connectionId, namespace, user, memberships } = connection
    const before = [...memberships.keys()]
    let lost: readonly string[] = before
    await this.hub.identities.become(connection, { ...user, role: role ?? user.role }, () => {
      lost = before.filter((roomId) => !memberships.has(roomId))
      if (connection.user.role === user.role) return
      connection.link.control('auth_ok', connection.channel, { user: connection.user })
      this.hub.runtime.turn.endSoon()
    })
    return {
      isOpen: connection.stage === 'open',
      lost: lost.map((roomId) => ({ namespace: namespace.name, connectionId, roomId })),
    }
  }

  private connectionsOf(userId: string | undefined): Connection[] {
    return this.hub.allNamespaces().flatMap(({ state: { connections, users } }) => {
      return userId === undefined ? [...connections.values()] : [...(users.get(userId)?.connections ?? [])]
    })
  }

  /** Whatever is written down must find the user when they come. */
  private async checkAccount(userId: string): Promise<void> {
    if (isGuestId(userId)) {
      throw new RoomfulError('INVALID_MESSAGE', 'A guest has no account; disconnect them instead', { field: 'userId' })
    }
    if (this.unknownUsers === 'open') await this.users.ensure({ sub: userId, name: userId, role: 'user' })
    else if (!(await this.users.find(userId)))
      throw new RoomfulError('NOT_FOUND', 'There is no such user', { field: 'userId' })
  }
}

/** What others wrote to the user; they keep their copies. @returns (resolves) how many events */
async function emptyInbox(namespace: Namespace, broker: Broker, roomId: string): Promise<number> {
  let count = 0
  for (let after = 0; ; ) {
    const { events, epoch } = await broker.history(namespace.name, roomId, { after, limit: INBOX_PAGE })
    for (const { seq, redacted } of events) if (!redacted && (await namespace.redact(roomId, seq, epoch))) count++
    const last = events.at(-1)
    if (last === undefined) return count
    after = last.seq
  }
}

function reachedBy({ asked, answered }: NodesReached): Reached {
  return { nodes: { asked, answered } }
}
