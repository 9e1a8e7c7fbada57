/** Everything a client may receive in the room vocabulary, by name. Adding a message touches its file and this list. */
import type { DataOf } from './messages/define.ts'
import { authExpiring, authOk, notice, reset, serverDraining, welcome } from './messages/link.ts'
import { messageEdited } from './messages/message-edit.ts'
import { messageNew } from './messages/message-new.ts'
import { messagePrivateDown } from './messages/message-private.ts'
import { messageRedacted } from './messages/message-redact.ts'
import { notification } from './messages/notification.ts'
import { presenceDiff, presenceUpdate, userJoined, userLeft, usersCount } from './messages/presence.ts'
import { reactionNew, reactionRemoved } from './messages/reaction.ts'
import { roomJoined } from './messages/room-join.ts'
import { roomLeft } from './messages/room-leave.ts'
import { userStopTyping, userTyping } from './messages/typing.ts'

export const down = {
  'message:new': messageNew,
  'message:private': messagePrivateDown,
  'message:edited': messageEdited,
  'message:redacted': messageRedacted,
  notification,
  'reaction:new': reactionNew,
  'reaction:removed': reactionRemoved,
  'room:joined': roomJoined,
  'room:left': roomLeft,
  'user:joined': userJoined,
  'user:left': userLeft,
  'user:typing': userTyping,
  'user:stop-typing': userStopTyping,
  'presence:diff': presenceDiff,
  'presence:update': presenceUpdate,
  'users:count': usersCount,
  'server:draining': serverDraining,
  auth_expiring: authExpiring,
  auth_ok: authOk,
  notice,
  reset,
  welcome,
} as const

export type DownName = keyof typeof down
export type DownData<Name extends DownName> = DataOf<(typeof down)[Name]>
