/** `@roomful/server`: a realtime room server, by itself or in your HTTP server. */
import './require-node.ts'

export type { ClientToServer, Refused, ServerToClient } from '@roomful/protocol'
export type { Authenticate, GivenUser } from './adapters/auth/own-identity.ts'
export type { Explanation, Verdict } from './adapters/http/explain.ts'
export { composeObservers, type LogLevel } from './adapters/observe/observers.ts'
export type { Roomful } from './api.ts'
export { ConfigError } from './config/config-error.ts'
export { loadSettings, resolveSettings } from './config/load.ts'
export type { Settings } from './config/settings-type.ts'
export type {
  CombinedEmitter,
  Connection,
  ConnectionBase,
  Context,
  ContextBase,
  Emitter,
  FencedNamespace,
  Handler,
  Lead,
  Leading,
  LeadRun,
  Listener,
  Middleware,
  Namespace,
  NamespaceBase,
  NamespaceEvents,
  RoomEmitter,
  StreamOptions,
  TypedConnection,
  TypedContext,
  TypedNamespace,
} from './core/api.ts'
export type { Allow, NamespaceOptions, RoomAction, RoomOptions } from './core/base/contract.ts'
export { ackArgs, type Contract, defineContract, type EventDefinition, event } from './core/base/contract.ts'
export { RoomfulError } from './core/base/errors.ts'
export type { Stored, StoredEvent } from './core/events/event.ts'
export type { HistoryEvents, HistoryPage } from './core/log/history.ts'
export type { Disconnected, NodesReached, Reached } from './core/ports/nodes.ts'
export type {
  Fact,
  Observer,
  Trace,
  TracedDelivery,
  TracedEvent,
  TracedRequest,
  Tracer,
} from './core/ports/observer.ts'
export type { ClientRequest, User } from './core/ports/users.ts'
export type { Protocol, ProtocolConnection, ProtocolHandler } from './core/raw-protocol.ts'
export type { EndedMessage, MessageStream } from './core/requests/message-stream.ts'
export type { PublishOptions } from './core/requests/publisher.ts'
export type {
  ChangedState,
  RoomStateHandle,
  StateChangeOptions,
  StateWriter,
} from './core/requests/state-writer.ts'
export type { AskOptions } from './core/state/client-requests.ts'
export type { Member } from './core/state/namespace-state.ts'
export { type CreateOptions, createRoomful } from './create.ts'
export type { Run } from './lifetime.ts'
export { SERVER_LIMITS } from './node-server.ts'
export type { NewAccount, Storage } from './parts.ts'
export { runServer, type ServerRun } from './run-server.ts'
export type { Safe } from './safe-handler.ts'
export { requireRole } from './standard.ts'
