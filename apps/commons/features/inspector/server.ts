/** The inspector: how the server is, who is connected, what rooms hold, and what an administrator does about it. B14, D8. */
import { type Connection, type Namespace, type Roomful, RoomfulError } from '@roomful/server'
import { type Commons, every } from '../../commons.ts'
import { type ConnectionInfo, inspectorContract, type Stats } from './contract.ts'
import type { Endings } from './endings.ts'
import { Sampler } from './sampler.ts'
import type { Tally } from './tally.ts'

export const STATS_INTERVAL_MS = 10_000
/** One hour. */
const STATS_KEPT = 360
const CONNECTIONS_LISTED = 500
const ROOMS_LISTED = 500
const LOG_PAGE = 50

/** As much of a server as has to do with people. */
export type People = Pick<Roomful, 'ban' | 'unban' | 'setRole' | 'disconnectUser'>

/** What watches the server for the inspector, from before it serves. */
export interface Watchers {
  readonly tally: Tally
  readonly endings: Endings
}

/** @param names of the namespaces that are looked into */
export function addInspector(
  { server, clock }: Commons,
  people: People,
  { tally, endings }: Watchers,
  names: readonly string[],
): void {
  const admin = server.get('/admin').extend(inspectorContract)
  const namespaces = names.map((name) => server.get(name))
  const history: Stats[] = []

  server.whileOpen(() => {
    const sampler = new Sampler(tally, clock.now())
    const stop = every(clock, STATS_INTERVAL_MS, () => {
      const stats = sampler.take(clock.now(), presentIn(namespaces))
      history.push(stats)
      if (history.length > STATS_KEPT) history.shift()
      admin.emit('stats:update', stats)
    })
    return () => {
      stop()
      sampler.close()
    }
  })

  admin.on('stats:history', () => ({ status: 'ok', stats: history }))

  admin.on('connection:list', () => {
    const all = namespaces.flatMap(({ name, connections }) =>
      [...connections.values()].map((each) => infoOf(name, each)),
    )
    all.sort((a, b) => b.openedAt - a.openedAt)
    const ended = endings.list().filter(({ namespace }) => names.includes(namespace))
    return { status: 'ok', connections: all.slice(0, CONNECTIONS_LISTED), count: all.length, ended }
  })

  admin.on('room:all', () => {
    const rooms = namespaces.flatMap((namespace) =>
      namespace.listRooms().map((room) => ({ namespace: namespace.name, ...room })),
    )
    rooms.sort((a, b) => b.count - a.count)
    return { status: 'ok', rooms: rooms.slice(0, ROOMS_LISTED) }
  })

  admin.on('room:log', async (_context, { namespace: name, roomId, before }) => {
    const namespace = namespaces.find((each) => each.name === name)
    if (!namespace) throw new RoomfulError('NOT_FOUND', 'There is no such namespace', { field: 'namespace' })
    const { events, more } = await namespace.history(roomId, { before, limit: LOG_PAGE })
    return { status: 'ok', events, more }
  })

  /** @throws RoomfulError FORBIDDEN: whoever shuts themselves out cannot come back to mend it */
  const notOneself = (userId: string, own: string): void => {
    if (userId === own) throw new RoomfulError('FORBIDDEN', 'Another administrator has to do this to you')
  }

  admin.on('user:role', async ({ user }, { userId, role }) => {
    notOneself(userId, user.sub)
    await people.setRole(userId, role)
    return { status: 'ok' }
  })

  admin.on('user:ban', async ({ user }, { userId, isBanned }) => {
    notOneself(userId, user.sub)
    await (isBanned ? people.ban(userId) : people.unban(userId))
    return { status: 'ok' }
  })

  admin.on('user:disconnect', ({ user }, { userId }) => {
    notOneself(userId, user.sub)
    people.disconnectUser(userId)
    return { status: 'ok' }
  })
}

function presentIn(namespaces: readonly Namespace[]): Pick<Stats, 'connections' | 'users'> {
  const users = new Set<string>()
  let connections = 0
  for (const namespace of namespaces) {
    connections += namespace.connections.size
    for (const { user } of namespace.connections.values()) users.add(user.sub)
  }
  return { connections, users: users.size }
}

function infoOf(namespace: string, { id, user, link, openedAt, memberships }: Connection): ConnectionInfo {
  return {
    connectionId: id,
    namespace,
    userId: user.sub,
    name: user.name,
    role: user.role,
    ip: link.ip,
    userAgent: link.userAgent,
    dialect: link.dialect.name,
    openedAt,
    rooms: memberships.size,
  }
}
