/** React hooks for Roomful: each a few lines over the client's `subscribe` and `getSnapshot`. */

export { createHooks, type Hooks, type UseEventOptions, useEvent } from './hooks.ts'
export type { FailedMessage, Message, PendingMessage, Reaction, SentMessage } from './messages/message.ts'
export type { MessagesSnapshot } from './messages/message-store.ts'
export { RoomLog, type RoomLogOptions } from './messages/room-log.ts'
export {
  LinkProvider,
  type LinkProviderProps,
  RoomfulProvider,
  type RoomfulProviderProps,
  type SharingProps,
  useClient,
  useConnection,
} from './provider.tsx'
export type { RoomActions } from './room-handle.ts'
export { type MessageActions, useMessages } from './use-messages.ts'
export { type Presence, type RoomView, type Typing, usePresence, useRoom, useTyping } from './use-room.ts'
