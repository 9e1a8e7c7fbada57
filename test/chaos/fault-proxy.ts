/** What a bad network does to TCP, between clients and a server that is really there: resets, black holes, slow lines. */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** One direction of one link; what is read is written on, at the pace of the network. */
interface Line {
  readonly from: Socket
  readonly to: Socket
}

const TICK_MS = 20

export class FaultProxy {
  readonly port: number
  private readonly server: Server
  private readonly lines = new Set<Line>()
  private isDark = false
  private bytesPerSecond: number | undefined

  private constructor(server: Server, port: number) {
    this.server = server
    this.port = port
  }

  /** Listens on a free loopback port and forwards to `target`, whether anybody listens there or not. */
  static async open(target: number): Promise<FaultProxy> {
    const server = createServer({ pauseOnConnect: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const proxy = new FaultProxy(server, typeof address === 'object' && address ? address.port : 0)
    server.on('connection', (incoming) => proxy.handleLink(incoming, target))
    return proxy
  }

  /** Every link breaks at once. */
  reset(): void {
    for (const { from } of [...this.lines]) from.resetAndDestroy()
  }

  /** Nothing passes in either direction, on links that are and links to come, and nobody is told. */
  darken(): void {
    this.isDark = true
    for (const { from } of this.lines) from.pause()
  }

  /** The network is back, and brings what it held. */
  lighten(): void {
    this.isDark = false
    for (const { from } of this.lines) from.resume()
  }

  /** @param bytesPerSecond of each direction of each link; as fast as it goes without it */
  slow(bytesPerSecond: number | undefined): void {
    this.bytesPerSecond = bytesPerSecond
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.reset()
    await closed
  }

  private handleLink(incoming: Socket, target: number): void {
    const outgoing = connect(target, '127.0.0.1')
    this.carry({ from: incoming, to: outgoing })
    this.carry({ from: outgoing, to: incoming })
  }

  private carry(line: Line): void {
    const { from, to } = line
    this.lines.add(line)
    from.on('error', () => to.destroy())
    from.on('end', () => to.end())
    from.on('close', () => {
      this.lines.delete(line)
      to.destroy()
    })
    from.on('data', (bytes: Buffer) => {
      if (to.destroyed) return
      const isTaken = to.write(bytes)
      if (isTaken && this.bytesPerSecond === undefined) return
      from.pause()
      const again = (): void => void (this.isDark || from.destroyed || from.resume())
      if (this.bytesPerSecond === undefined) to.once('drain', again)
      else setTimeout(again, Math.max(TICK_MS, (bytes.length / this.bytesPerSecond) * 1_000))
    })
    if (this.isDark) from.pause()
    else from.resume()
  }
}
