/** `@roomful/client/messages`: the messages of a room as a page shows them, for every framework. */
export type { FailedMessage, Message, MessageState, PendingMessage, Reaction, SentMessage } from './message.ts'
export {
  type MessageActions,
  type MessageStore,
  type MessagesSnapshot,
  messageActionsOf,
  messagesOf,
} from './message-store.ts'
export { MessageWriter, type WriteOptions, writeMessage } from './message-writer.ts'
export { RoomLog, type RoomLogOptions } from './room-log.ts'
