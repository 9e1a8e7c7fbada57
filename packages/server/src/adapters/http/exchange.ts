/** Rooms read by a user without a connection: the checks of the namespace and the rules of the room are asked first. */

import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'
import { createReader } from '../../core/reader.ts'
import { costOf } from '../../core/rooms/room-list.ts'
import type { Connection } from '../../core/state/namespace-state.ts'
import type { HttpRooms, Reader } from './rooms.ts'

export function createRooms(hub: Hub): HttpRooms {
  const enter = async (reader: Reader): Promise<Connection> => {
    takeRate(hub, reader.identity.user.sub)
    return createReader(hub.runtime, findNamespace(hub, reader.namespace), reader.identity, reader)
  }
  return {
    async list(reader, page) {
      const connection = await enter(reader)
      const listed = hub.of(connection).roomPage(page)
      chargeRate(hub, reader.identity.user.sub, costOf(listed.rooms.length))
      return listed
    },
    async members(reader, roomId) {
      const connection = await enter(reader)
      const { requests, presence } = hub.of(connection)
      await requests.access.may(connection, 'presence', roomId)
      const room = connection.namespace.rooms.get(roomId)
      return room ? presence.snapshot(room) : { users: [], count: 0, pv: 0 }
    },
    async events(reader, roomId, page) {
      const connection = await enter(reader)
      const namespace = hub.of(connection)
      await namespace.requests.access.may(connection, 'history', roomId)
      return namespace.history(roomId, page)
    },
  }
}

/** @throws RoomfulError NOT_FOUND */
export function findNamespace(hub: Hub, name: string): Namespace {
  const namespace = hub.namespace(name)
  if (namespace) return namespace
  throw new RoomfulError('NOT_FOUND', `There is no namespace ${JSON.stringify(name)}`, { field: 'namespace' })
}

/** A request that was taken counts as `cost` of them, since its answer is large. */
function chargeRate(hub: Hub, userId: string, cost: number): void {
  for (let i = 1; i < cost; i++) hub.runtime.limiter.take(rateKey(userId), hub.runtime.settings.ratePerSecond, 1_000)
}

// No user id begins with a control character, so these are counted apart from messages.
function rateKey(userId: string): string {
  return `\u0000http ${userId}`
}

/** What a user asks over HTTP, counted together. @throws RoomfulError RATE_LIMITED */
export function takeRate(hub: Hub, userId: string): void {
  const retryAfterMs = hub.runtime.limiter.take(rateKey(userId), hub.runtime.settings.ratePerSecond, 1_000)
  if (retryAfterMs === 0) return
  hub.runtime.observer.observe({ type: 'rate-limited', scope: 'user' })
  throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
}
