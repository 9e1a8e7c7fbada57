/** The inspector: how the server is, who was connected, and what rooms hold. The rest of it the server tells over HTTP. B14, D8. */
import { type Namespace, RoomfulError } from '@roomful/server'
import { type Commons, every } from '../../commons.ts'
import { type EndedConnection, inspectorContract, type Stats } from './contract.ts'
import { type Endings, latestOf } from './endings.ts'
import type { FactCounter } from './fact-counter.ts'
import { Sampler } from './sampler.ts'

export const STATS_INTERVAL_MS = 10_000
/** One hour. */
const STATS_KEPT = 360
const ROOMS_LISTED = 500
const LOG_PAGE = 50

/** How one node is; of several the lead makes one of theirs. */
interface Sample extends Omit<Stats, 'users' | 'rooms'> {
  readonly node: string
  readonly userIds: readonly string[]
  readonly roomIds: readonly string[]
  /** Connections of the node that ended lately. */
  readonly ended: readonly EndedConnection[]
}

/** What the lead is asked: to count this one in, or for what it knows. */
type Asked = Sample | 'history' | 'ended'

/** A node that has said nothing for so long is gone. */
const SAMPLE_FRESH_MS = 1.5 * STATS_INTERVAL_MS
/** Rooms that are looked through for the largest ones, in each namespace. */
const ROOMS_READ = 5_000

/** What watches the server for the inspector, from before it serves. */
export interface Watchers {
  readonly tally: FactCounter
  readonly endings: Endings
}

/** @param names of the namespaces that are looked into */
export function addInspector(
  { server, clock, random }: Commons,
  { tally, endings }: Watchers,
  names: readonly string[],
): void {
  const admin = server.get('/admin').extend(inspectorContract)
  const namespaces = names.map((name) => server.get(name))
  const node = random.id(8)

  const lead = server.lead('inspector', (leading) => {
    const speaking = leading.fenced(admin)
    const samples = new Map<string, Sample>()
    const history: Stats[] = []
    /** Also of nodes that are gone. */
    let ended: EndedConnection[] = []
    leading.answer((sample: Asked) => {
      if (sample === 'history') return history
      if (sample === 'ended') return ended
      samples.set(sample.node, sample)
      ended = latestOf([...ended, ...sample.ended])
      if (sample.node !== node) return undefined
      for (const { at, node: other } of samples.values()) if (at < sample.at - SAMPLE_FRESH_MS) samples.delete(other)
      const stats = sumOf(sample.at, [...samples.values()])
      history.push(stats)
      if (history.length > STATS_KEPT) history.shift()
      speaking.emit('stats:update', stats)
      return undefined
    })
  })

  server.whileOpen(() => {
    const sampler = new Sampler(tally, clock.now())
    const stop = every(clock, STATS_INTERVAL_MS, () => {
      const { connections, userIds, roomIds } = presentIn(namespaces)
      const {
        users: _users,
        rooms: _rooms,
        ...taken
      } = sampler.take(clock.now(), {
        ...{ links: tally.counts.links, connections, users: userIds.length, rooms: roomIds.length },
      })
      const sample: Sample = { ...taken, node, userIds, roomIds, ended: endings.list() }
      lead.ask(sample satisfies Asked).catch(() => undefined) // the next one
    })
    return () => {
      stop()
      sampler.close()
    }
  })

  admin.on('stats:history', async () => ({ status: 'ok', stats: await lead.ask<Stats[]>('history' satisfies Asked) }))

  admin.on('connection:ended', async () => {
    // Those of other nodes up to the last sample.
    const elsewhere = await lead.ask<EndedConnection[]>('ended' satisfies Asked).catch(() => [])
    const ended = latestOf([...endings.list(), ...elsewhere]).filter(({ namespace }) => names.includes(namespace))
    return { status: 'ok', ended }
  })

  admin.on('room:all', async () => {
    const rooms = (await Promise.all(namespaces.map(roomsOf))).flat()
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

/** With members on any node. */
async function roomsOf(namespace: Namespace) {
  const all: { namespace: string; roomId: string; count: number }[] = []
  for (let after: string | undefined; all.length < ROOMS_READ; after = all.at(-1)?.roomId) {
    const { rooms, more } = await namespace.listRooms({ after, limit: 100 })
    for (const { roomId, count } of rooms) all.push({ namespace: namespace.name, roomId, count })
    if (!more || rooms.length === 0) break
  }
  return all
}

function presentIn(namespaces: readonly Namespace[]) {
  const users = new Set<string>()
  const roomIds: string[] = []
  let connections = 0
  for (const namespace of namespaces) {
    connections += namespace.connections.size
    for (const { roomId } of namespace.openRooms()) roomIds.push(`${namespace.name} ${roomId}`)
    for (const { user } of namespace.connections.values()) users.add(user.sub)
  }
  return { connections, userIds: [...users], roomIds }
}

/** Of several nodes: loads add up, lateness is that of the latest one, and users and rooms count once. */
function sumOf(at: number, samples: readonly Sample[]): Stats {
  const sum = (value: (sample: Sample) => number): number => samples.reduce((all, each) => all + value(each), 0)
  return {
    at,
    cpu: sum(({ cpu }) => cpu),
    memory: {
      rssBytes: sum(({ memory }) => memory.rssBytes),
      heapUsedBytes: sum(({ memory }) => memory.heapUsedBytes),
    },
    lagMs: Math.max(...samples.map(({ lagMs }) => lagMs)),
    links: sum(({ links }) => links),
    connections: sum(({ connections }) => connections),
    users: new Set(samples.flatMap(({ userIds }) => userIds)).size,
    rooms: new Set(samples.flatMap(({ roomIds }) => roomIds)).size,
    rates: {
      requests: sum(({ rates }) => rates.requests),
      refused: sum(({ rates }) => rates.refused),
      stored: sum(({ rates }) => rates.stored),
      deliveries: sum(({ rates }) => rates.deliveries),
    },
  }
}
