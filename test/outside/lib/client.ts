/** A bare WebSocket client: sends text, keeps every frame that comes, and lets a test await one instead of sleeping. */
import { WebSocket } from 'ws'
import { describe, type Frame, type Match, matches } from './match.ts'
import type { RunningServer } from './running-server.ts'
import { token } from './token.ts'
import { within } from './wait.ts'

export interface Closed {
  code: number
  reason: string
}

export interface ConnectOptions {
  protocols?: string[]
  headers?: Record<string, string>
  origin?: string
  deflate?: boolean
}

const WAIT_MS = 5000

export class Client {
  readonly socket: WebSocket
  /** Every JSON frame, in order of arrival. */
  readonly received: Frame[] = []
  /** Frames that are no JSON objects: text as string, binary as Buffer. */
  readonly raw: (string | Buffer)[] = []
  readonly closed: Promise<Closed>
  #unread: Frame[] = []
  #wake: (() => void)[] = []
  #close: Closed | undefined
  #requests = 0
  #hasOpened = false

  constructor(url: string, options: ConnectOptions = {}) {
    const { protocols = [], deflate = false, ...rest } = options
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: deflate, ...rest })
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        this.#close = { code, reason: reason.toString() }
        this.#woken()
        resolve(this.#close)
      })
    })
    this.socket.once('open', () => {
      this.#hasOpened = true
      this.#woken()
    })
    this.socket.on('error', () => undefined) // always followed by close, which tests look at
    this.socket.on('message', (data: Buffer, isBinary) => this.#handleMessage(data, isBinary))
  }

  #handleMessage(data: Buffer, isBinary: boolean): void {
    const frame = isBinary ? undefined : asFrame(data.toString())
    if (frame) {
      this.received.push(frame)
      this.#unread.push(frame)
    } else this.raw.push(isBinary ? data : data.toString())
    this.#woken()
  }

  #woken(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Resolves once it has been open, even if it is closed by now. @throws when it never opened. */
  async opened(): Promise<this> {
    await this.#until(() => this.#hasOpened, 'opening')
    return this
  }

  /** The first frame not taken yet that matches; takes it. Earlier frames that do not match stay. */
  async next(match: Match, timeoutMs = WAIT_MS): Promise<Frame> {
    let taken: Frame | undefined
    const take = (): boolean => {
      const index = this.#unread.findIndex((frame) => matches(frame, match))
      if (index >= 0) taken = this.#unread.splice(index, 1)[0]
      return index >= 0
    }
    await this.#until(take, `a frame like ${describe(match)}`, timeoutMs)
    return taken as unknown as Frame
  }

  /** The next text or binary frame that is no JSON object. */
  async nextRaw(timeoutMs = WAIT_MS): Promise<string | Buffer> {
    await this.#until(() => this.raw.length > 0, 'a raw frame', timeoutMs)
    return this.raw.shift() as string | Buffer
  }

  async #until(done: () => boolean, what: string, timeoutMs = WAIT_MS): Promise<void> {
    let isLate = false
    const wait = async (): Promise<void> => {
      while (!isLate && !done()) {
        if (this.#close)
          throw new Error(
            `closed ${this.#close.code} '${this.#close.reason}' while waiting for ${what}; ${this.#seen()}`,
          )
        await new Promise<void>((resolve) => this.#wake.push(resolve))
      }
    }
    try {
      await within(wait(), timeoutMs, what)
    } catch (error) {
      isLate = true // takes no frame any more
      throw new Error(`${(error as Error).message}; ${this.#seen()}`)
    }
  }

  #seen(): string {
    return `last seen: ${JSON.stringify(this.received.slice(-6)).slice(0, 1500)}`
  }

  /** Frames that came, were not taken and match. Call after a `settled()` to say that something did not come. */
  unread(match: Match): Frame[] {
    return this.#unread.filter((frame) => matches(frame, match))
  }

  /** Forgets what has come so far. */
  forget(): void {
    this.#unread = []
  }

  send(frame: Record<string, unknown>): void {
    this.socket.send(JSON.stringify(frame))
  }

  sendRaw(data: string | Uint8Array): void {
    this.socket.send(data)
  }

  /** A ping and its pong: everything that the server had queued for this client before is here. */
  async settled(): Promise<void> {
    this.send({ type: 'ping' })
    await this.next('pong')
  }

  /** Sends the flat form with a short `id` and answers the `ack` frame, failed or not. */
  async request(type: string, data: Record<string, unknown> = {}, timeoutMs = WAIT_MS): Promise<Frame> {
    const id = `r${++this.#requests}`
    this.send({ type, id, ...data })
    const answered = (data.id as string | undefined) ?? id
    return await this.next({ type: 'ack', ack: answered }, timeoutMs)
  }

  /** A request that must succeed. @returns the acknowledgement's data. */
  async ok(type: string, data: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const ack = await this.request(type, data)
    if (ack.error !== undefined) throw new Error(`${type} was refused: ${JSON.stringify(ack.error)}`)
    return ack.data as Record<string, unknown>
  }

  /** A request that must fail. @returns its error. */
  async refused(type: string, data: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const ack = await this.request(type, data)
    if (ack.error === undefined) throw new Error(`${type} was not refused: ${JSON.stringify(ack.data)}`)
    return ack.error as Record<string, unknown>
  }

  async close(code = 1000): Promise<Closed> {
    this.socket.close(code)
    return await within(this.closed, WAIT_MS, 'closing')
  }

  /** Cuts the cable: no close frame. */
  async terminate(): Promise<Closed> {
    this.socket.terminate()
    return await this.closed
  }
}

/** Opens `path` of `server` without waiting. */
export function dial(server: RunningServer, path: string, options?: ConnectOptions): Client {
  return new Client(server.ws + path, options)
}

/** A user known by token, in a namespace (default: `/ws`), past `auth_ok`. */
export async function user(
  server: RunningServer,
  sub: string,
  claims: Record<string, unknown> = {},
  path = '/ws',
): Promise<Client> {
  const client = dial(server, `${path}?token=${token({ sub, ...claims })}`)
  await client.next('auth_ok')
  return client
}

/** A guest in `/public`, past `welcome`. */
export async function guest(server: RunningServer, name: string): Promise<Client> {
  const client = dial(server, `/ws/public?name=${encodeURIComponent(name)}`)
  await client.next('welcome')
  return client
}

function asFrame(text: string): Frame | undefined {
  if (!text.startsWith('{')) return undefined
  const value = JSON.parse(text) as Frame
  return value
}
