/** What the programs of the handbook share: a server, clients that keep what they receive, and lines of a table. */
import { type CreateOptions, createRoomful, type Roomful } from '@roomful/server'
import { type RawData, WebSocket } from 'ws'

export type Print = (line?: string) => void
export type Demo = (print: Print) => Promise<void>

export interface Started extends AsyncDisposable {
  readonly roomful: Roomful
  readonly port: number
}

/** A server in memory that keeps nothing, on a free port of this machine. */
export async function start(
  prepare: (roomful: Roomful) => unknown = (roomful) => roomful.standardNamespaces(),
  options: CreateOptions = {},
): Promise<Started> {
  const roomful = createRoomful({ data: ':memory:', host: '127.0.0.1', ...options })
  prepare(roomful)
  const { port } = await roomful.listen({ port: 0 })
  return { roomful, port, [Symbol.asyncDispose]: () => roomful.close() }
}

export interface Message {
  readonly type?: string
  readonly ack?: unknown
  readonly [field: string]: unknown
}

/** A plain client: one JSON object a message. */
export class Client {
  readonly socket: WebSocket
  readonly closed: Promise<{ code: number; reason: string }>
  private readonly received: Message[] = []
  private readonly waiting = new Set<() => void>()

  constructor(url: string, socket = new WebSocket(url)) {
    this.socket = socket
    socket.on('message', (data: RawData) => {
      this.received.push(JSON.parse(String(data)) as Message)
      for (const look of [...this.waiting]) look()
    })
    socket.on('error', () => undefined) // a close follows
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
  }

  /** In `/ws/public`, once the server knows who this is. */
  static async open(port: number, name: string, path = '/ws/public'): Promise<Client> {
    const client = new Client(`ws://127.0.0.1:${port}${path}?name=${name}`)
    await client.next('auth_ok')
    return client
  }

  send(message: Message): void {
    this.socket.send(JSON.stringify(message))
  }

  /** The first message of this type, or for which this is true, that was not taken yet. */
  next(which: string | ((message: Message) => boolean)): Promise<Message> {
    const fits = typeof which === 'string' ? ({ type }: Message) => type === which : which
    return new Promise((resolve) => {
      const look = (): void => {
        const at = this.received.findIndex(fits)
        if (at < 0) return
        this.waiting.delete(look)
        resolve(this.received.splice(at, 1)[0] as Message)
      }
      this.waiting.add(look)
      look()
    })
  }

  /** Sends a request and waits for its answer: what came before it, came. */
  async ask(message: Message): Promise<Message> {
    const id = Math.random()
    this.send({ ...message, id })
    return this.next(({ ack }) => ack === id)
  }

  /** Until so many of this type have come, which stay where they are. */
  until(type: string, count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.all(type).length < count) return
        this.waiting.delete(look)
        resolve()
      }
      this.waiting.add(look)
      look()
    })
  }

  /** What came of this type so far. */
  all(type: string): Message[] {
    return this.received.filter((message) => message.type === type)
  }
}

/** Columns of text, as wide as they need to be. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
