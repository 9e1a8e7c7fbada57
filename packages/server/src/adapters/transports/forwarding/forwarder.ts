/**
 * Requests for a session of another node go to that node, so that no proxy in front has to know which client is whose.
 * Bytes pass as they come, and a cut on one side is a cut on the other.
 */
import { Agent, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http'
import { request as requestHttps, Agent as SecureAgent } from 'node:https'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Observer } from '../../../core/ports/observer.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { sendContinue } from '../http-request.ts'
import { ignoreSocketError } from '../websocket/wire.ts'
import { MARK_HEADER } from './forward-mark.ts'
import type { NodeDirectory } from './node-directory.ts'

/** A node that is there accepts within this time. */
const CONNECT_TIMEOUT_MS = 2_000
/** What a client may take to read the last bytes. */
const LINGER_MS = 5_000
/** Kept connections to one node; more are open while requests wait. */
const IDLE_SOCKETS_MAX = 64
/** They concern one connection, or are written again. RFC 9110 section 7.6.1. */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['expect', MARK_HEADER],
])

export interface ForwarderOptions {
  readonly directory: NodeDirectory
  /** What goes into the header of a request that is passed on. */
  readonly mark: (request: IncomingMessage) => string
  /** Before the paths as the routes know them. */
  readonly basePath: string
  readonly clock: Clock
  readonly observer: Observer
}

export class Forwarder {
  private readonly options: ForwarderOptions
  private readonly agents = {
    'http:': new Agent({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX }),
    'https:': new SecureAgent({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX }),
  }
  /** What ends each request and each upgrade that is on its way. */
  private readonly open = new Set<() => void>()

  constructor(options: ForwarderOptions) {
    this.options = options
  }

  /** Number of requests and upgrades that are on their way. */
  get size(): number {
    return this.open.size
  }

  /**
   * @param tag of the node that the request is for
   * @param body what was read of it already; without it the request is still to be read
   * @returns (resolves) false when that node is not there: nothing is answered yet then, and the body is lost
   */
  async request(request: IncomingMessage, response: ServerResponse, tag: string, body?: string): Promise<boolean> {
    const url = await this.options.directory.urlOf(tag)
    if (response.destroyed) return true
    const isThere = url !== undefined && (await this.exchange(new URL(url), request, response, body))
    this.options.observer.observe({ type: 'forwarded', what: 'request', ok: isThere })
    return isThere
  }

  /** The connection of a WebSocket handshake becomes one with that node. @see request */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, tag: string): Promise<boolean> {
    socket.on('error', ignoreSocketError)
    const url = await this.options.directory.urlOf(tag)
    if (socket.destroyed) return true
    const isThere = url !== undefined && (await this.join(new URL(url), request, socket, head))
    this.options.observer.observe({ type: 'forwarded', what: 'upgrade', ok: isThere })
    return isThere
  }

  /** A node that is there, besides this one. */
  otherThan(tag: string): Promise<string | undefined> {
    return this.options.directory.otherThan(tag)
  }

  /** The other nodes see their clients' connections end before the clients do, which may come again at once. */
  close(): void {
    for (const cut of this.open) cut()
    for (const agent of Object.values(this.agents)) agent.destroy()
  }

  /** Resolves once it is answered or cut, or false when there is no connection. */
  private exchange(
    { protocol, hostname, port }: URL,
    request: IncomingMessage,
    response: ServerResponse,
    body: string | undefined,
  ): Promise<boolean> {
    const isSecure = protocol === 'https:'
    const sent = (isSecure ? requestHttps : requestHttp)({
      agent: this.agents[isSecure ? 'https:' : 'http:'],
      hostname: bare(hostname),
      port,
      method: request.method,
      path: this.options.basePath + request.url,
      headers: this.headersOf(request, body),
      setHost: false,
    })
    const cut = (): void => {
      sent.destroy()
      response.destroy()
    }
    this.open.add(cut)
    const stopWaiting = this.options.clock.after(CONNECT_TIMEOUT_MS, () => sent.destroy())
    sent.once('socket', (socket) => {
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', stopWaiting)
      else stopWaiting()
    })
    sent.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders))
      response.flushHeaders() // a stream may be quiet at first
      answer.pipe(response)
      answer.once('error', () => response.destroy())
    })
    sendContinue(request)
    if (body === undefined) request.pipe(sent)
    else sent.end(body)
    return new Promise((resolve) => {
      sent.on('error', () => {
        if (response.headersSent) return void response.destroy()
        stopWaiting()
        this.open.delete(cut)
        resolve(response.destroyed)
      })
      response.once('close', () => {
        stopWaiting()
        this.open.delete(cut)
        sent.destroy()
        resolve(true)
      })
    })
  }

  /** Resolves once the two connections are one, or false when there is none to that node. */
  private join({ protocol, hostname, port }: URL, request: IncomingMessage, socket: Duplex, head: Buffer) {
    const isSecure = protocol === 'https:'
    const address = { host: bare(hostname), port: Number(port) || (isSecure ? 443 : 80) }
    const target = isSecure ? connectTls({ ...address, servername: address.host }) : connect(address)
    target.setNoDelay(true)
    const cut = (): void => {
      target.destroy()
      socket.destroy()
    }
    this.open.add(cut)
    const stopWaiting = this.options.clock.after(CONNECT_TIMEOUT_MS, () => target.destroy())
    const onClientClosed = (): void => void target.destroy()
    socket.once('close', onClientClosed)
    target.on('error', ignoreSocketError)
    return new Promise<boolean>((resolve) => {
      target.once(isSecure ? 'secureConnect' : 'connect', () => {
        stopWaiting()
        target.write(this.headOf(request))
        target.write(head)
        socket.pipe(target).pipe(socket)
        target.once('close', () => this.destroyWhenSent(socket))
        resolve(true)
      })
      target.once('close', () => {
        stopWaiting()
        this.open.delete(cut)
        socket.off('close', onClientClosed)
        resolve(socket.destroyed)
      })
    })
  }

  /** What the node said last, such as a close frame, still gets to the client. */
  private destroyWhenSent(socket: Duplex): void {
    if (!socket.writableEnded || socket.writableFinished) return void socket.destroy()
    socket.once('finish', () => socket.destroy())
    this.options.clock.after(LINGER_MS, () => socket.destroy())
  }

  private headersOf(request: IncomingMessage, body: string | undefined): string[] {
    const headers = [...endToEnd(request.rawHeaders), MARK_HEADER, this.options.mark(request)]
    const isLengthKnown = request.headers['content-length'] !== undefined
    const isBodyChunked = !isLengthKnown && request.headers['transfer-encoding'] !== undefined
    if (body === undefined) return isBodyChunked ? [...headers, 'Transfer-Encoding', 'chunked'] : headers
    return [...without(headers, 'content-length'), 'Content-Length', String(Buffer.byteLength(body))]
  }

  /** As it came, with the mark. */
  private headOf(request: IncomingMessage): string {
    const { method, url = '/', rawHeaders } = request
    const headers = [...without(rawHeaders, MARK_HEADER), MARK_HEADER, this.options.mark(request)]
    const lines = [`${method} ${this.options.basePath}${url} HTTP/1.1`]
    for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
    return `${lines.join('\r\n')}\r\n\r\n`
  }
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => !HOP_BY_HOP.has((rawHeaders[at - (at % 2)] as string).toLowerCase()))
}

function without(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, at) => (rawHeaders[at - (at % 2)] as string).toLowerCase() !== name)
}

/** As a socket wants an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}
