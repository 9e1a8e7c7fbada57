/** The clients of one namespace that do not speak Socket.IO: they connect, call gateways, and go. */
import { type Connection, type Context, type Roomful, RoomfulError, type User } from '@roomful/server'
import { handleOthers } from '@roomful/server/core'
import type { Namespace } from '@roomful/socket.io'
import { BareClient } from './bare-client.ts'

type MayJoin = ((user: User, roomId: string) => boolean | Promise<boolean>) | undefined
type OnConnect = (client: BareClient) => void

export class BareClients {
  private readonly nsp: Namespace
  private readonly clients = new Map<string, BareClient>()
  private readonly listeners: OnConnect[] = []

  /** By user: rooms in which gateways have put them. */
  private readonly granted = new Map<string, Set<string>>()

  constructor(roomful: Roomful, nsp: Namespace, mayJoin: MayJoin) {
    this.nsp = nsp
    const namespace = roomful.get(nsp.name)
    const may = (user: User, roomId: string): boolean | Promise<boolean> =>
      this.granted.get(user.sub)?.has(roomId) || (mayJoin?.(user, roomId) ?? false)
    const never = (): boolean => false
    namespace.room('*', {
      allow: { join: may, history: may, presence: may, publish: never, state: never, stop: never },
    })
    namespace.use(({ event }) => {
      if (event === 'room:list' && !mayJoin) throw new RoomfulError('FORBIDDEN')
    })
    namespace.hook('connect', (connection) => void this.add(connection))
    namespace.hook('disconnect', ({ id }, reason) => this.remove(id, reason))
    namespace.hook('join', ({ id }, roomId) => void this.clients.get(id)?.rooms.add(roomId))
    namespace.hook('leave', ({ id }, roomId) => void this.clients.get(id)?.rooms.delete(roomId))
    handleOthers(namespace, (context, ...args) => this.handle(context, args))
  }

  onConnect(listener: OnConnect): void {
    this.listeners.push(listener)
  }

  private grant({ sub }: User, roomId: string): void {
    const rooms = this.granted.get(sub) ?? new Set()
    this.granted.set(sub, rooms.add(roomId))
  }

  private add(connection: Connection, staysOpen = true): BareClient {
    const client = new BareClient(connection, this.nsp, (roomId) => this.grant(connection.user, roomId), staysOpen)
    this.clients.set(connection.id, client)
    for (const listener of this.listeners) listener(client)
    return client
  }

  private remove(id: string, reason: string): void {
    const client = this.clients.get(id)
    this.clients.delete(id)
    if (!client) return
    client.closed(reason)
    const { sub } = client.user
    for (const { user } of this.clients.values()) if (user.sub === sub) return
    this.granted.delete(sub)
  }

  private async handle({ connection, event = '', signal }: Context, args: readonly unknown[]): Promise<unknown> {
    const known = this.clients.get(connection.id)
    if (known) return known.handle(event, args, signal)
    // One event by `POST /send`: its client comes for it, and goes.
    const client = this.add(connection, false)
    try {
      return await client.handle(event, args, signal)
    } finally {
      this.remove(connection.id, 'It sent one event')
    }
  }
}
