/** The inspector: how the server is, who was connected, and what rooms hold. The rest of it the server tells over HTTP. B14, D8. */
import { type Namespace, RoomfulError } from '@roomful/server'
import { type Commons, every } from '../../commons.ts'
import { inspectorContract, type Stats } from './contract.ts'
import type { Endings } from './endings.ts'
import type { FactCounter } from './fact-counter.ts'
import { Sampler } from './sampler.ts'

export const STATS_INTERVAL_MS = 10_000
/** One hour. */
const STATS_KEPT = 360
const ROOMS_LISTED = 500
const LOG_PAGE = 50

/** What watches the server for the inspector, from before it serves. */
export interface Watchers {
  readonly tally: FactCounter
  readonly endings: Endings
}

/** @param names of the namespaces that are looked into */
export function addInspector({ server, clock }: Commons, { tally, endings }: Watchers, names: readonly string[]): void {
  const admin = server.get('/admin').extend(inspectorContract)
  const namespaces = names.map((name) => server.get(name))
  const history: Stats[] = []

  server.whileOpen(() => {
    const sampler = new Sampler(tally, clock.now())
    const stop = every(clock, STATS_INTERVAL_MS, () => {
      const stats = sampler.take(clock.now(), { links: tally.counts.links, ...presentIn(namespaces) })
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

  admin.on('connection:ended', () => {
    const ended = endings.list().filter(({ namespace }) => names.includes(namespace))
    return { status: 'ok', ended }
  })

  admin.on('room:all', () => {
    const rooms = namespaces.flatMap((namespace) =>
      namespace.openRooms().map((room) => ({ namespace: namespace.name, ...room })),
    )
    rooms.sort((a, b) => b.count - a.count)
    return { status: 'ok', rooms: rooms.slice(0, ROOMS_LISTED) }
  })

  admin.on('room:log', async (_context, { namespace: name, roomId, before }) => {
    const namespace = namespaces.find((each) => each.name === name)
    if (!namespace) throw new RoomfulError('NOT_FOUND', 'Namespace not found', { field: 'namespace' })
    const { events, more } = await namespace.history(roomId, { before, limit: LOG_PAGE })
    return { status: 'ok', events, more }
  })
}

function presentIn(namespaces: readonly Namespace[]): Pick<Stats, 'connections' | 'users' | 'rooms'> {
  const users = new Set<string>()
  let connections = 0
  let rooms = 0
  for (const namespace of namespaces) {
    connections += namespace.connections.size
    rooms += namespace.openRooms().length
    for (const { user } of namespace.connections.values()) users.add(user.sub)
  }
  return { connections, users: users.size, rooms }
}
