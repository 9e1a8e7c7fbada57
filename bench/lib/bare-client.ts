/**
 * A WebSocket client that does as little as possible, so that thousands of them fit beside a server: it writes frames and
 * counts what it finds in what comes, without looking at frames.
 */
import { connect, type Socket } from 'node:net'

/** Sixteen bytes, whichever. RFC 6455 section 4.1. */
const KEY = Buffer.alloc(16, 'roomful').toString('base64')

export class BareClient {
  private readonly socket: Socket
  private readonly mark: Buffer
  private readonly onFound: (count: number, chunk: Buffer) => void
  private rest: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, mark: string, onFound: (count: number, chunk: Buffer) => void) {
    this.socket = socket
    this.mark = Buffer.from(mark)
    this.onFound = onFound
  }

  /**
   * Connects and shakes hands.
   * @param mark what is counted
   * @param onFound told how often it came, and in what
   */
  static open(
    port: number,
    path: string,
    mark: string,
    onFound: (count: number, chunk: Buffer) => void,
  ): Promise<BareClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
      )
      socket.once('data', (head: Buffer) => {
        if (!head.toString('latin1').startsWith('HTTP/1.1 101')) return reject(new Error('The server refused a client'))
        const client = new BareClient(socket, mark, onFound)
        socket.on('data', (chunk: Buffer) => client.read(chunk))
        client.read(head)
        resolve(client)
      })
    })
  }

  /** One text frame, masked with zeros: it is what it is. RFC 6455 section 5.3. */
  send(message: object): void {
    const text = Buffer.from(JSON.stringify(message))
    const head = text.length < 126 ? [0x81, 0x80 | text.length] : [0x81, 0xfe, text.length >> 8, text.length & 0xff]
    this.socket.write(Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), text]))
  }

  /** Cuts the cable. */
  cut(): void {
    this.socket.on('error', () => undefined)
    this.socket.destroy()
  }

  private read(chunk: Buffer): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk
    let count = 0
    let from = 0
    for (let at = bytes.indexOf(this.mark); at >= 0; at = bytes.indexOf(this.mark, from)) {
      count++
      from = at + this.mark.length
    }
    // A mark that falls between two reads.
    this.rest = Buffer.from(bytes.subarray(Math.max(from, bytes.length - this.mark.length + 1)))
    this.onFound(count, bytes)
  }
}
