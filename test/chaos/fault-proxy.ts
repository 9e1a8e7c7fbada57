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
  private isCut = false
  private target: number
  private bytesPerSecond: number | undefined

  private constructor(server: Server, port: number, target: number) {
    this.server = server
    this.port = port
    this.target = target
  }

  /** Listens on a free loopback port and forwards to `target`, whether anybody listens there or not. */
  static async open(target: number): Promise<FaultProxy> {
    const server = createServer({ pauseOnConnect: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const proxy = new FaultProxy(server, typeof address === 'object' && address ? address.port : 0, target)
    server.on('connection', (incoming) => proxy.handleLink(incoming))
    return proxy
  }

  /** Every link breaks at once. */
  reset(): void {
    for (const { from } of [...this.lines]) from.resetAndDestroy()
  }

  /** Every link breaks, and so does each new one until {@link mend}. */
  cut(): void {
    this.isCut = true
    this.reset()
  }

  /** @param target where new links go from now on */
  mend(target = this.target): void {
    this.isCut = false
    this.target = target
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

  private handleLink(incoming: Socket): void {
    if (this.isCut) return void incoming.resetAndDestroy()
    const outgoing = connect(this.target, '127.0.0.1')
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
