/**
 * Several clients over one link: each has a channel of it, and gets its own frames and those for all. The first one opens the
 * link, the last one closes it. PROTOCOL.md 6.
 */
import { isRecord, MAX_CHANNELS } from '@roomful/protocol'
import type { OpenTransport, Transport, TransportHandlers, TransportName } from './transports/transport.ts'

/** One client's part of a link. */
export interface Channel extends Transport {
  readonly channel: number
  /** Gives it up without a goodbye, on a link that works: its session can be resumed, over this link too. */
  leave(): void
  /** A message arrived on the link within this time, ms. */
  wasAlive(withinMs: number): boolean
}

/** The links in use: one, until there are more clients than a link has channels, or one of them may be dead. */
export class LinkPool {
  readonly #openTransport: OpenTransport
  readonly #monotonic: () => number
  #links: Multiplexer[] = []

  constructor(openTransport: OpenTransport, monotonic: () => number) {
    this.#openTransport = openTransport
    this.#monotonic = monotonic
  }

  attach(handlers: TransportHandlers): Channel {
    this.#links = this.#links.filter(({ isOver }) => !isOver)
    let link = this.#links.find(({ hasRoom }) => hasRoom)
    if (!link) {
      link = new Multiplexer(this.#openTransport, this.#monotonic)
      this.#links.push(link)
    }
    return link.attach(handlers)
  }
}

/** One transport and the channels on it. */
class Multiplexer {
  readonly #transport: Transport
  readonly #monotonic: () => number
  readonly #channels = new Map<number, TransportHandlers>()
  /** Numbers in use, also those that the server may still use for a closed channel. */
  readonly #taken = new Set<number>()
  #state: 'opening' | 'open' | 'over' = 'opening'
  /** A client gave it up, so it may be dead, or the server is about to restart: later clients use another link. */
  #isStale = false
  #carrier: TransportName | undefined
  /** The server sends it once; later clients need it too. */
  #welcome = ''
  #lastMessageMs = Number.NEGATIVE_INFINITY

  constructor(openTransport: OpenTransport, monotonic: () => number) {
    this.#monotonic = monotonic
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

  get isOver(): boolean {
    return this.#state === 'over'
  }

  get hasRoom(): boolean {
    return !this.isOver && !this.#isStale && this.#taken.size < MAX_CHANNELS
  }

  attach(handlers: TransportHandlers): Channel {
    let channel = 1
    while (this.#taken.has(channel)) channel++
    this.#taken.add(channel)
    this.#channels.set(channel, handlers)
    if (this.#state === 'open') queueMicrotask(() => this.#greet(channel, handlers))
    return {
      channel,
      send: (text) => this.#transport.send(text),
      close: (manner) => this.#detach(channel, handlers, manner),
      leave: () => this.#detach(channel, handlers, 'leave'),
      wasAlive: (withinMs) => this.#monotonic() - this.#lastMessageMs <= withinMs,
    }
  }

  /** For a client that attaches to an open link. */
  #greet(channel: number, handlers: TransportHandlers): void {
    if (this.#channels.get(channel) !== handlers) return
    if (this.#carrier) handlers.onCarrier?.(this.#carrier)
    handlers.onOpen()
    if (this.#welcome !== '') handlers.onMessage(this.#welcome)
  }

  #detach(channel: number, handlers: TransportHandlers, manner: 'goodbye' | 'cut' | 'leave'): void {
    if (this.#channels.get(channel) !== handlers) return
    this.#channels.delete(channel)
    if (this.#channels.size === 0) {
      this.#state = 'over'
      return this.#transport.close(manner === 'goodbye' ? manner : 'cut')
    }
    if (!this.#taken.has(channel)) return // the server closed it
    if (this.#state === 'opening') this.#taken.delete(channel)
    else if (manner === 'goodbye') this.#transport.send(JSON.stringify({ type: 'close', ch: channel }))
    else if (manner === 'leave') this.#transport.send(JSON.stringify({ type: 'close', ch: channel, keep: true }))
    // Its session is resumed over another link, so this one must not end it.
    else this.#isStale = true
  }

  /** Each client gets its own lines and those for all. One without lines gets an empty message: the link is alive. */
  #receive(text: string): void {
    this.#lastMessageMs = this.#monotonic()
    const lines = text.split('\n').map((line) => ({ line, channel: channelOf(line) }))
    for (const { line, channel } of lines) {
      if (channel === undefined && line.startsWith('{"type":"welcome"')) this.#welcome = line
      if (channel !== undefined && line.startsWith('{"type":"closed"')) this.#taken.delete(channel)
      if (channel !== undefined && DRAINING.test(line)) this.#isStale = true
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

/** The server is about to restart. */
const DRAINING = /^\{"ch":\d+,"event":"server:draining"/

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
