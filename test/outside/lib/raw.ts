/** WebSocket by hand on node:net: the handshake and frames spelt out byte by byte, so that a test can break any of them. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { within } from './wait.ts'

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

export interface RawFrame {
  fin: boolean
  /** The three reserved bits. */
  rsv: number
  opcode: number
  payload: Buffer
}

export interface FrameOptions {
  fin?: boolean
  mask?: boolean
  rsv?: number
}

/** One frame of RFC 6455 section 5.2, masked as clients must unless told otherwise. */
export function frame(opcode: number, payload: Uint8Array | string = '', options: FrameOptions = {}): Buffer {
  const { fin = true, mask = true, rsv = 0 } = options
  const body = Buffer.from(payload)
  const head = [
    (fin ? 0x80 : 0) | (rsv << 4) | opcode,
    (mask ? 0x80 : 0) | Math.min(body.length, lengthCode(body.length)),
  ]
  const size = Buffer.alloc(body.length < 126 ? 0 : body.length < 65_536 ? 2 : 8)
  if (size.length === 2) size.writeUInt16BE(body.length)
  if (size.length === 8) size.writeBigUInt64BE(BigInt(body.length))
  if (!mask) return Buffer.concat([Buffer.from(head), size, body])
  const key = randomBytes(4)
  for (let i = 0; i < body.length; i++) body[i] = (body[i] as number) ^ (key[i % 4] as number)
  return Buffer.concat([Buffer.from(head), size, key, body])
}

function lengthCode(length: number): number {
  return length < 126 ? length : length < 65_536 ? 126 : 127
}

export function closePayload(code: number, reason: string | Uint8Array = ''): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return Buffer.concat([head, Buffer.from(reason)])
}

export class RawClient {
  readonly socket: Socket
  readonly frames: RawFrame[] = []
  readonly ended: Promise<void>
  readonly port: number
  status = 0
  head = ''
  #bytes: Buffer = Buffer.alloc(0)
  #isGone = false
  #wake: (() => void)[] = []

  constructor(port: number) {
    this.port = port
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => undefined) // followed by close
    this.ended = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.#isGone = true
        this.#woken()
        resolve()
      })
    })
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      if (this.status > 0) this.#parse()
      this.#woken()
    })
  }

  #woken(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  sendText(value: unknown): void {
    this.write(frame(TEXT, typeof value === 'string' ? value : JSON.stringify(value)))
  }

  /** The upgrade request. @returns the status of the answer. */
  async handshake(path: string, headers: Record<string, string> = {}): Promise<number> {
    const fields: Record<string, string> = {
      Host: `127.0.0.1:${this.port}`,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Version': '13',
      ...headers,
    }
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
    this.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    return await this.answer()
  }

  /** Reads an HTTP head. @returns its status, or 0 when the server hung up. */
  async answer(timeoutMs = 5000): Promise<number> {
    await this.#until(() => this.#bytes.includes('\r\n\r\n') || this.#isGone, timeoutMs, 'an HTTP answer')
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    this.head = this.#bytes.subarray(0, end).toString('latin1')
    this.#bytes = this.#bytes.subarray(end + 4)
    this.status = Number(/^HTTP\/1\.1 (\d+)/.exec(this.head)?.[1] ?? 0)
    if (this.status === 101) this.#parse()
    return this.status
  }

  /** The first frame with `opcode` not taken yet; takes it. */
  async next(opcode: number, timeoutMs = 5000): Promise<RawFrame> {
    await this.#until(
      () => this.frames.some((one) => one.opcode === opcode) || this.#isGone,
      timeoutMs,
      `a frame with opcode ${opcode}`,
    )
    const index = this.frames.findIndex((one) => one.opcode === opcode)
    if (index < 0) throw new Error(`the server hung up before a frame with opcode ${opcode}`)
    return this.frames.splice(index, 1)[0] as RawFrame
  }

  /** The next text frame of this type. */
  async nextJson(type: string, timeoutMs = 5000): Promise<Record<string, unknown>> {
    for (;;) {
      const value = JSON.parse((await this.next(TEXT, timeoutMs)).payload.toString()) as Record<string, unknown>
      if (value.type === type) return value
    }
  }

  /** The code of the server's close frame, 1006 when it hung up without one. */
  async closeCode(timeoutMs = 5000): Promise<number> {
    const isClosing = (): boolean => this.frames.some((one) => one.opcode === CLOSE)
    await this.#until(() => isClosing() || this.#isGone, timeoutMs, 'a close frame')
    const close = this.frames.find((one) => one.opcode === CLOSE)
    if (!close) return 1006
    return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE(0)
  }

  async #until(done: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!done()) await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
    await within(wait(), timeoutMs, what)
  }

  #parse(): void {
    for (;;) {
      const bytes = this.#bytes
      if (bytes.length < 2) return
      const code = (bytes[1] as number) & 0x7f
      const offset = code === 126 ? 4 : code === 127 ? 10 : 2
      if (bytes.length < offset) return
      const length = code === 126 ? bytes.readUInt16BE(2) : code === 127 ? Number(bytes.readBigUInt64BE(2)) : code
      if (bytes.length < offset + length) return
      const first = bytes[0] as number
      this.frames.push({
        fin: first >= 0x80,
        rsv: (first >> 4) & 0x7,
        opcode: first & 0x0f,
        payload: Buffer.from(bytes.subarray(offset, offset + length)),
      })
      this.#bytes = bytes.subarray(offset + length)
    }
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** A raw client past its handshake on `path`. @throws when the server refuses it. */
export async function openRaw(port: number, path: string, headers?: Record<string, string>): Promise<RawClient> {
  const client = new RawClient(port)
  const status = await client.handshake(path, headers)
  if (status !== 101) throw new Error(`handshake answered ${status}`)
  return client
}
