/** Typing: sent to the others in the room, and ended after 5 s without another start, or with the connection. B19. */
import type { UpData } from '@roomful/protocol/messages'
import type { Timer } from '../core/base/timer-wheel.ts'
import type { Hub } from '../core/hub.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Context } from '../core/requests/context.ts'
import type { Connection } from '../core/state/namespace-state.ts'

/** How long a user counts as typing after `typing:start`. */
export const TYPING_MS = 5_000

type Handle = (
  name: 'typing:start' | 'typing:stop',
  handler: (context: Context, data: UpData<'typing:start'>) => unknown,
) => void

/**
 * Adds the typing events to a namespace.
 * Bound: one entry per connection and room; the rate limit bounds how many there can be within 5 s.
 */
export function addTyping(hub: Hub, namespace: Namespace, handle: Handle): void {
  const typists = new Map<Connection, Map<string, Timer>>()

  const stop = (connection: Connection, roomId: string): boolean => {
    const rooms = typists.get(connection)
    const timer = rooms?.get(roomId)
    if (!rooms || !timer) return false
    hub.runtime.timers.cancel(timer)
    rooms.delete(roomId)
    if (rooms.size === 0) typists.delete(connection)
    return true
  }
  const sendStopped = (connection: Connection, roomId: string): void => {
    namespace.to(roomId).except(connection.id).emit('user:stop-typing', typist(connection, roomId))
  }

  handle('typing:start', (context, { roomId }) => {
    const { connection } = context
    stop(connection, roomId)
    const rooms = typists.get(connection) ?? new Map<string, Timer>()
    typists.set(connection, rooms)
    const onTimeout = (): void => {
      if (stop(connection, roomId)) sendStopped(connection, roomId)
    }
    rooms.set(roomId, hub.runtime.timers.add(TYPING_MS, onTimeout))
    context.to(roomId).emit('user:typing', typist(connection, roomId))
    return { status: 'ok' }
  })

  handle('typing:stop', (context, { roomId }) => {
    if (stop(context.connection, roomId))
      context.to(roomId).emit('user:stop-typing', typist(context.connection, roomId))
    return { status: 'ok' }
  })

  const endTyping = (connection: Connection, roomId: string): void => {
    if (stop(connection, roomId)) sendStopped(connection, roomId)
  }
  namespace.hook('leave', endTyping)
  namespace.hook('disconnect', (connection) => {
    for (const roomId of [...(typists.get(connection)?.keys() ?? [])]) endTyping(connection, roomId)
  })
}

function typist(connection: Connection, roomId: string): { roomId: string; userId: string; name: string } {
  return { roomId, userId: connection.user.sub, name: connection.user.name }
}
