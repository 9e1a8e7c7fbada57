/** What a server knows of the nodes beside it: whose request this is, and how it gets there. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NodeRegistry } from '../../../core/ports/node-registry.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import type { Clock, Random } from '../../../core/ports/system.ts'
import { ForwardMark } from './forward-mark.ts'
import { Forwarder } from './forwarder.ts'
import { NodeDirectory } from './node-directory.ts'
import { NodeIds } from './node-ids.ts'

export interface ClusterNodeOptions {
  /** Without one the server runs alone: it passes nothing on, and its ids name no node. */
  readonly registry: NodeRegistry | undefined
  /** The same on all nodes. Its bytes are there before the first request. */
  readonly secret: { readonly bytes: Uint8Array }
  /** That some of them have, while it is changed. */
  readonly otherSecret?: Uint8Array | undefined
  /** The client's address, as the connection and proxies in front say. */
  readonly clientAddress: (request: IncomingMessage) => string
  readonly basePath: string
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
  /** Those that it gives out already. */
  readonly ids?: NodeIds
}

const FORGED =
  'A request has the mark of another node, but not of this cluster: give all nodes the same JWT_SECRET, and clocks ' +
  'within 15 minutes of each other.'

const NO_ADDRESS =
  'The other nodes cannot reach this one, since it listens on no port: set ROOMFUL_NODE_URL to where they can.'

export class ClusterNode {
  readonly ids: NodeIds
  private readonly options: ClusterNodeOptions
  private readonly mark: ForwardMark
  private readonly forwarder: Forwarder | undefined
  private hasReported = false

  constructor(options: ClusterNodeOptions) {
    const { registry, secret, otherSecret, basePath, clock, random, observer } = options
    this.options = options
    this.ids = options.ids ?? new NodeIds(random, registry !== undefined)
    this.mark = new ForwardMark(secret, clock.now, otherSecret)
    this.forwarder =
      registry &&
      new Forwarder({
        directory: new NodeDirectory(registry, clock),
        mark: (request) => this.mark.write(request, options.clientAddress(request)),
        basePath,
        clock,
        observer,
      })
  }

  /** Whether there can be other nodes. */
  get isShared(): boolean {
    return this.forwarder !== undefined
  }

  /**
   * @param url where the other nodes reach this one; undefined when it listens on no port
   * @throws Error (rejects) without a URL; what the registry rejects with
   */
  async join(url: string | undefined): Promise<void> {
    const { registry } = this.options
    if (registry && url === undefined) throw new Error(NO_ADDRESS)
    if (url !== undefined) await registry?.join({ tag: this.ids.tag, url: url.replace(/\/+$/, '') })
  }

  /** Also what another node says that passed the request on. */
  readonly clientAddress = (request: IncomingMessage): string =>
    (this.forwarder && this.mark.addressOf(request)) || this.options.clientAddress(request)

  /** @returns the sentence of a refusal, for a request that pretends to come from another node */
  refusal(request: IncomingMessage): string | undefined {
    if (!this.forwarder || this.mark.addressOf(request) !== false) return undefined
    if (!this.hasReported) this.options.observer.observe({ type: 'notice', message: FORGED, isRisky: true })
    this.hasReported = true
    return FORGED
  }

  /** @returns the other node that a request for this id belongs to; undefined for one that was passed on already */
  ownerOf(request: IncomingMessage, id: unknown): string | undefined {
    const tag = this.ids.foreignTagOf(id)
    return tag === undefined || this.mark.addressOf(request) !== undefined ? undefined : tag
  }

  /** Whether another node has passed this request on. */
  isFromNode(request: IncomingMessage): boolean {
    return typeof this.mark.addressOf(request) === 'string'
  }

  /** A request that belongs to no session, while this node is about to end. @returns (resolves) false when it is the last one */
  async passToOther(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const tag = this.isFromNode(request) ? undefined : await this.forwarder?.otherThan(this.ids.tag)
    return tag !== undefined && this.pass(request, response, tag)
  }

  /** @see Forwarder.request */
  async pass(request: IncomingMessage, response: ServerResponse, tag: string, body?: string): Promise<boolean> {
    return this.forwarder?.request(request, response, tag, body) ?? false
  }

  /** @see Forwarder.upgrade */
  async passUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, tag: string): Promise<boolean> {
    return this.forwarder?.upgrade(request, socket, head, tag) ?? false
  }

  /** No other node sends requests here any more, and what is on its way is cut. */
  async leave(): Promise<void> {
    this.forwarder?.close()
    await this.options.registry?.leave()
  }
}
