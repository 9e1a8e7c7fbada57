/** What other backends may do, done: events published, rooms read, users looked after, words taken back. */
import { CLOSE_CODES, isPersonalRoom } from '@roomful/protocol'
import { findNamespace } from '../adapters/http/exchange.ts'
import { explain } from '../adapters/http/explain.ts'
import { argsOf, checkIsDurable, checkIsTransient } from '../adapters/http/given-event.ts'
import type { ListPage, ServerApi } from '../adapters/http/server-rooms.ts'
import type { Stories } from '../adapters/observe/stories.ts'
import type { Administration } from '../core/administration.ts'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import type { ObservedConnection } from '../core/ports/observer.ts'
import { checkRoomId } from '../core/rooms/joins.ts'
import type { Connection } from '../core/state/namespace-state.ts'
import { redactMessage } from '../vocabulary/redaction.ts'

export interface ServerApiParts {
  readonly hub: Hub
  readonly administration: Administration
  readonly stories: Stories
  readonly status: () => unknown
}

const OK = { status: 'ok' } as const

export function createServerApi({ hub, administration, stories, status }: ServerApiParts): ServerApi {
  return {
    async publish(request) {
      const { roomId, event, key, userId } = request
      const namespace = findNamespace(hub, request.namespace ?? '/')
      const args = argsOf(hub, request)
      checkIsDurable(namespace, event, args)
      const rooms = roomId === undefined ? [...new Set(request.rooms)] : [roomId]
      for (const each of rooms) checkKeepsEvents(each, roomId === undefined ? 'rooms' : 'roomId')
      const options = { ...(key === undefined ? {} : { key }), ...(userId === undefined ? {} : { userId }) }
      const results = await Promise.allSettled(rooms.map((each) => namespace.publish(each, event, args, options)))
      const events = results.map((result) => {
        // Under the same key a repeat stores it where it was not stored.
        if (result.status === 'rejected') throw result.reason
        const { id, roomId, seq, ts } = result.value
        return { id, roomId, seq, ts }
      })
      return roomId === undefined ? { ...OK, events } : { ...OK, ...events[0] }
    },
    emit(request) {
      const { event, rooms, volatile = false } = request
      const namespace = findNamespace(hub, request.namespace ?? '/')
      const args = argsOf(hub, request)
      for (const roomId of rooms ?? []) checkRoomId(roomId, 'rooms')
      checkIsTransient(namespace, event, args, rooms)
      const target = rooms ? namespace.to(rooms) : namespace
      if (volatile) target.volatile.emit(event, ...args)
      else target.emit(event, ...args)
      return OK
    },
    rooms(name, prefix, page) {
      const namespace = findNamespace(hub, name)
      const listed = [...namespace.state.rooms.values()].filter(
        ({ id, count }) => count > 0 && id.startsWith(prefix) && !isPersonalRoom(id),
      )
      const { items, more } = pageOf(listed, ({ id }) => id, page)
      const rooms = items.map(({ id: roomId, count, connectionCount: connections, head: seq }) => ({
        roomId,
        count,
        connections,
        seq,
      }))
      return { rooms, more }
    },
    async users(name, roomId, page) {
      const all = await findNamespace(hub, name).roomUsers(roomId)
      const { items: users, more } = pageOf(all, ({ userId }) => userId, page)
      return { users, count: all.length, more }
    },
    async join(name, roomId, userId) {
      const connections = await findNamespace(hub, name).join(userId, roomId)
      return { ...OK, connections }
    },
    async leave(name, roomId, userId) {
      const connections = await findNamespace(hub, name).leave(userId, roomId)
      return { ...OK, connections }
    },
    events: (name, roomId, page) => findNamespace(hub, name).history(roomId, page),
    async accounts(question) {
      const { limit } = question
      const found = await administration.accounts({ ...question, limit: limit + 1 })
      const accounts = found.slice(0, limit).map(({ sub, role, banned, banReason, ...each }) => {
        const { name, createdAt, connections } = each
        const standing = { role: role ?? null, isBanned: banned, banReason: banReason ?? null }
        return { userId: sub, name, ...standing, createdAt, connections }
      })
      return { accounts, more: found.length > limit }
    },
    disconnect({ userId, connectionId = '', reason }) {
      if (userId !== undefined) {
        return { ...OK, disconnected: administration.disconnectUser(userId, CLOSE_CODES.KICKED.code, reason) }
      }
      return { ...OK, disconnected: administration.disconnectConnection(connectionId, reason) ? 1 : 0 }
    },
    refresh: async (userId) => ({ ...OK, ...(await administration.refresh(userId)) }),
    async ban(userId, reason) {
      await administration.ban(userId, reason)
      return OK
    },
    async unban(userId) {
      await administration.unban(userId)
      return OK
    },
    async setRole(userId, role) {
      await administration.setRole(userId, role ?? undefined)
      return OK
    },
    async redact({ namespace: name = '/', roomId, seq, userId }) {
      const namespace = findNamespace(hub, name)
      if (userId !== undefined) return { ...OK, redacted: await namespace.redactUser(userId) }
      return { ...OK, redacted: await redactMessage(hub, namespace, checkRoomId(roomId), seq ?? 0) }
    },
    status,
    connections(name, userId, page) {
      const { connections, users } = findNamespace(hub, name).state
      const all = userId === undefined ? connections.values() : (users.get(userId)?.connections ?? [])
      const { items, more } = pageOf(Array.from(all), ({ id }) => id, page)
      return { connections: items.map(describe), more }
    },
    story(connectionId) {
      const story = stories.find(connectionId)
      if (story === undefined) {
        throw new RoomfulError('NOT_FOUND', `Nothing is remembered of ${connectionId}`, { field: 'connectionId' })
      }
      const { connection, openedAt, chapters, forgotten, ending = null } = story
      return { connection: { ...aboutConnection(connection), openedAt }, chapters, forgotten, ending }
    },
    explain: (question) => explain(hub, stories, question),
  }
}

/** @throws RoomfulError ROOM_NAME_INVALID */
function checkKeepsEvents(roomId: string, field: string): void {
  if (!checkRoomId(roomId, field).startsWith('c_')) return
  throw new RoomfulError('ROOM_NAME_INVALID', 'A connection keeps nothing: emit to it', { field })
}

/** Those behind `after`, in the order of their ids. */
function pageOf<Item>(
  all: readonly Item[],
  idOf: (item: Item) => string,
  { after, limit }: ListPage,
): { items: Item[]; more: boolean } {
  const found = all.filter((item) => idOf(item) > after)
  const items = found.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).slice(0, limit)
  return { items, more: found.length > limit }
}

function describe(connection: Connection) {
  const { openedAt, link, memberships, behind } = connection
  const { queuedBytes, dialect } = link
  const rooms = [...memberships.keys()].filter((roomId) => !isPersonalRoom(roomId)).length
  const more = { openedAt, dialect: dialect.name, rooms, isBehind: behind !== undefined, queuedBytes }
  return { ...aboutConnection(connection), ...more }
}

function aboutConnection({ id, namespace, user, ip, userAgent }: ObservedConnection) {
  const { sub: userId, name, role } = user
  return { connectionId: id, namespace: namespace.name, userId, name, role, ip, userAgent }
}
