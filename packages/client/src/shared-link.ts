/**
 * One link for the clients of several namespaces: each has a channel of its own, with its own user, rooms and reconnects.
 * Clients notice nothing of each other; the link is opened for the first of them and closed with the last. PROTOCOL.md 6.
 */
import { isRecord, MAX_CHANNELS } from '@roomful/protocol'
import { Client, type ClientOptions } from './client.ts'
import { Credentials, type CredentialsOptions } from './credentials.ts'
import { createEnvironment, type EnvironmentOptions } from './environment.ts'
import { type OwnWaysOptions, ownWays } from './transports/own-ways.ts'
import type { OpenTransport, Transport, TransportHandlers, TransportName } from './transports/transport.ts'
import type { AnyContract } from './types.ts'

export interface SharedLinkOptions extends CredentialsOptions, EnvironmentOptions, OwnWaysOptions {
  /** Another way to the server than those of the SDK: it is the only one then. */
  transport?: OpenTransport
  /** For each way to open the link, and again for the server to let each namespace in. Default 10 s. */
  connectTimeoutMs?: number
}

/** What each namespace has of its own. An outbox with a storage belongs to one namespace. */
export type NamespaceOptions = Pick<ClientOptions, 'namespace' | 'outbox' | 'autoConnect' | 'onError'>

/**
 * Makes a link that several namespaces share, as one user: one WebSocket, one token.
 *
 * ```ts
 * const link = createLink('https://example.org', { token: fetchToken })
 * const chat = link.connect({ namespace: '/chat' })
 * const shop = link.connect<typeof shopContract>({ namespace: '/shop' })
 * ```
 *
 * @param url as `connect` takes it. Nothing is opened before the first `connect`
 * @throws TypeError when it is no URL; RoomfulError NO_WEBSOCKET where there is none and none is given
 */
export function createLink(url: string | URL, options: SharedLinkOptions = {}): SharedLink {
  return new SharedLink(url, options)
}

export class SharedLink {
  readonly #url: string | URL
  readonly #options: SharedLinkOptions
  readonly #openTransport: OpenTransport
  readonly #credentials: Credentials
  #line: Line | undefined

  /** @see createLink */
  constructor(url: string | URL, options: SharedLinkOptions = {}) {
    this.#url = url
    this.#options = options
    this.#openTransport =
      options.transport ?? ownWays(url, options, createEnvironment(options), options.connectTimeoutMs ?? 10_000)
    this.#credentials = new Credentials(options)
  }

  /** Connects to a namespace. Close the client when it is done; the link stays open while another one uses it. */
  connect<C extends AnyContract = undefined>(options: NamespaceOptions = {}): Client<C> {
    const openTransport: OpenTransport = (handlers) => this.#attach(handlers)
    return new Client<C>(this.#url, { ...this.#options, ...options }, { openTransport, credentials: this.#credentials })
  }

  #attach(handlers: TransportHandlers): Transport {
    if (!this.#line?.hasRoom) this.#line = new Line(this.#openTransport)
    return this.#line.attach(handlers)
  }
}

/** One transport and the channels on it. */
class Line {
  readonly #transport: Transport
  readonly #users = new Map<number, TransportHandlers>()
  /** Numbers that the server may still use for what they stood for. */
  readonly #taken = new Set<number>()
  #state: 'opening' | 'open' | 'over' = 'opening'
  /** One of its clients gave it up: it may be dead, or about to be closed. Those who come from now on use another. */
  #isStale = false
  #carrier: TransportName | undefined
  /** Said once, and meant for all who come later too. */
  #welcome = ''

  constructor(openTransport: OpenTransport) {
    this.#transport = openTransport({
      onCarrier: (name) => {
        this.#carrier = name
        for (const { onCarrier } of this.#current()) onCarrier?.(name)
      },
      onOpen: () => {
        this.#state = 'open'
        for (const { onOpen } of this.#current()) onOpen()
      },
      onMessage: (text) => this.#receive(text),
      onClose: (code, reason) => {
        const users = this.#current()
        this.#state = 'over'
        this.#users.clear()
        for (const { onClose } of users) onClose(code, reason)
      },
    })
  }

  get hasRoom(): boolean {
    return this.#state !== 'over' && !this.#isStale && this.#taken.size < MAX_CHANNELS
  }

  attach(handlers: TransportHandlers): Transport {
    let channel = 1
    while (this.#taken.has(channel)) channel++
    this.#taken.add(channel)
    this.#users.set(channel, handlers)
    if (this.#state === 'open') queueMicrotask(() => this.#greet(channel, handlers))
    return {
      channel,
      send: (text) => this.#transport.send(text),
      close: (manner) => this.#detach(channel, handlers, manner),
    }
  }

  /** For who comes when the link is open already. */
  #greet(channel: number, handlers: TransportHandlers): void {
    if (this.#users.get(channel) !== handlers) return
    if (this.#carrier) handlers.onCarrier?.(this.#carrier)
    handlers.onOpen()
    if (this.#welcome !== '') handlers.onMessage(this.#welcome)
  }

  #detach(channel: number, handlers: TransportHandlers, manner: 'goodbye' | 'cut'): void {
    if (this.#users.get(channel) !== handlers) return
    this.#users.delete(channel)
    if (this.#users.size === 0) {
      this.#state = 'over'
      return this.#transport.close(manner)
    }
    if (!this.#taken.has(channel)) return // the server closed it
    if (this.#state === 'opening') this.#taken.delete(channel)
    else if (manner === 'goodbye') this.#transport.send(JSON.stringify({ type: 'close', ch: channel }))
    // Its session goes on over another link, so the server must not hear a goodbye.
    else this.#isStale = true
  }

  /** Each gets its own lines, and those that are for all; a message without any is a sign of life all the same. */
  #receive(text: string): void {
    const lines = text.split('\n').map((line) => ({ line, channel: channelOf(line) }))
    for (const { line, channel } of lines) {
      if (channel === undefined && line.startsWith('{"type":"welcome"')) this.#welcome = line
      if (channel !== undefined && line.startsWith('{"type":"closed"')) this.#taken.delete(channel)
    }
    for (const [own, handlers] of [...this.#users]) {
      if (this.#users.get(own) !== handlers) continue // gone by what another one made of it
      const forIt = lines.filter(({ channel }) => channel === undefined || channel === own)
      handlers.onMessage(forIt.map(({ line }) => line).join('\n'))
    }
  }

  #current(): TransportHandlers[] {
    return [...this.#users.values()]
  }
}

/** @returns nothing for what is said to the whole link, or is no frame: each reports that itself */
function channelOf(line: string): number | undefined {
  const quick = /^\{(?:"type":"\w+",)?"ch":(\d+)/.exec(line)
  if (quick) return Number(quick[1])
  try {
    const frame: unknown = JSON.parse(line)
    return isRecord(frame) && typeof frame.ch === 'number' ? frame.ch : undefined
  } catch {
    return undefined
  }
}
