/** Messages that clients write in pieces: they begin, grow, end, and are stopped. PROTOCOL.md, section 20. */
import { type UpData, up } from '@roomful/protocol/messages'
import { checkRoomId } from '../core/base/contract.ts'
import { RoomfulError } from '../core/base/errors.ts'
import type { EndState } from '../core/events/growing-text.ts'
import type { Hub } from '../core/hub.ts'
import type { Stored } from '../core/log/effects.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Awaitable, Changed } from '../core/ports/broker.ts'
import { fragmentOf } from '../core/ports/facts.ts'
import type { Context } from '../core/requests/context.ts'
import type { Numbers } from '../core/requests/handlers.ts'
import type { Written } from '../core/requests/streams.ts'
import { takePiece } from '../core/state/limits.ts'
import { mayPublish, schemaOf } from './messages.ts'

/** Adds the events of messages that are written in pieces to a namespace. */
export function addStreams(hub: Hub, namespace: Namespace): void {
  const { streams } = namespace.requests
  const begin = (context: Context, data: UpData<'message:stream'>): unknown => {
    const { roomId, content = '', replyTo } = data
    const ready = mayPublish(context, roomId)
    const next = (): unknown => {
      const { sub: userId, name } = context.user
      const { args, change } = streams.begin({ userId, name, ...(replyTo === undefined ? {} : { replyTo }), content })
      context.appendWith(roomId, 'message:new', args, { change })
      return ([stored]: readonly Stored[]) => begun(stored as Stored, data)
    }
    return ready instanceof Promise ? ready.then(next) : next()
  }
  namespace.handle('message:stream', begin, { definition: schemaOf(up['message:stream']), ackFrom: begun })

  const append = (context: Context, data: UpData<'message:append'>): unknown => {
    const { roomId, seq, at, text } = data
    takePiece(hub.runtime, context.connection, text.length)
    streams.checkLength(at + text.length)
    const next = (written: Written | undefined): unknown => {
      if (written === undefined) return notWritten(roomId, seq)
      checkWriter(context, written)
      const change = { kind: 'extend', seq, at, fragment: fragmentOf(text), length: text.length } as const
      context.change(roomId, change, written.epoch)
      // Without a change it is a repeat whose first answer is not known: the piece is there.
      const length = at + text.length
      return (_stored: readonly Stored[], [changed]: readonly Changed[]) => {
        return { status: 'ok', length: changed?.version ?? length }
      }
    }
    return withWritten(context, data, next, (each, number) => streams.follow(each, number))
  }
  namespace.handle('message:append', append, {
    definition: schemaOf(up['message:append']),
    uncounted: true,
    isByNumber: true,
  })

  /** The log is not asked to find out: a message may begin under this number meanwhile, and would be another one. */
  const notWritten = async (roomId: string, seq: number): Promise<never> => {
    await streams.endOf(checkRoomId(roomId), seq)
    throw new RoomfulError('CONFLICT', 'This message has ended')
  }

  const withWritten = <Result>(
    context: Context,
    { roomId, seq }: { roomId: string; seq: number },
    next: (written: Written | undefined) => Result,
    find = (room: string, number: number) => streams.find(room, number),
  ): Awaitable<Result> => {
    const checked = (written: Written | undefined): Result => {
      if (written) checkLog(context, written)
      return next(written)
    }
    const known = streams.findHere(roomId, seq)
    return known ? checked(known) : find(roomId, seq).then(checked)
  }
  /** @param state as which it is to end */
  const end = async (
    context: Context,
    of: { roomId: string; seq: number },
    more: { state: EndState; extra?: unknown; reason?: string | undefined },
  ): Promise<unknown> => {
    const { roomId, seq } = of
    const written = await withWritten(context, of, (each) => each)
    if (written) checkWriter(context, written)
    const ended = written
      ? await streams.end(roomId, seq, written, { ...more, by: context.user.sub })
      : await streams.endOf(checkRoomId(roomId), seq)
    if (ended.state === more.state) return { status: 'ok', length: ended.length }
    throw new RoomfulError('CONFLICT', `The message has ended already: ${ended.state}`, { details: { ...ended } })
  }
  namespace.handle(
    'message:complete',
    (context: Context, data: UpData<'message:complete'>) => {
      const { extra } = data
      return end(context, data, { state: 'complete', ...(extra === undefined ? {} : { extra }) })
    },
    { definition: schemaOf(up['message:complete']), isByNumber: true },
  )
  namespace.handle(
    'message:cancel',
    (context: Context, data: UpData<'message:cancel'>) =>
      end(context, data, { state: 'cancelled', reason: data.reason }),
    { definition: schemaOf(up['message:cancel']), isByNumber: true },
  )

  const stop = async (context: Context, data: UpData<'message:stop'>): Promise<unknown> => {
    const { roomId, seq } = data
    const { connection, user } = context
    await mayPublish(context, roomId)
    await context.check('stop', roomId)
    if (!connection.willBeIn(roomId)) throw new RoomfulError('NOT_IN_ROOM', 'Join this room to stop a message in it')
    const written = await withWritten(context, data, (each) => each)
    const { sub: userId } = user
    const request = { state: 'cancelled', userId, by: userId } as const
    const { ended, isOver } = written
      ? await streams.endUnlessOver(roomId, seq, written, request)
      : { ended: await streams.endOf(checkRoomId(roomId), seq), isOver: true }
    // Who comes second has stopped nothing.
    if (written?.userId !== undefined && !isOver)
      context.toAll(`user:${written.userId}`).emit('message:stop', { roomId, seq, userId })
    return { status: 'ok', state: ended.state, length: ended.length }
  }
  namespace.handle('message:stop', stop, { definition: schemaOf(up['message:stop']), isByNumber: true })
}

function begun({ seq, ts }: Numbers, { roomId }: UpData<'message:stream'>): unknown {
  return { status: 'ok', id: `${roomId}-${seq}`, seq, ts }
}

/** @throws RoomfulError NOT_FOUND when the room has got another log since the request came */
function checkLog(context: Context, { epoch }: Written): void {
  if (context.epoch === undefined || context.epoch === epoch) return
  throw new RoomfulError(
    'NOT_FOUND',
    'The room has another log by now, in which this number is that of another message',
  )
}

/** @throws RoomfulError FORBIDDEN */
function checkWriter({ user }: Context, written: Written): void {
  if (written.userId !== user.sub) throw new RoomfulError('FORBIDDEN', 'Only its writer may do this')
}
