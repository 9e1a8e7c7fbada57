/** `@roomful/socket.io`: Socket.IO's server interface on Roomful. */
export type { DurableOptions } from './durable/options.ts'
export { Namespace } from './namespace.ts'
export type { BroadcastOperator, RemoteSocket } from './operators.ts'
export { Server, type ServerOptions } from './server.ts'
export { Socket } from './socket.ts'
export type { DisconnectReason, Event, ExtendedError } from './socket-types.ts'
export type { DefaultEventsMap } from './typed-events.ts'
