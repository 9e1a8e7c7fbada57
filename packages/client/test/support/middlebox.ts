/** What stands between a client and its server in companies, hotels and trains: a proxy that does not let everything through. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface Rules {
  /**
   * What becomes of an upgrade: it is let through; the connection is cut; it is answered as if it were none; nothing at all
   * happens; or it succeeds, and no frame ever gets through.
   */
  upgrades: 'pass' | 'cut' | 'answer' | 'swallow' | 'mute'
  /** A stream is let through as it comes, or held back until it ends. */
  streams: 'pass' | 'hold'
}

export class Middlebox {
  readonly rules: Rules = { upgrades: 'pass', streams: 'pass' }
  /** Method and path of every request, and `UPGRADE`. */
  readonly seen: string[] = []
  url = ''
  private readonly target: number
  private readonly server: Server
  private readonly sockets = new Set<Duplex>()

  constructor(target: number) {
    this.target = target
    this.server = createServer((incoming, response) => this.forward(incoming, response))
    this.server.on('upgrade', (incoming, socket, head) => this.upgrade(incoming, socket, head))
    this.server.on('connection', (socket) => this.keep(socket))
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
    return this
  }

  /** Everything that is under way breaks off. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private keep<S extends Duplex>(socket: S): S {
    this.sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.sockets.delete(socket))
    return socket
  }

  private forward(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url: path = '', headers } = incoming
    this.seen.push(`${method} ${path}`)
    const onward = request({ host: '127.0.0.1', port: this.target, method, path, headers, agent: false }, (answer) => {
      if (this.rules.streams === 'hold' && path.includes('/sse')) return void answer.resume()
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }

  private upgrade({ url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.seen.push('UPGRADE')
    const { upgrades } = this.rules
    if (upgrades === 'cut') return void socket.destroy()
    if (upgrades === 'swallow') return
    if (upgrades === 'answer') return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno')
    const onward = this.keep(connect(this.target, '127.0.0.1'))
    const lines = rawHeaders.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${rawHeaders[i + 1]}`]))
    onward.write([`GET ${url} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
    onward.write(head)
    socket.pipe(onward)
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
    if (upgrades === 'pass') onward.pipe(socket)
    else this.mute(onward, socket)
  }

  /** Lets the answer to the handshake through, and nothing behind it. */
  private mute(onward: Socket, socket: Duplex): void {
    onward.once('data', (bytes: Buffer) => {
      socket.write(bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4))
      onward.resume()
    })
  }
}
