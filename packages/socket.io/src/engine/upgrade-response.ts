/**
 * The response that middlewares get with an upgrade, for which Node has none. Headers go into the answer to the upgrade;
 * everything else that a middleware of Express expects of a response is there.
 */
import { EventEmitter } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeader, validateHeaderName, validateHeaderValue } from 'node:http'
import type { Duplex } from 'node:stream'

export class UpgradeResponse extends EventEmitter {
  readonly req: IncomingMessage
  readonly socket: Duplex
  statusCode = 101
  statusMessage = ''
  headersSent = false
  writableEnded = false
  /** Engine.IO's `headers` events are given this object. */
  readonly headers: Record<string, OutgoingHttpHeader> = {}

  constructor(req: IncomingMessage, socket: Duplex) {
    super()
    this.req = req
    this.socket = socket
  }

  get finished(): boolean {
    return this.writableEnded
  }

  setHeader(name: string, value: OutgoingHttpHeader): this {
    validateHeaderName(name)
    validateHeaderValue(name, value as string)
    this.headers[this.nameOf(name)] = value
    return this
  }

  appendHeader(name: string, value: string | string[]): this {
    const before = this.getHeader(name)
    return this.setHeader(name, before === undefined ? value : [before, value].flat().map(String))
  }

  getHeader(name: string): OutgoingHttpHeader | undefined {
    return this.headers[this.nameOf(name)]
  }

  hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined
  }

  getHeaderNames(): string[] {
    return Object.keys(this.headers).map((name) => name.toLowerCase())
  }

  getHeaders(): Record<string, OutgoingHttpHeader> {
    return { ...this.headers }
  }

  removeHeader(name: string): void {
    delete this.headers[this.nameOf(name)]
  }

  /** Sessions are saved, and their cookies set, when a response is about to be written. */
  writeHead(statusCode?: number): this {
    if (statusCode !== undefined) this.statusCode = statusCode
    return this
  }

  flushHeaders(): void {}

  write(): boolean {
    return true
  }

  /** A middleware has answered by itself: the upgrade is over. */
  end(): this {
    if (this.writableEnded) return this
    this.writableEnded = true
    this.socket.destroy()
    this.emit('finish')
    this.emit('close')
    return this
  }

  /** The headers as lines of the answer. @throws Error for a value that no header may have */
  lines(): string {
    let lines = ''
    for (const [name, value] of Object.entries(this.headers)) {
      for (const each of [value].flat()) {
        validateHeaderName(name)
        validateHeaderValue(name, String(each))
        lines += `${name}: ${each}\r\n`
      }
    }
    return lines
  }

  private nameOf(name: string): string {
    const lower = name.toLowerCase()
    return Object.keys(this.headers).find((each) => each.toLowerCase() === lower) ?? name
  }
}
