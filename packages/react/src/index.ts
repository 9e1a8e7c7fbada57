/** React hooks for Roomful: each a few lines over the client's `subscribe` and `getSnapshot`. */
export {
  type FailedMessage,
  type Message,
  type MessageActions,
  type MessageState,
  type MessagesSnapshot,
  type MessageWriter,
  type PendingMessage,
  type Reaction,
  RoomLog,
  type RoomLogOptions,
  type SentMessage,
} from '@roomful/client/messages'

export type { RoomState, StateActions, StateEntries, StateWriteOptions, Unread } from '@roomful/client/state'

export { createHooks, type Hooks, type UseEventOptions, useEvent } from './hooks.ts'
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
export { useMessages, useMessageText } from './use-messages.ts'
export { type Presence, type RoomView, type Typing, usePresence, useRoom, useTyping } from './use-room.ts'
export { type RoomStateView, type UnreadView, useRoomState, useUnread } from './use-room-state.ts'
