/** A TCP proxy that a test can cut or freeze: what a lost network looks like from a client. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export class CuttableProxy {
  readonly port: number
  #server: Server
  #links = new Set<Socket>()
  #isCut = false

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  /** Listens on a free loopback port and forwards to `target`. */
  static async open(target: number): Promise<CuttableProxy> {
    let proxy: CuttableProxy | undefined
    const server = createServer((incoming) => proxy?.handleLink(incoming, target))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    proxy = new CuttableProxy(server, typeof address === 'object' && address ? address.port : 0)
    return proxy
  }

  private handleLink(incoming: Socket, target: number): void {
    if (this.#isCut) {
      incoming.destroy()
      return
    }
    const outgoing = connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      this.#links.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#links.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  }

  /** Ends every link and refuses new ones. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#links) socket.resetAndDestroy()
  }

  /** Swallows nothing, passes nothing on: a black hole for what is open. */
  freeze(): void {
    for (const socket of this.#links) socket.pause()
  }

  thaw(): void {
    for (const socket of this.#links) socket.resume()
  }

  mend(): void {
    this.#isCut = false
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
