import type * as esm from '../dist/index.js' with { 'resolution-mode': 'import' }

type Given = ConstructorParameters<typeof esm.Server>

/** Makes a server, as `new Server()` does. */
declare function roomful(srv?: Given[0], opts?: Given[1]): esm.Server

declare namespace roomful {
  export import Server = esm.Server
  export import Namespace = esm.Namespace
  export import Socket = esm.Socket
  export type BroadcastOperator<E extends esm.DefaultEventsMap, D> = esm.BroadcastOperator<E, D>
  export type RemoteSocket<E extends esm.DefaultEventsMap, D> = esm.RemoteSocket<E, D>
  export type DisconnectReason = esm.DisconnectReason
  export type DefaultEventsMap = esm.DefaultEventsMap
  export type Event = esm.Event
  export type ExtendedError = esm.ExtendedError
  export type ServerOptions = esm.ServerOptions
}

export = roomful
