/** What a server is put together from, and what it shows of that. Types only; `create.ts` makes the parts. */
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Accounts } from './adapters/auth/accounts.ts'
import type { HttpLinks } from './adapters/http/v1-links/links.ts'
import type { SocketIoOptions } from './adapters/transports/socketio/transport.ts'
import type { WebSocketOptions } from './adapters/transports/websocket/server.ts'
import type { Administration } from './core/administration.ts'
import type { RuntimePorts } from './core/base/runtime.ts'
import type { CoreSettings } from './core/base/settings.ts'
import type { Hub } from './core/hub.ts'
import type { Users } from './core/ports/users.ts'

/** Answers the requests that are Roomful's and leaves the others. */
export interface HttpHandler {
  /** @returns false when the path is not one of ours */
  handle(request: IncomingMessage, response: Parameters<RequestListener>[1]): boolean
  owns(request: IncomingMessage): boolean
  /**
   * Answers what is no path of the server's.
   * @param url below the base path; nothing for one outside it
   */
  notFound(request: IncomingMessage, response: Parameters<RequestListener>[1], url: string | undefined): void
}

/** Where a server keeps what it stores, for those who store something beside it. */
export interface Storage {
  /** Of this server alone while it runs; `:memory:` keeps nothing. */
  readonly folder: string
  /** What a commit survives: `normal` the end of the process, `full` also that of the power. */
  readonly sync: 'normal' | 'full'
}

export interface NewAccount {
  /** What one signs in with: 1 to 64 characters. */
  readonly username: string
  /** At least 8 characters. */
  readonly password: string
  /** What others see. Default: the username. */
  readonly name?: string
  /** Default `user`. */
  readonly role?: string
}

export interface RoomfulParts {
  readonly core: CoreSettings
  readonly ports: RuntimePorts
  readonly webSocket: WebSocketOptions
  readonly socketIo: SocketIoOptions
  /** Made once the hub exists. */
  readonly http: (hub: Hub, links: HttpLinks, administration: Administration) => HttpHandler
  readonly users: Users
  /** Whether a user needs an account before the first connection. */
  readonly unknownUsers: 'open' | 'strict'
  readonly storage: Storage
  readonly accounts: Pick<Accounts, 'signUp'>
  /** Makes a server of one's own speak https and wss. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined
  readonly port: number
  readonly host: string
  /** Such as `/realtime`, or nothing. */
  readonly basePath: string
  /** Closed last: what the parts opened besides the broker. */
  readonly closeParts: () => Promise<void> | void
}
