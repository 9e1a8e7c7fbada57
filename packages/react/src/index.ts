/** React hooks for Roomful: each a few lines over the client's `subscribe` and `getSnapshot`. */
export { createHooks, type Hooks } from './hooks.ts'
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
} from './provider.tsx'
export type { RoomActions } from './room-hold.ts'
export { useConnection } from './use-connection.ts'
export { type UseEventOptions, useEvent } from './use-event.ts'
export { type MessageActions, useMessages } from './use-messages.ts'
export { type Presence, usePresence } from './use-presence.ts'
export { type RoomView, useRoom } from './use-room.ts'
export { type Typing, useTyping } from './use-typing.ts'
