/**
 * One link for the clients of several namespaces: each has its own channel, with its own user, rooms and reconnects. Clients
 * do not affect each other; the first one opens the link, the last one closes it. PROTOCOL.md 6.
 */
import { isRecord, MAX_CHANNELS } from '@roomful/protocol'
import { Client, type ClientOptions } from './client.ts'
import { Credentials, type CredentialsOptions } from './credentials.ts'
import { createEnvironment, type EnvironmentOptions } from './environment.ts'
import { type DefaultTransportsOptions, defaultTransports } from './transports/default-transports.ts'
import type { OpenTransport, Transport, TransportHandlers, TransportName } from './transports/transport.ts'
import type { AnyContract } from './types.ts'

/** How a shared link connects. */
export interface SharedLinkOptions extends CredentialsOptions, EnvironmentOptions, DefaultTransportsOptions {
  /** A transport of your own, instead of those of the SDK. */
  transport?: OpenTransport
  /** For each transport to open the link, and again for the server to open each session, ms. Default 10,000. */
  connectTimeoutMs?: number
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
  readonly #openTransport: OpenTransport
  readonly #credentials: Credentials
  #mux: Multiplexer | undefined

  /** @see createLink */
  constructor(url: string | URL, options: SharedLinkOptions = {}) {
    this.#url = url
    this.#options = options
    this.#openTransport =
      options.transport ??
      defaultTransports(url, options, createEnvironment(options), options.connectTimeoutMs ?? 10_000)
    this.#credentials = new Credentials(options)
  }

  /**
   * Connects to a namespace.
   * @returns its client; close it when you no longer need it: the last one closes the link
   */
  connect<C extends AnyContract = undefined>(options: NamespaceOptions = {}): Client<C> {
    const openTransport: OpenTransport = (handlers) => this.#attach(handlers)
    return new Client<C>(this.#url, { ...this.#options, ...options }, { openTransport, credentials: this.#credentials })
  }

  #attach(handlers: TransportHandlers): Transport {
    if (!this.#mux?.hasRoom) this.#mux = new Multiplexer(this.#openTransport)
    return this.#mux.attach(handlers)
  }
}

/** One transport and the channels on it. */
class Multiplexer {
  readonly #transport: Transport
  readonly #channels = new Map<number, TransportHandlers>()
  /** Numbers in use, also those that the server may still use for a closed channel. */
  readonly #taken = new Set<number>()
  #state: 'opening' | 'open' | 'over' = 'opening'
  /** A client gave it up, so it may be dead: later clients use another link. */
  #isStale = false
  #carrier: TransportName | undefined
  /** The server sends it once; later clients need it too. */
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
        const channels = this.#current()
        this.#state = 'over'
        this.#channels.clear()
        for (const { onClose } of channels) onClose(code, reason)
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
    this.#channels.set(channel, handlers)
    if (this.#state === 'open') queueMicrotask(() => this.#greet(channel, handlers))
    return {
      channel,
      send: (text) => this.#transport.send(text),
      close: (manner) => this.#detach(channel, handlers, manner),
    }
  }

  /** For a client that attaches to an open link. */
  #greet(channel: number, handlers: TransportHandlers): void {
    if (this.#channels.get(channel) !== handlers) return
    if (this.#carrier) handlers.onCarrier?.(this.#carrier)
    handlers.onOpen()
    if (this.#welcome !== '') handlers.onMessage(this.#welcome)
  }

  #detach(channel: number, handlers: TransportHandlers, manner: 'goodbye' | 'cut'): void {
    if (this.#channels.get(channel) !== handlers) return
    this.#channels.delete(channel)
    if (this.#channels.size === 0) {
      this.#state = 'over'
      return this.#transport.close(manner)
    }
    if (!this.#taken.has(channel)) return // the server closed it
    if (this.#state === 'opening') this.#taken.delete(channel)
    else if (manner === 'goodbye') this.#transport.send(JSON.stringify({ type: 'close', ch: channel }))
    // Its session is resumed over another link, so this one must not end it.
    else this.#isStale = true
  }

  /** Each client gets its own lines and those for all. One without lines gets an empty message: the link is alive. */
  #receive(text: string): void {
    const lines = text.split('\n').map((line) => ({ line, channel: channelOf(line) }))
    for (const { line, channel } of lines) {
      if (channel === undefined && line.startsWith('{"type":"welcome"')) this.#welcome = line
      if (channel !== undefined && line.startsWith('{"type":"closed"')) this.#taken.delete(channel)
    }
    for (const [own, handlers] of [...this.#channels]) {
      if (this.#channels.get(own) !== handlers) continue // detached by a handler of another client
      const forIt = lines.filter(({ channel }) => channel === undefined || channel === own)
      handlers.onMessage(forIt.map(({ line }) => line).join('\n'))
    }
  }

  #current(): TransportHandlers[] {
    return [...this.#channels.values()]
  }
}

/** @returns the channel of a frame; `undefined` for frames to the whole link, and for lines that are no frame */
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
