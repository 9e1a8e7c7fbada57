/** `@roomful/client/state`: the state of a room, and what a user has not read, as a page shows them, for every framework. */
export {
  type RoomState,
  type RoomStateStore,
  type StateActions,
  type StateEntries,
  type StateWriteOptions,
  stateActionsOf,
  stateOf,
} from './room-state.ts'
export { type Unread, type UnreadStore, unreadOf } from './unread.ts'
