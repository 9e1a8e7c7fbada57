/** Handlers of the four classic commands, with one current room per connection. PROTOCOL.md, section 5. */
import { checkRoomId } from '../core/base/contract.ts'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Context } from '../core/requests/context.ts'
import { isNamedTo } from '../core/rooms/rights.ts'
import { costOf, type LargestRooms } from '../core/rooms/room-list.ts'
import { chargeEvent } from '../core/state/limits.ts'
import { mayPublish } from './messages.ts'
import { joinedRoom } from './rooms.ts'

/** The same limit as for names in `presence_update`. */
const LISTED_MAX = 1_000

/** Adds the commands under names that only the classic dialect sends. */
export function addClassicCommands(hub: Hub, namespace: Namespace): void {
  namespace.handle('classic:join', join, { definition: {}, uncounted: true })
  namespace.handle('classic:leave', leave, { definition: {}, uncounted: true })
  namespace.handle('classic:message', message, { definition: {} })
  namespace.handle('classic:list', (context) => list(hub, namespace, context), { definition: {} })
}

async function join(context: Context, data: Record<string, unknown>): Promise<unknown> {
  const { connection } = context
  const room = text(data, 'room')
  checkRoomId(room, 'room')
  const { currentRoom } = connection
  if (currentRoom !== undefined && currentRoom !== room) context.leave(currentRoom)
  await context.join(room)
  connection.currentRoom = room
  return () => {
    const { epoch, seq } = joinedRoom(context, room) ?? {}
    return { type: 'joined', room, epoch, seq }
  }
}

function leave(context: Context): unknown {
  const { connection } = context
  const room = currentRoom(context)
  context.leave(room)
  connection.currentRoom = undefined
  return { type: 'left', room }
}

async function message(context: Context, data: Record<string, unknown>): Promise<unknown> {
  const roomId = currentRoom(context)
  const content = text(data, 'text')
  if (content === '') throw new RoomfulError('INVALID_MESSAGE', 'Field text must not be empty', { field: 'text' })
  await mayPublish(context, roomId)
  const { sub: userId, name } = context.user
  context.append(roomId, 'message:new', { userId, name, content })
  return undefined // classic clients get no acknowledgement. A1.2
}

/** The rooms with the most members, if there are too many for one frame; `count` is then the number of all. */
function list(hub: Hub, namespace: Namespace, { connection }: Context): unknown {
  const isNamed = isNamedTo(connection.user)
  const answer = ({ rooms, total }: LargestRooms): unknown => {
    chargeEvent(hub.runtime, connection, costOf(rooms.length))
    const listed = rooms
      .filter(({ roomId }) => isNamed(roomId))
      .map(({ roomId, count }) => ({ room: roomId, members: count }))
    return { type: 'rooms', rooms: listed, ...(rooms.length < total ? { count: total } : {}) }
  }
  const largest = namespace.directory.largest(LISTED_MAX)
  return largest instanceof Promise ? largest.then(answer) : answer(largest)
}

/** @throws RoomfulError NOT_IN_ROOM */
function currentRoom(context: Context): string {
  const { currentRoom } = context.connection
  if (currentRoom === undefined || !context.isIn(currentRoom)) throw new RoomfulError('NOT_IN_ROOM')
  return currentRoom
}

/** @throws RoomfulError INVALID_MESSAGE */
function text(data: Record<string, unknown>, field: string): string {
  const value = data?.[field]
  if (typeof value === 'string') return value
  throw new RoomfulError('INVALID_MESSAGE', `Field ${field} must be a string`, { field })
}
