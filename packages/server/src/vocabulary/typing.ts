/** Who is writing: told to the others in the room, and taken back after 5 s without another start, or with the connection. B19. */
import type { UpData } from '@roomful/protocol/messages'
import type { Timer } from '../core/base/timer-wheel.ts'
import type { Hub } from '../core/hub.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Context } from '../core/requests/context.ts'
import type { Connection } from '../core/state/namespace-state.ts'

export const TYPING_MS = 5_000

type Handle = (
  name: 'typing:start' | 'typing:stop',
  handler: (context: Context, data: UpData<'typing:start'>) => unknown,
) => void

/** Bound: one entry per connection and room in which it writes; the rate limit bounds how many that can be in 5 s. */
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
  const tellStopped = (connection: Connection, roomId: string): void => {
    namespace.to(roomId).except(connection.id).emit('user:stop-typing', who(connection, roomId))
  }

  handle('typing:start', (context, { roomId }) => {
    const { connection } = context
    stop(connection, roomId)
    const rooms = typists.get(connection) ?? new Map<string, Timer>()
    typists.set(connection, rooms)
    const onSilence = (): void => {
      if (stop(connection, roomId)) tellStopped(connection, roomId)
    }
    rooms.set(roomId, hub.runtime.timers.add(TYPING_MS, onSilence))
    context.to(roomId).emit('user:typing', who(connection, roomId))
    return { status: 'ok' }
  })

  handle('typing:stop', (context, { roomId }) => {
    if (stop(context.connection, roomId)) context.to(roomId).emit('user:stop-typing', who(context.connection, roomId))
    return { status: 'ok' }
  })

  const tellIfTyping = (connection: Connection, roomId: string): void => {
    if (stop(connection, roomId)) tellStopped(connection, roomId)
  }
  namespace.hook('leave', tellIfTyping)
  namespace.hook('disconnect', (connection) => {
    for (const roomId of [...(typists.get(connection)?.keys() ?? [])]) tellIfTyping(connection, roomId)
  })
}

function who(connection: Connection, roomId: string): { roomId: string; userId: string; name: string } {
  return { roomId, userId: connection.user.sub, name: connection.user.name }
}
