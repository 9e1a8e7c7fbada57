/** Everything a client may send in the room vocabulary, by name. A new message goes into the file of its family and into this list. */
import type { AckOf, DataOf } from './messages/definition.ts'
import { messageEdit, messagePrivate, messageRedact, messageSend } from './messages/message.ts'
import { presenceGet, typingStart, typingStop } from './messages/presence.ts'
import { reactionRemove, reactionSend } from './messages/reaction.ts'
import { historyGet, roomJoin, roomLeave, roomList } from './messages/room.ts'

/** Messages that clients send, by name. */
export const up = {
  'room:join': roomJoin,
  'room:leave': roomLeave,
  'room:list': roomList,
  'message:send': messageSend,
  'message:private': messagePrivate,
  'message:edit': messageEdit,
  'message:redact': messageRedact,
  'typing:start': typingStart,
  'typing:stop': typingStop,
  'reaction:send': reactionSend,
  'reaction:remove': reactionRemove,
  'history:get': historyGet,
  'presence:get': presenceGet,
} as const

/** Other names for the same message. Plain clients use `chat:message` in both directions. */
export const UP_ALIASES = {
  'chat:message': 'message:send',
  typing: 'typing:start',
  'stop-typing': 'typing:stop',
} as const satisfies Record<string, keyof typeof up>

/** Name of a message that clients send. */
export type UpName = keyof typeof up
/** What a client sends with a message. */
export type UpData<Name extends UpName> = DataOf<(typeof up)[Name]>
/** What the server acknowledges a message with. */
export type UpAck<Name extends UpName> = AckOf<(typeof up)[Name]>
