/** Types of the parts of a server. `create.ts` creates them. */
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Accounts } from './adapters/auth/accounts.ts'
import type { HttpLinks } from './adapters/http/v1-links/links.ts'
import type { ClusterNode } from './adapters/transports/forwarding/cluster-node.ts'
import type { SocketIoOptions } from './adapters/transports/socketio/transport.ts'
import type { WebSocketOptions } from './adapters/transports/websocket/server.ts'
import type { Webhooks, WebhooksOptions } from './adapters/webhooks/webhooks.ts'
import type { Administration } from './core/administration.ts'
import type { RuntimePorts } from './core/base/runtime.ts'
import type { CoreSettings } from './core/base/settings.ts'
import type { Hub } from './core/hub.ts'
import type { Users } from './core/ports/users.ts'

/** Answers requests for Roomful and ignores others. */
export interface HttpHandler {
  /** Answers a request. @returns false when the path is not Roomful's */
  handle(request: IncomingMessage, response: Parameters<RequestListener>[1]): boolean
  /** Whether the path is Roomful's. */
  owns(request: IncomingMessage): boolean
  /**
   * Answers a path that does not exist.
   * @param url below the base path; undefined for one outside it
   */
  notFound(request: IncomingMessage, response: Parameters<RequestListener>[1], url: string | undefined): void
}

/** Where a server stores, for applications that store something beside it. */
export interface Storage {
  /** The data folder, which only one server uses at a time; `:memory:` for none. */
  readonly folder: string
  /** What a commit survives: `normal` a killed process, `full` also a power failure. */
  readonly sync: 'normal' | 'full'
  /** Where it is shared with other nodes; nothing for a server that runs alone. */
  readonly redis?: RedisStorage | undefined
}

/** The Redis that several nodes share. */
export interface RedisStorage {
  readonly url: string
  /** Before every key. */
  readonly prefix: string | undefined
}

/** An account to create. */
export interface NewAccount {
  /** The name for signing in: 1 to 64 characters. */
  readonly username: string
  /** At least 8 characters. */
  readonly password: string
  /** The name that others see. Default: the username. */
  readonly name?: string
  /** Default `user`. */
  readonly role?: string
}

/** All parts of a server. */
export interface RoomfulParts {
  readonly core: CoreSettings
  readonly ports: RuntimePorts
  readonly webSocket: WebSocketOptions
  readonly socketIo: SocketIoOptions
  /** This server among those that share its log. */
  readonly node: ClusterNode
  /** The address at which the other nodes reach this one, if it is not the one that it listens on. */
  readonly nodeUrl: string | undefined
  /** Called once the hub exists. */
  readonly http: (
    hub: Hub,
    links: HttpLinks,
    administration: Administration,
    webhooks: () => Webhooks | undefined,
  ) => HttpHandler
  readonly users: Users
  /** Whether a user needs an account before the first connection. */
  readonly unknownUsers: 'open' | 'strict'
  readonly storage: Storage
  /** Resolves once everything is known that the start needs; nothing where it is. */
  readonly ready: Promise<unknown> | undefined
  readonly accounts: Pick<Accounts, 'signUp'>
  /** For https and wss on the server's own HTTP server. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined
  /** Where the backend is sent what happens; nothing without it. */
  readonly webhooks: Omit<WebhooksOptions, 'hub' | 'users'> | undefined
  /** It shares the port with other processes, so the other nodes need another one to reach it. */
  readonly isWorker: boolean
  readonly port: number
  readonly host: string
  /** The path below which everything is served, such as `/realtime`, or empty. */
  readonly basePath: string
  /** Closes what else was opened, after the broker. */
  readonly closeParts: () => Promise<void> | void
}
