/** Handlers of chat events: messages, private messages, edits, reactions. PROTOCOL.md, section 8. */
import { CONNECTION_ID_PREFIX, inboxOf } from '@roomful/protocol'
import { down, UP_ALIASES, type UpData, type UpName, up } from '@roomful/protocol/messages'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import type { Stored } from '../core/log/effects.ts'
import type { Namespace } from '../core/namespace.ts'
import type { Awaitable } from '../core/ports/broker.ts'
import type { Context } from '../core/requests/context.ts'
import type { Numbers } from '../core/requests/handlers.ts'
import { isGuestId } from '../core/sessions/guests.ts'
import { mayPublish, schemaOf } from './messages.ts'
import { authorOf, emptyWordings, MESSAGES, rowAt, stopWriting } from './redaction.ts'
import { addStreams } from './streams.ts'
import { addTyping } from './typing.ts'

/** Roles that may edit and redact messages of others. */
const MODERATORS: ReadonlySet<string> = new Set(['admin', 'support'])

const OK = { status: 'ok' } as const

/** Adds messages, typing and reactions to a namespace that has the room events. */
export function addChatEvents(hub: Hub, namespace: Namespace): void {
  const handle = <Name extends UpName>(
    name: Name,
    handler: (context: Context, data: UpData<Name>) => unknown,
    ackFrom?: (first: Numbers, data: UpData<Name>) => unknown,
    isByNumber = false,
  ): void => {
    const names = [name, ...Object.entries(UP_ALIASES).flatMap(([alias, means]) => (means === name ? [alias] : []))]
    for (const each of names) namespace.handle(each, handler, { definition: schemaOf(up[name]), ackFrom, isByNumber })
  }
  handle('message:send', (context, data) => after(mayPublish(context, data.roomId), () => send(context, data)), sent)
  handle('message:private', (context, data) => sendPrivate(hub, namespace, context, data))
  handle(
    'message:edit',
    (context, data) => edit(hub, namespace, context, data),
    () => OK,
    true,
  )
  handle('message:redact', (context, data) => redact(hub, namespace, context, data), undefined, true)
  handle('reaction:send', (context, data) => after(mayPublish(context, data.roomId), () => react(context, data)))
  handle('reaction:remove', (context, data) =>
    after(mayPublish(context, data.roomId), () => removeReaction(context, data)),
  )
  // Typing needs the same permission as a message.
  addTyping(hub, namespace, (name, handler) =>
    handle(name, (context, data) => after(mayPublish(context, data.roomId), () => handler(context, data))),
  )
  addStreams(hub, namespace)
  for (const name of Object.keys(down)) namespace.state.vocabulary.add(name)
}

/** Runs `next`, without a promise when `ready` is none. */
function after<Ready, Result>(ready: Awaitable<Ready>, next: (ready: Ready) => Result): Result | Promise<Result> {
  return ready instanceof Promise ? ready.then(next) : next(ready)
}

function send(context: Context, data: UpData<'message:send'>): unknown {
  const { sub: userId, name } = context.user
  const { roomId, content, replyTo } = data
  context.append(roomId, 'message:new', { userId, name, content, ...(replyTo === undefined ? {} : { replyTo }) })
  return ([stored]: readonly Stored[]) => sent(stored as Stored, data)
}

function sent({ seq, ts }: Numbers, { roomId }: UpData<'message:send'>): unknown {
  return { status: 'ok', id: `${roomId}-${seq}`, seq, ts }
}

interface Recipient {
  readonly to: string
  readonly isOnline: boolean
}

/** Stores the message in the inboxes of both users, or in neither. A user who is away receives it when they connect. B23. */
function sendPrivate(hub: Hub, namespace: Namespace, context: Context, data: UpData<'message:private'>): unknown {
  const { sub: fromUser, name } = context.user
  return after(recipientOf(hub, namespace, data.to), ({ to, isOnline }) => {
    const message = { from: context.id, fromUser, name, to, content: data.content }
    const toInbox = (userId: string): void =>
      context.appendWith(inboxOf(userId), 'message:private', [message], { atomicGroup: 0 })
    toInbox(to)
    if (to !== fromUser) toInbox(fromUser)
    const delivery = isOnline ? 'delivered' : 'queued'
    return ([stored]: readonly Stored[]) => ({ status: 'ok', id: stored?.id, ts: stored?.ts, delivery })
  })
}

/**
 * A connection and a guest must be there, on whatever node.
 * @throws RoomfulError (also as a rejection) NOT_FOUND, UNAVAILABLE
 */
function recipientOf(hub: Hub, namespace: Namespace, given: string): Awaitable<Recipient> {
  const to = namespace.connections.get(given)?.user.sub ?? given
  const known = namespace.state.users.get(to)
  if (known && known.connections.size > 0) return { to, isOnline: true }
  if (hub.runtime.nodes.own !== '') return findElsewhere(hub, namespace, to)
  if (!known && mustBeThere(to)) throw notConnected()
  return { to, isOnline: false }
}

async function findElsewhere(hub: Hub, namespace: Namespace, given: string): Promise<Recipient> {
  let to = given
  if (given.startsWith(CONNECTION_ID_PREFIX)) {
    const question = { kind: 'user of', body: given, namespace: namespace.name }
    const { value } = await hub.runtime.nodes.askAbout<string | null>(given, question, (sub) => typeof sub === 'string')
    if (typeof value !== 'string') throw notConnected()
    to = value
  }
  const isOnline = (await namespace.onlineUsers([to])).has(to)
  if (!isOnline && mustBeThere(to)) throw notConnected()
  return { to, isOnline }
}

function mustBeThere(to: string): boolean {
  return to.startsWith(CONNECTION_ID_PREFIX) || isGuestId(to)
}

function notConnected(): RoomfulError {
  return new RoomfulError('NOT_FOUND', 'Nobody with this id is connected', { field: 'to' })
}

async function edit(hub: Hub, namespace: Namespace, context: Context, data: UpData<'message:edit'>): Promise<unknown> {
  const { roomId, seq, content } = data
  await mayPublish(context, roomId)
  const { epoch } = await messageToChange(hub, namespace, context, roomId, seq)
  if (await namespace.requests.streams.find(roomId, seq))
    throw new RoomfulError('CONFLICT', 'This message is still being written; stop it first')
  // A redaction at the same time empties this edit too: it looks for edits after it has emptied the message.
  const args = [{ target: seq, userId: context.user.sub, content }]
  context.appendWith(roomId, 'message:edited', args, { aboutSeq: seq, epoch })
  return OK
}

/**
 * Contents are emptied after the redaction is stored, so a refused request empties nothing. The answer follows after that:
 * if a crash interrupts it, the client repeats the request, and the repeat needs no permission again.
 */
async function redact(
  hub: Hub,
  namespace: Namespace,
  context: Context,
  data: UpData<'message:redact'>,
): Promise<unknown> {
  const { roomId, seq } = data
  if (!context.isRepeat) await mayPublish(context, roomId)
  const { argsJson, epoch } = context.isRepeat
    ? { ...(await rowAt(hub, namespace, roomId, seq)), argsJson: '[]' }
    : await messageToChange(hub, namespace, context, roomId, seq)
  await stopWriting(namespace, roomId, seq, epoch)
  const args = [{ target: seq, userId: context.user.sub, ...authorOf(argsJson) }]
  await context.publishWith(roomId, 'message:redacted', args, { aboutSeq: seq, epoch })
  await emptyWordings(hub, namespace, roomId, seq, epoch)
  return OK
}

/**
 * Finds a message that the user may change. It is none of a log that the room has got since the request came.
 * @returns its arguments as JSON, and which log its number is of
 * @throws RoomfulError (rejects) NOT_FOUND, FORBIDDEN
 */
async function messageToChange(
  hub: Hub,
  namespace: Namespace,
  context: Context,
  roomId: string,
  seq: number,
): Promise<{ readonly argsJson: string; readonly epoch: string | undefined }> {
  const { row, epoch } = await rowAt(hub, namespace, roomId, seq)
  const isOther = context.epoch !== undefined && context.epoch !== epoch
  if (row === undefined || isOther || row.redacted || !MESSAGES.has(row.type)) {
    throw new RoomfulError('NOT_FOUND', `There is no message ${seq} in this room`, { field: 'seq' })
  }
  if (row.userId !== context.user.sub && !MODERATORS.has(context.user.role)) {
    throw new RoomfulError('FORBIDDEN', 'Only its author, support or an admin may change a message')
  }
  return { argsJson: row.argsJson, epoch }
}

/** A reaction to a message is stored. One to the moment is sent at once, and slow clients may miss it. */
function react(context: Context, data: UpData<'reaction:send'>): unknown {
  const { roomId, emoji, messageId } = data
  const userId = context.user.sub
  if (messageId !== undefined) context.append(roomId, 'reaction:new', { userId, emoji, messageId })
  else context.toAll(roomId).volatile.emit('reaction:new', { roomId, userId, emoji })
  return OK
}

/** Stored without checking that the reaction exists: readers of the log combine both events. */
function removeReaction(context: Context, { roomId, emoji, messageId }: UpData<'reaction:remove'>): unknown {
  context.append(roomId, 'reaction:removed', { userId: context.user.sub, emoji, messageId })
  return OK
}
