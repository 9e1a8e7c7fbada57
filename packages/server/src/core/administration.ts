/**
 * What is done to users from outside their connections: bans, roles, new checks, disconnecting. Everything acts at once on
 * open connections. G8, D11. Applications call it through `roomful`, other backends through the server API.
 */
import { CLOSE_CODES, inboxOf } from '@roomful/protocol'
import { bannedError, RoomfulError } from './base/errors.ts'
import type { Hub } from './hub.ts'
import type { AccountQuestion, ListedAccount, Users } from './ports/users.ts'
import { isGuestId } from './sessions/guests.ts'
import type { Connection } from './state/namespace-state.ts'

export interface LostRoom {
  readonly namespace: string
  readonly connectionId: string
  readonly roomId: string
}

export interface Refreshed {
  /** Connections that are open still. */
  readonly connections: number
  /** Rooms that the rules no longer allow. */
  readonly lost: readonly LostRoom[]
}

const KICKED_REASON = 'Disconnected by the server'

export class Administration {
  private readonly hub: Hub
  private readonly users: Users
  /** `strict`: a user without an account is unknown. */
  private readonly unknownUsers: 'open' | 'strict'

  constructor(hub: Hub, users: Users, unknownUsers: 'open' | 'strict') {
    this.hub = hub
    this.users = users
    this.unknownUsers = unknownUsers
  }

  /** Accounts, each with its number of open connections. */
  async accounts(question: AccountQuestion): Promise<readonly (ListedAccount & { readonly connections: number })[]> {
    const accounts = await this.users.list(question)
    return accounts.map((each) => ({ ...each, connections: this.connectionsOf(each.sub).length }))
  }

  /**
   * Bans a user, also one who never connected, and closes all their connections.
   * @param reason sent to the user, now and at each further attempt
   * @throws RoomfulError (rejects) NOT_FOUND where users must be known, INVALID_MESSAGE for guests
   */
  async ban(userId: string, reason?: string): Promise<void> {
    await this.checkAccount(userId)
    await this.users.setBanned(userId, true, reason)
    this.noteChange(userId)
    this.shutOut(userId, reason)
  }

  /** @throws RoomfulError (rejects) as {@link ban} */
  async unban(userId: string): Promise<void> {
    await this.checkAccount(userId)
    await this.users.setBanned(userId, false)
    this.noteChange(userId)
  }

  /**
   * @param role undefined: the token's counts again, from the next connection or refresh on
   * @throws RoomfulError (rejects) as {@link ban}
   */
  async setRole(userId: string, role: string | undefined): Promise<void> {
    await this.checkAccount(userId)
    await this.users.setRole(userId, role)
    this.noteChange(userId)
    await this.refresh(userId)
  }

  /** Runs middleware and rules again on every connection of a user; a banned user is disconnected. */
  async refresh(userId: string): Promise<Refreshed> {
    const account = await this.users.find(userId)
    if (account?.banned) this.shutOut(userId, account.banReason)
    const results = await Promise.all(this.connectionsOf(userId).map((each) => this.lookAgain(each, account?.role)))
    return { connections: results.filter(({ isOpen }) => isOpen).length, lost: results.flatMap(({ lost }) => lost) }
  }

  /** Asks the rules of rooms alone, of one user or of everyone. */
  async recheck(userId?: string): Promise<void> {
    await Promise.all(
      this.connectionsOf(userId).map((connection) => this.hub.of(connection).requests.access.recheck(connection)),
    )
  }

  /** Closes every connection of a user everywhere. @returns how many */
  disconnectUser(userId: string, code: number = CLOSE_CODES.KICKED.code, reason: string = KICKED_REASON): number {
    const connections = this.connectionsOf(userId)
    for (const connection of connections) this.hub.lifecycle.close(connection, code, reason)
    return connections.length
  }

  /** Closes one connection. @returns false when there is none with this id */
  disconnectConnection(connectionId: string, reason: string = KICKED_REASON): boolean {
    for (const namespace of this.hub.allNamespaces()) {
      const connection = namespace.connections.get(connectionId)
      if (!connection) continue
      this.hub.lifecycle.close(connection, CLOSE_CODES.KICKED.code, reason)
      return true
    }
    return false
  }

  private shutOut(userId: string, reason: string | undefined): void {
    const error = bannedError(reason)
    for (const connection of this.connectionsOf(userId)) {
      this.hub.lifecycle.close(connection, CLOSE_CODES.FORBIDDEN.code, error.message, error)
    }
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
