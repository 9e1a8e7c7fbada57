/** Everything a client may receive in the room vocabulary, by name. A new message goes into the file of its family and into this list. */
import type { DataOf } from './messages/definition.ts'
import { authExpiring, authOk, notice, reset, serverDraining, welcome } from './messages/link.ts'
import { messageEdited, messageNew, messagePrivateDown, messageRedacted, notification } from './messages/message.ts'
import {
  presenceDiff,
  presenceUpdate,
  userJoined,
  userLeft,
  userStopTyping,
  usersCount,
  userTyping,
} from './messages/presence.ts'
import { reactionNew, reactionRemoved } from './messages/reaction.ts'
import { roomJoined, roomLeft } from './messages/room.ts'

/** Messages that the server sends, by name. */
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

/** Name of a message that the server sends. */
export type DownName = keyof typeof down
/** What the server sends with a message. */
export type DownData<Name extends DownName> = DataOf<(typeof down)[Name]>
