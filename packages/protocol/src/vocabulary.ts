/** The room vocabulary: every message by name. A new one goes into the file of its family and into one of these lists. */
import type { AckOf, DataOf } from './messages/definition.ts'
import { authExpiring, authOk, notice, reset, serverDraining, welcome } from './messages/link.ts'
import {
  messageEdit,
  messageEdited,
  messageNew,
  messagePrivate,
  messagePrivateDown,
  messageRedact,
  messageRedacted,
  messageSend,
  notification,
} from './messages/message.ts'
import {
  presenceDiff,
  presenceGet,
  presenceSet,
  presenceUpdate,
  typingStart,
  typingStop,
  userJoined,
  userLeft,
  userStopTyping,
  usersCount,
  userTyping,
} from './messages/presence.ts'
import { reactionNew, reactionRemove, reactionRemoved, reactionSend } from './messages/reaction.ts'
import { historyGet, roomJoin, roomJoined, roomLag, roomLeave, roomLeft, roomList } from './messages/room.ts'
import {
  roomRead,
  roomReadDown,
  roomUnread,
  stateAdd,
  stateChanged,
  stateDelete,
  stateGet,
  stateSet,
} from './messages/state.ts'
import {
  messageAppend,
  messageCancel,
  messageComplete,
  messageEnded,
  messagePiece,
  messageStop,
  messageStopDown,
  messageStream,
} from './messages/stream.ts'

/** Messages that clients send, by name. */
export const up = {
  'room:join': roomJoin,
  'room:leave': roomLeave,
  'room:list': roomList,
  'message:send': messageSend,
  'message:private': messagePrivate,
  'message:edit': messageEdit,
  'message:redact': messageRedact,
  'message:stream': messageStream,
  'message:append': messageAppend,
  'message:complete': messageComplete,
  'message:cancel': messageCancel,
  'message:stop': messageStop,
  'typing:start': typingStart,
  'typing:stop': typingStop,
  'reaction:send': reactionSend,
  'reaction:remove': reactionRemove,
  'history:get': historyGet,
  'presence:get': presenceGet,
  'presence:set': presenceSet,
  'state:set': stateSet,
  'state:delete': stateDelete,
  'state:add': stateAdd,
  'state:get': stateGet,
  'room:read': roomRead,
  'room:unread': roomUnread,
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

/** Messages that the server sends, by name. */
export const down = {
  'message:new': messageNew,
  'message:private': messagePrivateDown,
  'message:edited': messageEdited,
  'message:redacted': messageRedacted,
  'message:piece': messagePiece,
  'message:ended': messageEnded,
  'message:stop': messageStopDown,
  notification,
  'reaction:new': reactionNew,
  'reaction:removed': reactionRemoved,
  'room:joined': roomJoined,
  'room:left': roomLeft,
  'room:lag': roomLag,
  'user:joined': userJoined,
  'user:left': userLeft,
  'user:typing': userTyping,
  'user:stop-typing': userStopTyping,
  'presence:diff': presenceDiff,
  'state:changed': stateChanged,
  'room:read': roomReadDown,
  'presence:update': presenceUpdate,
  'users:count': usersCount,
  'server:draining': serverDraining,
  auth_expiring: authExpiring,
  auth_ok: authOk,
  notice,
  reset,
  welcome,
} as const

/** Name of a message that the server sends. */
export type DownName = keyof typeof down
/** What the server sends with a message. */
export type DownData<Name extends DownName> = DataOf<(typeof down)[Name]>
