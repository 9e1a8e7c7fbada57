/**
 * A client's network, and everything that can go wrong on it. Every transport runs on TCP, so nothing is reordered or doubled
 * within a link: bytes come late, or not at all. Duplicates come only from clients that repeat a request on the next link.
 */
import type { OpenTransport } from '@roomful/client'
import { v1Dialect } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { Caller } from '../server.ts'
import { type ClientEnd, type Host, SimulatedLink } from './link.ts'

export interface NetworkOptions {
  readonly clock: VirtualClock
  /** The server, or which of several takes a new link. */
  readonly host: Host | (() => Host)
  /** Which namespace the URL names. Default `/`. */
  readonly namespace?: string
  /** How long one message takes, drawn again for each; the order of a link is kept. */
  readonly delayMs: () => number
}

export class SimulatedNetwork {
  /** How many links were opened. */
  opened = 0
  private readonly options: NetworkOptions
  private readonly links = new Set<SimulatedLink>()
  private isDark = false
  private isStalled = false

  constructor(options: NetworkOptions) {
    this.options = options
  }

  /** The SDK's transport: `connect(url, { transport: network.transport })`. */
  readonly transport: OpenTransport = (handlers) => this.open({ dialect: v1Dialect }, handlers)

  /** Nothing arrives at the client for the moment. */
  get isHeld(): boolean {
    return this.isDark || this.isStalled
  }

  open(caller: Caller, client: ClientEnd): SimulatedLink {
    this.opened++
    const onGone = (link: SimulatedLink): void => void this.links.delete(link)
    const { namespace = '/', host: given } = this.options
    const host = typeof given === 'function' ? given() : given
    const link = new SimulatedLink({ ...this.options, host, caller: { namespace, ...caller }, client, onGone })
    this.links.add(link)
    if (host.stands) link.hold('suspended')
    if (this.isDark) link.hold('outage')
    if (this.isStalled) link.stall()
    link.open()
    return link
  }

  /** Every link breaks; what is on its way is lost. */
  cut(): void {
    for (const link of [...this.links]) link.cut()
  }

  /**
   * Nothing gets through any more on the links that there are; new ones work.
   * @param notices which end knows that its link is over; neither without it
   */
  blackHole(notices?: 'client' | 'server'): void {
    for (const link of [...this.links]) link.blackHole(notices)
  }

  /** Nothing gets through at all, and neither end is informed. */
  outage(): void {
    this.isDark = true
    for (const link of this.links) link.hold('outage')
  }

  /** The network is back, and delivers what it held. */
  heal(): void {
    this.isDark = false
    for (const link of this.links) link.release('outage')
  }

  /** The client does not read what arrives. */
  stall(): void {
    this.isStalled = true
    for (const link of this.links) link.stall()
  }

  drain(): void {
    this.isStalled = false
    for (const link of this.links) link.drain()
  }

  /** The process of a server is gone. */
  loseServer(host: Host, isSilent: boolean): void {
    for (const link of [...this.links]) if (link.host === host) link.lose(isSilent)
  }

  /** The process of a server is suspended, or goes on. */
  suspend(host: Host, stands: boolean): void {
    for (const link of this.links) {
      if (link.host !== host) continue
      if (stands) link.hold('suspended')
      else link.release('suspended')
    }
  }
}
