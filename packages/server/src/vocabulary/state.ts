/** The state of rooms, and how far users have read. PROTOCOL.md, section 21. */
import { fromJson } from '@roomful/protocol'
import { type UpData, type UpName, up } from '@roomful/protocol/messages'
import { checkRoomId } from '../core/base/contract.ts'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import type { Stored } from '../core/log/effects.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Changed } from '../core/ports/broker.ts'
import type { Context } from '../core/requests/context.ts'
import { mayPublish, schemaOf } from './messages.ts'

/** Events of a room that are looked through for unread messages: a badge says 99+. */
const UNREAD_MAX = 100
/** What counts as a message. */
const COUNTED: ReadonlySet<string> = new Set(['message:new', 'message:private'])

/** Adds the events of state and of reading to a namespace. */
export function addState(hub: Hub, namespace: Namespace): void {
  const { broker } = hub.runtime
  const handle = <Name extends UpName>(
    name: Name,
    handler: (context: Context, data: UpData<Name>) => unknown,
  ): void => {
    namespace.handle(name, handler, { definition: schemaOf(up[name]) })
  }
  const mayChange = async (context: Context, roomId: string): Promise<void> => {
    await mayPublish(context, roomId)
    await context.check('state', roomId)
  }
  const answer = (_stored: readonly Stored[], [changed]: readonly Changed[]): unknown => {
    const { version, value } = changed as Changed
    return { status: 'ok', fv: version, version, ...(value === undefined ? {} : { value: fromJson(value) }) }
  }
  handle('state:set', async (context, { roomId, name, value, version }) => {
    await mayChange(context, roomId)
    context.state(roomId).set(name, value, version === undefined ? {} : { version })
    return answer
  })
  handle('state:delete', async (context, { roomId, name, version }) => {
    await mayChange(context, roomId)
    context.state(roomId).delete(name, version === undefined ? {} : { version })
    return answer
  })
  handle('state:add', async (context, { roomId, name, by }) => {
    await mayChange(context, roomId)
    context.state(roomId).add(name, by)
    return answer
  })
  handle('state:get', async (context, { roomId, after }) => {
    await context.check('join', roomId)
    return { status: 'ok', ...(await namespace.requests.fanOut.states.page(checkRoomId(roomId), after)) }
  })
  handle('room:read', async (context, { roomId, seq }) => {
    await context.check('history', roomId)
    const { sub: userId } = context.user
    const [head] = await broker.heads(namespace.name, [roomId])
    if (!head) throw new RoomfulError('NOT_FOUND', 'There is no such room', { field: 'roomId' })
    const position = Math.min(seq, head.seq)
    context.change(roomId, { kind: 'read', name: userId, seq: position })
    const isForMembers = namespace.state.declarations.find(roomId, true)?.options.readPositions === 'members'
    const others = isForMembers ? [roomId, `user:${userId}`] : `user:${userId}`
    context.to(others).emit('room:read', { roomId, userId, seq: position })
    return (_stored: readonly Stored[], [changed]: readonly Changed[]) => ({ status: 'ok', seq: changed?.version })
  })
  handle('room:unread', async (context, { roomIds }) => {
    const { sub: userId } = context.user
    for (const roomId of roomIds) await context.check('history', roomId)
    const reads = await broker.readPositions(namespace.name, userId, roomIds)
    const heads = new Map((await broker.heads(namespace.name, roomIds)).map((head) => [head.roomId, head]))
    const rooms = roomIds.map(async (roomId, index) => {
      const read = reads[index] ?? 0
      const seq = heads.get(roomId)?.seq ?? 0
      if (seq <= read) return { roomId, seq, read, unread: 0 }
      const { events } = await broker.history(namespace.name, roomId, { after: read, limit: UNREAD_MAX })
      const unread = events.filter((row) => COUNTED.has(row.type) && row.userId !== userId && !row.redacted).length
      return { roomId, seq, read, unread }
    })
    return { status: 'ok', rooms: await Promise.all(rooms) }
  })
  for (const name of ['state:changed', 'room:read']) namespace.state.vocabulary.add(name)
}
