/** Everything a client may send in the room vocabulary, by name. Adding a message touches its file and this list. */
import type { AckOf, DataOf } from './messages/define.ts'
import { historyGet } from './messages/history-get.ts'
import { messageEdit } from './messages/message-edit.ts'
import { messagePrivate } from './messages/message-private.ts'
import { messageRedact } from './messages/message-redact.ts'
import { messageSend } from './messages/message-send.ts'
import { presenceGet } from './messages/presence.ts'
import { reactionRemove, reactionSend } from './messages/reaction.ts'
import { roomJoin } from './messages/room-join.ts'
import { roomLeave } from './messages/room-leave.ts'
import { roomList } from './messages/room-list.ts'
import { typingStart, typingStop } from './messages/typing.ts'

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

/** Other names for the same message. `chat:message` is what plain clients say for both directions. */
export const UP_ALIASES = {
  'chat:message': 'message:send',
  typing: 'typing:start',
  'stop-typing': 'typing:stop',
} as const satisfies Record<string, keyof typeof up>

export type UpName = keyof typeof up
export type UpData<Name extends UpName> = DataOf<(typeof up)[Name]>
export type UpAck<Name extends UpName> = AckOf<(typeof up)[Name]>
