/**
 * The servers of one application that share a Redis: they know of each other, tell each other what their sockets need, and pass
 * on requests of sessions that another one of them has. Loaded only where there is a Redis.
 */

import cluster from 'node:cluster'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { NodeIds, systemRandom } from '@roomful/server/core'
import type { ClusterNode, Peers } from '@roomful/server/redis'
import type { Adapter } from '../adapter.ts'
import type { AnyHttpServer } from '../engine/attach.ts'
import type { Engine } from '../engine/server.ts'
import { type Message, Nodes } from './nodes.ts'
import type { RedisAdapterOptions, RedisAdapterPeers } from './redis-adapter.ts'

export interface ClusterOptions {
  readonly url: string
  readonly prefix: string | undefined
  /** Which application this is; by default the name in its `package.json`. */
  readonly application: string | undefined
  readonly secret: string | undefined
  /** Where the others reach this server, if not where it listens. */
  readonly nodeUrl: string | undefined
  readonly redisAdapter: Pick<RedisAdapterOptions, 'key' | 'speaks'> | undefined
  /** From another server; undefined when nothing here knows the namespace. */
  readonly onTold: (namespace: string, message: Message, from: string) => unknown
}

const ID_LENGTH = 20
/** A first request waits so long for the other servers to know of this one. */
const JOIN_MS = 2_000
const FORBIDDEN = 403

export class Cluster {
  /** Rejects when there is none after all: another application's, or a Redis that cannot be used. */
  readonly peers: Promise<Peers>
  /** There is nothing to wait for any more. */
  isKnown = false
  node: ClusterNode | undefined
  private readonly ids = new NodeIds(systemRandom, true)
  private readonly options: ClusterOptions
  private readonly known: Promise<void>
  private readonly nodes = new Set<Nodes>()
  private beside: RedisAdapterPeers | undefined
  private nodesServer: HttpServer | undefined
  private opened: Peers | undefined
  private isClosed = false

  constructor(options: ClusterOptions) {
    this.options = options
    this.peers = this.open()
    this.peers.catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, JOIN_MS).unref()
    })
    const joined = this.peers.then((peers) => peers.joined).catch(() => undefined)
    this.known = Promise.race([late, joined]).then(() => {
      clearTimeout(timer)
      this.isKnown = true
    })
  }

  /** The others know of this server, or it took too long. */
  whenKnown(): Promise<void> {
    return this.known
  }

  /** What all of them have in common. Rejects when this server is none of them. */
  async secret(): Promise<Uint8Array> {
    const peers = await this.peers
    await peers.joined
    return peers.secret.bytes
  }

  /** An id of a session, which names this server. */
  createId(): string {
    return this.ids.create(ID_LENGTH)
  }

  tell(namespace: string, message: object): void {
    if (this.opened) this.opened.tell([namespace, message])
    else void this.peers.then((peers) => peers.tell([namespace, message])).catch(() => undefined)
  }

  tellOne(node: string, namespace: string, message: object): void {
    this.opened?.tellOne(node, [namespace, message])
  }

  /** The other servers for one namespace. */
  nodesFor(adapter: Adapter): Nodes {
    const nodes = new Nodes(adapter, this)
    this.nodes.add(nodes)
    nodes.beside = this.beside?.add(adapter)
    return nodes
  }

  /** Hears, and perhaps reaches, servers with the adapter of Socket.IO. */
  private async openBeside(peers: Peers): Promise<void> {
    const { redisAdapter, url } = this.options
    if (!redisAdapter) return
    const { RedisAdapterPeers } = await import('./redis-adapter.ts')
    if (this.isClosed) return
    const report = (error: unknown): void => {
      process.emitWarning(
        `Of the Redis adapters and emitters of Socket.IO something is lost: ${error}`,
        'RoomfulWarning',
      )
    }
    this.beside = new RedisAdapterPeers({ ...redisAdapter, url, ownCount: () => peers.count(), report })
    for (const nodes of this.nodes) nodes.beside = this.beside.add(nodes.adapter)
  }

  /** Where the others reach the engine: on its HTTP server, once that listens. */
  serve(httpServer: AnyHttpServer, engine: Engine): void {
    const join = (): void => void this.join(httpServer as HttpServer, engine).catch(() => undefined)
    if (httpServer.listening) join()
    else httpServer.once('listening', join)
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.nodesServer?.close()
    this.nodesServer?.closeAllConnections()
    this.beside?.close()
    await this.node?.leave()
    await this.opened?.leave()
  }

  private async open(): Promise<Peers> {
    const { url, prefix, secret, onTold } = this.options
    const { openCluster } = await import('@roomful/server/redis')
    if (this.isClosed) throw new Error('The server is closed')
    const options = {
      url,
      prefix,
      application: this.options.application ?? applicationName(),
      secret: secret === undefined ? undefined : Buffer.from(secret),
      onTold: (body: unknown, from: string) => onTold(...(body as [string, Message]), from),
      report: (sentence: string) => process.emitWarning(`${ALONE}: ${sentence}`, 'RoomfulWarning'),
    }
    const { peers, node } = openCluster(options, this.ids)
    this.opened = peers
    this.node = node
    await this.openBeside(peers)
    return peers
  }

  private async join(httpServer: HttpServer, engine: Engine): Promise<void> {
    const { reachableUrl } = await import('@roomful/server/redis')
    await (await this.peers).joined
    const { nodeUrl } = this.options
    // Processes that share a port need one each, for what is meant for one of them.
    const server = cluster.isWorker ? await this.serveNodes(httpServer, engine) : httpServer
    const own = reachableUrl(server)
    const url = nodeUrl === undefined ? own : cluster.isWorker ? withPort(nodeUrl, own) : nodeUrl
    if (!this.isClosed) await this.node?.join(url)
  }

  private async serveNodes(httpServer: HttpServer, engine: Engine): Promise<HttpServer> {
    const isForeign = (request: IncomingMessage): boolean => this.node?.isFromNode(request) !== true
    const server = createServer((request, response) => {
      if (isForeign(request)) response.writeHead(FORBIDDEN).end()
      else engine.handleRequest(request, response)
    })
    server.on('upgrade', (request, socket, head) => {
      if (isForeign(request)) socket.destroy()
      else engine.handleUpgrade(request, socket, head)
    })
    this.nodesServer = server
    const { address: host } = httpServer.address() as AddressInfo
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: 0, host, exclusive: true }, resolve)
    })
    server.unref()
    return server
  }
}

const ALONE =
  'This server looks for others of its application by REDIS_URL, and serves its own clients alone at the moment ' +
  '(roomful.redisUrl: false leaves it alone for good)'

function withPort(nodeUrl: string, own: string | undefined): string {
  const url = new URL(nodeUrl)
  if (own !== undefined) url.port = new URL(own).port
  return url.href
}

/** The name in the nearest `package.json` of the program that runs; of process managers that of what they run. */
function applicationName(): string {
  const program = process.env.pm_exec_path ?? process.argv[1] ?? join(process.cwd(), 'index.js')
  for (let folder = dirname(program), above = dirname(folder); ; folder = above, above = dirname(folder)) {
    const file = join(folder, 'package.json')
    try {
      const { name } = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown }) : {}
      if (typeof name === 'string') return name
    } catch {
      // No description of a package.
    }
    if (above === folder) return ''
  }
}
