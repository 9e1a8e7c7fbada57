/** The Roomful SDK for browsers and Node: `connect` returns a client, `client.room` a room. */
export { Client, type ClientOptions, connect, type DurableRequestOptions } from './client.ts'
export type { ConnectionState, ConnectionStatus, Ending, User } from './connection-state.ts'
export type { TokenReason, TokenSource } from './credentials.ts'
export type { Clock, TextStorage } from './environment.ts'
export { CLIENT_ERRORS, type ClientErrorCode, RoomfulError } from './errors.ts'
export type { EventMeta, ReceivedEvent } from './events.ts'
export type { OutboxEntry, OutboxLimits, OutboxStorage } from './outbox.ts'
export { ReconnectingWebSocket, type ReconnectingWebSocketOptions } from './reconnecting-websocket.ts'
export type { RequestOptions } from './requests.ts'
export type { ChatMethods, HistoryPage, RoomOf as Room } from './room.ts'
export {
  type Flow,
  type JoinOptions,
  type RoomPosition,
  type RoomSnapshot,
  type RoomStatus,
  UNJOINED_ROOM,
} from './room-subscription.ts'
export { createLink, type NamespaceOptions, SharedLink, type SharedLinkOptions } from './shared-link.ts'
export type { ShareTabsOptions } from './tabs/index.ts'
export type { OpenTransport, Transport, TransportHandlers, TransportName } from './transports/transport.ts'
export type { WebSocketConstructor, WebSocketLike } from './transports/websocket.ts'
export type {
  AnyContract,
  DownEvent,
  DownListener,
  HasChat,
  JoinAck,
  Member,
  MemberOf,
  PresenceGivenBy,
  PresenceOf,
  PresenceState,
  Reset,
  Typist,
  WithChat,
} from './types.ts'
