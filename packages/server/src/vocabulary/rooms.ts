/** Handlers of room events in every namespace: join, leave, list, history, presence. PROTOCOL.md, section 8. */
import { type UpData, up } from '@roomful/protocol/messages'
import { checkRoomId } from '../core/base/contract.ts'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import { readHistory } from '../core/log/history.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Context } from '../core/requests/context.ts'
import type { JoinAck } from '../core/rooms/joins.ts'
import { isNamedTo } from '../core/rooms/rights.ts'
import { costOf, type ListedRooms } from '../core/rooms/room-list.ts'
import { grantedFlow } from '../core/state/flow.ts'
import { chargeEvent, takePresence } from '../core/state/limits.ts'
import type { PresenceState } from '../core/state/namespace-state.ts'
import { schemaOf } from './messages.ts'
import { addState } from './state.ts'

const HISTORY_PAGE_MAX = 100
/** What a connection says of itself, in characters of JSON. */
const PRESENCE_MAX = 1_024
const NO_ONE = { users: [], count: 0, pv: 0 }

/** Adds the room events to a namespace. Clients may send a room id alone, as a string. */
export function addRoomEvents(hub: Hub, namespace: Namespace): void {
  const joining = { definition: schemaOf(up['room:join']), uncounted: true, answerAs: 'room:joined' }
  namespace.handle('room:join', (context: Context, data: UpData<'room:join'>) => join(hub, context, data), joining)
  namespace.handle('room:leave', leave, { definition: schemaOf(up['room:leave']), uncounted: true })
  const list = ({ connection }: Context, { after, limit }: UpData<'room:list'>): unknown => {
    const answer = ({ rooms, more }: ListedRooms): unknown => {
      chargeEvent(hub.runtime, connection, costOf(rooms.length))
      return { status: 'ok', rooms, more }
    }
    const page = namespace.directory.list({ after, limit }, isNamedTo(connection.user))
    return page instanceof Promise ? page.then(answer) : answer(page)
  }
  namespace.handle('room:list', list, { definition: schemaOf(up['room:list']) })
  const presenceGet = (context: Context, data: UpData<'presence:get'>): unknown => presence(namespace, context, data)
  namespace.handle('presence:get', presenceGet, { definition: schemaOf(up['presence:get']) })
  addState(hub, namespace)
  const presenceSet = (context: Context, { roomId, state }: UpData<'presence:set'>): unknown => {
    const { connection } = context
    takePresence(hub.runtime, connection)
    const said = checkPresence(context, state)
    const room = connection.memberships.get(checkRoomId(roomId))?.room
    if (!room) throw new RoomfulError('NOT_IN_ROOM', 'Join this room before you say something of yourself in it')
    namespace.presence.setState(room, connection, said)
    return () => ({ status: 'ok', pv: room.pv })
  }
  namespace.handle('presence:set', presenceSet, { definition: schemaOf(up['presence:set']), uncounted: true })
  const historyGet = (context: Context, data: UpData<'history:get'>): unknown => history(hub, namespace, context, data)
  namespace.handle('history:get', historyGet, { definition: schemaOf(up['history:get']) })
}

/** A plain client that sends no `id` receives `room:joined` instead of an acknowledgement. */
function join({ runtime }: Hub, context: Context, data: UpData<'room:join'>): unknown {
  const { connection } = context
  if (data.state !== undefined || data.flow !== undefined) {
    const state = data.state && checkPresence(context, data.state)
    connection.joining ??= new Map()
    connection.joining.set(checkRoomId(data.roomId), { state, flow: grantedFlow(data.flow) })
  } else connection.joining?.delete(data.roomId)
  const joining = context.join(data.roomId, data.after)
  const read = runtime.broker.readPositions(connection.namespace.name, connection.user.sub, [data.roomId])
  const answerWith = (positions: readonly number[] | undefined) => () => {
    const joined = joinedRoom(context, data.roomId)
    if (joined && positions) joined.read = { seq: positions[0] ?? 0 }
    return joined
  }
  if (!(read instanceof Promise)) return joining ? joining.then(() => answerWith(read)) : answerWith(read)
  const found = read.catch(() => undefined) // the room is joined all the same
  return Promise.all([found, joining]).then(([positions]) => answerWith(positions))
}

/** @throws RoomfulError TOO_LARGE, INVALID_MESSAGE. @returns what the contract's schema made of it */
function checkPresence({ connection }: Context, state: PresenceState): PresenceState {
  if (JSON.stringify(state).length <= PRESENCE_MAX) return connection.namespace.factSchemas.checkPresence(state)
  throw new RoomfulError('TOO_LARGE', `Presence data has at most ${PRESENCE_MAX} characters of JSON`, {
    field: 'state',
  })
}

/** The acknowledgement of a join; middleware may have joined other rooms in the same request. */
export function joinedRoom(context: Context, roomId: string): JoinAck | undefined {
  return context.joined.findLast((reply) => reply?.roomId === roomId)
}

function leave(context: Context, data: UpData<'room:leave'>): unknown {
  context.leave(data.roomId)
  return { status: 'ok' }
}

/** The list is read when the answer is sent, so that it contains every change that was sent before. */
async function presence(namespace: Namespace, context: Context, data: UpData<'presence:get'>): Promise<unknown> {
  await context.check('presence', data.roomId)
  const roomId = checkRoomId(data.roomId)
  const known =
    namespace.state.rooms.get(roomId)?.state === 'open' ? undefined : await namespace.directory.snapshotOf(roomId)
  return () => {
    const room = namespace.state.rooms.get(roomId)
    return { status: 'ok', ...(room?.state === 'open' ? namespace.presence.snapshot(room) : (known ?? NO_ONE)) }
  }
}

async function history(
  hub: Hub,
  namespace: Namespace,
  context: Context,
  data: UpData<'history:get'>,
): Promise<unknown> {
  await context.check('history', data.roomId)
  if (data.before !== undefined && data.after !== undefined) {
    throw new RoomfulError('INVALID_MESSAGE', 'Give before or after, not both', { field: 'before' })
  }
  const { before, after, limit = HISTORY_PAGE_MAX } = data
  const { dialect } = context.connection.link
  return {
    status: 'ok',
    ...(await readHistory(hub.runtime, namespace.state, data.roomId, { before, after, limit }, dialect.nameOf)),
  }
}
