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

/** Unread messages of a room that are counted: a badge says 99+. */
const UNREAD_MAX = 100
/** Pages of events of a room that are looked through for them: reactions and edits are events too. */
const UNREAD_PAGES = 5
/** Events of a page. */
const PAGE = 100
/** What counts as a message. */
const COUNTED: ReadonlySet<string> = new Set(['message:new', 'message:private'])

/** Names a version, or how far a user has read. */
const BY_NUMBER: ReadonlySet<UpName> = new Set(['state:set', 'state:delete', 'room:read'])

/** Adds the events of state and of reading to a namespace. */
export function addState(hub: Hub, namespace: Namespace): void {
  const { broker } = hub.runtime
  const { factSchemas } = namespace.state
  const handle = <Name extends UpName>(
    name: Name,
    handler: (context: Context, data: UpData<Name>) => unknown,
  ): void => {
    namespace.handle(name, handler, { definition: schemaOf(up[name]), isByNumber: BY_NUMBER.has(name) })
  }
  const mayChange = async (context: Context, roomId: string): Promise<void> => {
    await mayPublish(context, roomId)
    await context.check('state', roomId)
  }
  const answerFor =
    (roomId: string, name: string) =>
    (_stored: readonly Stored[], [changed]: readonly Changed[]): unknown => {
      // Without a change it is a repeat whose first answer is not known: what there is now.
      const facts = changed ? undefined : namespace.state.rooms.get(roomId)?.facts
      const { version, value } = changed ?? facts?.entries.get(name) ?? { version: facts?.fv ?? 0, value: undefined }
      return { status: 'ok', fv: version, version, ...(value === undefined ? {} : { value: fromJson(value) }) }
    }
  handle('state:set', async (context, { roomId, name, value, version }) => {
    await mayChange(context, roomId)
    context.state(roomId).set(name, factSchemas.checkValue(name, value), version === undefined ? {} : { version })
    return answerFor(roomId, name)
  })
  handle('state:delete', async (context, { roomId, name, version }) => {
    await mayChange(context, roomId)
    factSchemas.checkName(name)
    context.state(roomId).delete(name, version === undefined ? {} : { version })
    return answerFor(roomId, name)
  })
  handle('state:add', async (context, { roomId, name, by }) => {
    await mayChange(context, roomId)
    factSchemas.checkName(name)
    context.state(roomId).add(name, by)
    return answerFor(roomId, name)
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
    context.change(roomId, { kind: 'read', name: userId, seq: position }, context.epoch ?? head.epoch)
    const [known = 0] = await broker.readPositions(namespace.name, userId, [roomId])
    if (position <= known) return { status: 'ok', seq: known } // no other device is sent that it went back
    const isForMembers = namespace.state.declarations.find(roomId, true)?.options.readPositions === 'members'
    const others = isForMembers ? [roomId, `user:${userId}`] : `user:${userId}`
    context.to(others).emit('room:read', { roomId, userId, seq: position })
    return (_stored: readonly Stored[], [changed]: readonly Changed[]) => ({ status: 'ok', seq: changed?.version })
  })
  const countUnread = async (roomId: string, userId: string, read: number): Promise<number> => {
    let unread = 0
    let after = read
    for (let page = 0; page < UNREAD_PAGES && unread < UNREAD_MAX; page++) {
      const { events, more } = await broker.history(namespace.name, roomId, { after, limit: PAGE })
      unread += events.filter((row) => COUNTED.has(row.type) && row.userId !== userId && !row.redacted).length
      after = events.at(-1)?.seq ?? after
      if (!more) break
    }
    return Math.min(unread, UNREAD_MAX)
  }
  handle('room:unread', async (context, { roomIds }) => {
    const { sub: userId } = context.user
    for (const roomId of roomIds) await context.check('history', roomId)
    const reads = await broker.readPositions(namespace.name, userId, roomIds)
    const heads = new Map((await broker.heads(namespace.name, roomIds)).map((head) => [head.roomId, head]))
    const rooms = roomIds.map(async (roomId, index) => {
      const read = reads[index] ?? 0
      const seq = heads.get(roomId)?.seq ?? 0
      return { roomId, seq, read, unread: seq <= read ? 0 : await countUnread(roomId, userId, read) }
    })
    return { status: 'ok', rooms: await Promise.all(rooms) }
  })
  for (const name of ['state:changed', 'room:read']) namespace.state.vocabulary.add(name)
}
