/** What must hold for the server: while it runs, when everything is at rest, and after all clients have left. */
import { inboxOf } from '@roomful/protocol'
import type { Connection } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { History } from '../history/history.ts'
import type { LoggedRoom } from '../history/sent.ts'
import type { Actor } from './actors/actor.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'

/** What may wait for a slow link beside what is in a log (G5), and a few frames of the turn that found it slow. */
const UNLOGGED_MAX_BYTES = 1024 * 1024
const TURN_MAX_BYTES = 64 * 1024
const QUEUE_MAX = 4_096
/** What a disk in memory leaves on the clock: its sweep. */
const DISK_TIMERS = 1

/** Queues within their bounds, no more users than a room's capacity, one connection per session. */
export function* checkBounds({ server }: Machine, name: string): Iterable<string> {
  if (!server) return
  for (const link of server.hub.links.open) {
    const most = link.runtime.settings.outboxBytes + (link.slow ? UNLOGGED_MAX_BYTES : 0) + TURN_MAX_BYTES
    if (link.queuedBytes > most) yield `${link.queuedBytes} bytes wait for one link; the bound is ${most}`
    for (const { queue } of link.connections) {
      if ((queue?.length ?? 0) > QUEUE_MAX) yield `${queue?.length} requests wait on one connection`
    }
  }
  for (const { id, users, options } of server.get(name).state.rooms.values()) {
    const { capacity = Number.POSITIVE_INFINITY } = options
    if (users.size > capacity) yield `${users.size} sit in ${id}, which has ${capacity} seats`
  }
  // Asked of the links: a connection that comes back to its session has the id that it had.
  const sessions = new Map<string, Connection>()
  for (const { connections } of server.hub.links.open) {
    for (const connection of connections) {
      const { session, stage, namespace } = connection
      if (!session || stage !== 'open' || namespace.name !== name) continue
      const other = sessions.get(session.id)
      if (other)
        yield `two connections live in one session: ${other.number} and ${connection.number} with ${connection.id}`
      sessions.set(session.id, connection)
    }
  }
}

/** Servers and clients agree on the members of every room. */
export function* checkPresence(
  machines: readonly Machine[],
  name: string,
  rooms: readonly string[],
  actors: readonly Actor[],
): Iterable<string> {
  const namespaces = machines.flatMap(({ server }) => server?.get(name) ?? [])
  if (namespaces.length < machines.length) return
  const users = sorted(actors.filter(({ isPresent }) => isPresent).map(({ user }) => user))
  const online = sorted(namespaces.flatMap(({ state }) => [...state.users.keys()]))
  if (online !== users) yield `online are ${users}; the server thinks ${online}`
  for (const roomId of rooms) {
    const members = sorted(actors.filter((actor) => actor.rooms().includes(roomId)).map(({ user }) => user))
    const open = namespaces.flatMap(({ state }) => state.rooms.get(roomId) ?? [])
    const lists = open.length === 0 ? [sorted([])] : open.map((room) => sorted([...room.users.keys()]))
    for (const seated of lists) {
      if (seated !== members) yield `in ${roomId} are ${members}; the server thinks ${seated}`
    }
    for (const actor of actors) {
      const seen = actor.membersOf(roomId)
      if (seen && sorted(seen) !== members) yield `in ${roomId} are ${members}; ${actor.name} sees ${sorted(seen)}`
    }
  }
}

/** What the server stores without a key, once, is there once at most. G3. */
export function* checkNotices(log: ReadonlyMap<string, LoggedRoom>, start: string): Iterable<string> {
  for (const [room, { events }] of log) {
    const seen = new Set<string>()
    for (const { content, seq } of events) {
      if (!content?.startsWith(start)) continue
      if (seen.has(content)) yield `${content} is in ${room} twice, last as #${seq}`
      seen.add(content)
    }
  }
}

/** A user whose clients were never away received everything in the inbox. B23. */
export function* checkInboxes(log: ReadonlyMap<string, LoggedRoom>, actors: readonly Actor[]): Iterable<string> {
  for (const user of new Set(actors.map((actor) => actor.user))) {
    const own = actors.filter((actor) => actor.user === user)
    if (own.some(({ privateKeys }) => privateKeys === undefined)) continue
    for (const { key, seq } of log.get(inboxOf(user))?.events ?? []) {
      const isReceived = own.some(({ privateKeys }) => key === undefined || privateKeys?.has(key))
      if (!isReceived) yield `${user} never received ${key}, which is #${seq} of the inbox`
    }
  }
}

/** Where nothing was lost, a room has the log that it had. */
export function* checkEpochs({ facts }: History): Iterable<string> {
  for (const { who, fact } of facts) {
    if (fact.what === 'gap' && fact.reason === 'epoch')
      yield `${who} was sent another log of ${fact.room} without a cause`
  }
}

/** Where nothing was lost, a session is open on one node, and stored as that node has it. C18. */
export function* checkSessions(machines: readonly Machine[], cluster: Cluster, name: string): Iterable<string> {
  const holders = new Map<string, number>()
  for (const [index, { server }] of machines.entries()) {
    for (const { session, stage } of server?.get(name).connections.values() ?? []) {
      if (!session || stage !== 'open') continue
      const other = holders.get(session.id)
      if (other !== undefined) yield `the session ${session.id} is open on node ${other} and on node ${index}`
      holders.set(session.id, index)
      const fence = cluster.fenceOf(name, session.id)
      if (fence !== session.fence)
        yield `the session ${session.id} of node ${index} has the fence ${session.fence}, and is stored with ${fence}`
    }
  }
}

/** No entry, no timer, no listener. */
export function* checkLeftovers({ server }: Machine, name: string, clock: VirtualClock): Iterable<string> {
  if (!server) return
  const { hub } = server
  const namespace = server.get(name)
  const counts: Record<string, number> = {
    links: hub.links.open.size,
    connections: namespace.connections.size,
    sessions: namespace.state.sessions.size,
    users: namespace.state.users.size,
    rooms: namespace.state.rooms.size,
    'timers of the server': hub.runtime.timers.size,
    'timers beside it': clock.pendingTimers - DISK_TIMERS,
  }
  for (const [what, count] of Object.entries(counts)) {
    if (count > 0) yield `everyone left, and ${count} ${what} are left behind`
  }
}

/** Of several nodes: no entry, no timer, and nothing in Redis of a node that is no more. */
export function* checkNodes(machines: readonly Machine[], { redis }: Cluster, name: string): Iterable<string> {
  for (const [index, { server }] of machines.entries()) {
    if (!server) continue
    const { hub } = server
    const { state, connections } = server.get(name)
    const counts: Record<string, number> = {
      links: hub.links.open.size,
      connections: connections.size,
      sessions: state.sessions.size,
      users: state.users.size,
      rooms: state.rooms.size,
      'timers of the server': hub.runtime.timers.size,
    }
    for (const [what, count] of Object.entries(counts)) {
      if (count > 0) yield `everyone left, and ${count} ${what} are left behind on node ${index}`
    }
  }
  const dead = machines.flatMap(({ deadNodes }) => deadNodes)
  for (const [key, text] of redis.contents()) {
    // Rows and a living node's latest answers may be about one that has died since.
    const names = /\}:[lr]:/.test(key) ? key : `${key} ${text}`
    const node = dead.find((each) => names.includes(each))
    if (node !== undefined) yield `${key} still names the node ${node}, which is dead: ${text.slice(0, 200)}`
  }
}

function sorted(names: readonly string[]): string {
  return [...new Set(names)].sort().join(', ') || 'no one'
}
