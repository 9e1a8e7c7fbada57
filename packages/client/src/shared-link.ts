/**
 * One link for the clients of several namespaces: each has its own channel, with its own user, rooms and reconnects. Clients
 * do not affect each other; the first one opens the link, the last one closes it. PROTOCOL.md 6.
 */
import { Client, type ClientOptions } from './client.ts'
import { Credentials, type CredentialsOptions } from './credentials.ts'
import { createEnvironment, type EnvironmentOptions } from './environment.ts'
import { LinkPool } from './multiplexer.ts'
import { shareTabs } from './share-tabs.ts'
import type { ShareTabsOptions } from './tabs/index.ts'
import { type DefaultTransportsOptions, defaultTransports } from './transports/default-transports.ts'
import type { OpenTransport } from './transports/transport.ts'
import type { AnyContract } from './types.ts'

/** How a shared link connects. */
export interface SharedLinkOptions extends CredentialsOptions, EnvironmentOptions, DefaultTransportsOptions {
  /** A transport of your own, instead of those of the SDK. */
  transport?: OpenTransport
  /** For each transport to open the link, and again for the server to open each session, ms. Default 10,000. */
  connectTimeoutMs?: number
  /** All tabs of the site use this link; each keeps its own sessions, rooms and presence. Default false. */
  shareTabs?: boolean | ShareTabsOptions
}

/** Options of one namespace on a shared link. An outbox with a storage belongs to one namespace. */
export type NamespaceOptions = Pick<ClientOptions, 'namespace' | 'outbox' | 'autoConnect' | 'onError'>

/**
 * Makes a link that several namespaces share, as one user: one WebSocket, one token. The first `connect` of the result opens
 * it.
 * @param url as for `connect`
 * @throws TypeError when `url` is no URL; RoomfulError NO_WEBSOCKET where the platform has none and `options` neither
 * @example
 * const link = createLink('https://example.org', { token: fetchToken })
 * const chat = link.connect({ namespace: '/chat' })
 * const shop = link.connect<typeof shopContract>({ namespace: '/shop' })
 */
export function createLink(url: string | URL, options: SharedLinkOptions = {}): SharedLink {
  return new SharedLink(url, options)
}

/** A link that several namespaces share, made by `createLink`. */
export class SharedLink {
  readonly #url: string | URL
  readonly #options: SharedLinkOptions
  readonly #credentials: Credentials
  /** For one client. */
  readonly #transportOf: () => OpenTransport
  readonly #signOut: () => void

  /** @see createLink */
  constructor(url: string | URL, options: SharedLinkOptions = {}) {
    this.#url = url
    this.#options = options
    this.#credentials = new Credentials(options)
    const environment = createEnvironment(options)
    const { connectTimeoutMs = 10_000 } = options
    if (options.shareTabs) {
      const tabs = shareTabs(url, options, environment, connectTimeoutMs)
      this.#transportOf = () => shareTabs(url, options, createEnvironment(options), connectTimeoutMs).open
      this.#signOut = tabs.signOut
      return
    }
    const links = new LinkPool(
      options.transport ?? defaultTransports(url, options, environment, connectTimeoutMs),
      () => environment.clock.monotonic(),
    )
    this.#transportOf = () => (handlers) => links.attach(handlers)
    this.#signOut = () => undefined
  }

  /**
   * Connects to a namespace.
   * @returns its client; close it when you no longer need it: the last one closes the link
   */
  connect<C extends AnyContract = undefined>(options: NamespaceOptions = {}): Client<C> {
    const parts = { open: this.#transportOf(), credentials: this.#credentials, signOut: this.#signOut }
    return new Client<C>(this.#url, { ...this.#options, ...options }, parts)
  }
}
