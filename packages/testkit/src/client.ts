/**
 * One client of a test server. Its messages pass the dialect's real decoder, and those it receives were really encoded.
 * It keeps everything that it received; `next` waits for later messages.
 */
import { Buffer } from 'node:buffer'
import type { Link } from '@roomful/server/testing'
import type { VirtualClock } from './clock.ts'
import { type Closing, MemoryWire, readFrames, TEXT } from './wire.ts'

/** One message as it was on the wire. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into messages of every shape
export type Message = Record<string, any>

/** A name (`type`, or `event` in the v1 dialect) or a test of the message. */
export type Match = string | ((message: Message) => boolean)

/** The answer to a request. */
export interface Answer {
  /** What the handler answered. */
  readonly data: Message
  /** Present when it was refused. */
  readonly error: { code: string; message: string; retryAfter?: number; field?: string } | undefined
}

interface Position {
  readonly epoch: string
  readonly seq: number
}

interface RoomRequest {
  readonly event: 'room:join' | 'room:leave'
  readonly roomId: string
}

/** The channel of a v1 client's messages, unless one names another. */
const CHANNEL = 1

const utf8 = new TextDecoder()

export class TestClient {
  readonly wire: MemoryWire
  /** Everything received so far, oldest first. */
  readonly received: Message[] = []
  /** How the link ended, once it has. */
  closed: Closing | undefined
  private readonly clock: VirtualClock
  private readonly isV1: boolean
  private link: Link | undefined
  /** The server's first message once the connection is open. */
  private opened: Message | undefined
  /** Sent while the server did not read. */
  private unread: (string | Uint8Array)[] = []
  /** v1: its rooms and its position in each, as the SDK would know them. */
  private readonly rooms = new Map<string, Position>()
  /** v1: rooms that it asked to join or to leave, by the id of the request. */
  private readonly asked = new Map<string | number, RoomRequest>()
  /** `next` has returned the messages before this index. */
  private looked = 0
  private lastId = 0

  constructor(clock: VirtualClock, dialect: 'plain' | 'v1') {
    this.clock = clock
    this.isV1 = dialect === 'v1'
    this.wire = new MemoryWire(clock, {
      onBytes: (buffers) => this.receive(buffers),
      onResume: () => this.flush(),
      onEnd: (closing) => {
        this.closed = closing
      },
    })
  }

  /** For the test server: called when the connection is open, before anything is sent on it. */
  onOpened: (() => void) | undefined

  /** For the test server: rooms to join on opening, from the positions of an earlier client of the session. */
  restore(earlier: TestClient | undefined): void {
    for (const [roomId, position] of earlier?.rooms ?? []) this.rooms.set(roomId, position)
  }

  /** For the test server: the link that was made of this client's wire. */
  attach(link: Link): void {
    this.link = link
    this.wire.attach(link)
  }

  /** The id that the server gave to the connection. */
  get id(): string {
    if (!this.opened) throw new Error('The connection is not open')
    return this.opened.id
  }

  /** The v1 resume token: give it to the next `connect`. */
  get session(): string | undefined {
    return this.opened?.session
  }

  /** Sends an object as JSON (with its channel in the v1 dialect), text or bytes as they are. */
  send(message: Message | string | Uint8Array): void {
    if (typeof message === 'string' || message instanceof Uint8Array) this.unread.push(message)
    else this.unread.push(JSON.stringify(this.isV1 ? { ch: CHANNEL, ...message } : message))
    this.flush()
  }

  /** Sends `event` with an id, and does not wait. @returns the id */
  post(event: string, data?: unknown, more: { id?: string | number; key?: string } = {}): string | number {
    const { id = ++this.lastId, key } = more
    this.note(id, event, data)
    this.send({ event, ...(data === undefined ? {} : { data }), id, ...(key === undefined ? {} : { key }) })
    return id
  }

  /**
   * Sends `event` and waits for its acknowledgement.
   * @param more `withinMs`: how far time may move meanwhile; not at all without it
   * @throws Error when there is none
   */
  async request(
    event: string,
    data?: unknown,
    more: { id?: string | number; key?: string; withinMs?: number } = {},
  ): Promise<Answer> {
    const id = this.post(event, data, more)
    const isAnswer = (message: Message): boolean => message.ack === id
    return toAnswer(await this.wait(isAnswer, 0, more.withinMs ?? 0, `the answer to ${event}`))
  }

  /** The answer to the request with this id, if it is there. */
  answer(id: string | number): Answer | undefined {
    const message = this.received.find(({ ack }) => ack === id)
    return message && toAnswer(message)
  }

  /**
   * The first message that matches and comes after the one that the last `next` gave.
   * @param withinMs how far time may move meanwhile; not at all without it
   * @throws Error when there is none
   */
  async next(match: Match, withinMs = 0): Promise<Message> {
    const what = typeof match === 'string' ? JSON.stringify(match) : 'a message that matches'
    const message = await this.wait(toTest(match), this.looked, withinMs, what)
    this.looked = this.received.indexOf(message) + 1
    return message
  }

  /** Every message received so far that matches. */
  messages(match: Match): Message[] {
    return this.received.filter(toTest(match))
  }

  /** Forgets what was received, so that a test sees only later messages. */
  forget(): void {
    this.received.length = 0
    this.looked = 0
  }

  /** Closes the connection politely. */
  close(code = 1000, reason = ''): void {
    this.wire.end(code, reason)
  }

  /** Ends without a close frame: a killed process, or a pulled cable that the kernel noticed. */
  cut(): void {
    this.wire.end(1006, '')
  }

  private flush(): void {
    while (this.unread.length > 0 && !this.wire.isPaused && !this.closed) {
      this.link?.receive(this.unread.shift() as string | Uint8Array)
    }
  }

  private receive(buffers: readonly Uint8Array[]): void {
    for (const { opcode, payload } of readFrames(Buffer.concat(buffers))) {
      const isText = opcode === TEXT
      const message: Message = isText ? JSON.parse(utf8.decode(payload)) : { type: '$binary', bytes: payload }
      if (this.isV1) this.follow(message)
      if (message.type === (this.isV1 ? 'opened' : 'welcome')) this.open(message)
      this.received.push(message)
    }
  }

  private open(message: Message): void {
    this.opened = message
    this.onOpened?.()
    for (const [roomId, after] of this.rooms) this.post('room:join', { roomId, after })
  }

  private note(id: string | number, event: string, data: unknown): void {
    const roomId = typeof data === 'string' ? data : (data as { roomId?: unknown } | undefined)?.roomId
    if (!this.isV1 || typeof roomId !== 'string') return
    if (event === 'room:join' || event === 'room:leave') this.asked.set(id, { event, roomId })
  }

  /** Follows its position: from the answer to a join, and from each later event of the room. */
  private follow({ ack, error, event, data, roomId, seq }: Message): void {
    const asked = this.asked.get(ack)
    this.asked.delete(ack)
    if (asked && !error && asked.event === 'room:leave') this.rooms.delete(asked.roomId)
    if ((asked && !error && asked.event === 'room:join') || event === 'room:joined') this.enter(data)
    if (asked && error && asked.event === 'room:join') this.rooms.delete(asked.roomId)
    if (event === 'room:left') this.rooms.delete(data.roomId)
    const position = this.rooms.get(roomId)
    if (position && seq > position.seq) this.rooms.set(roomId, { ...position, seq })
  }

  private enter({ roomId, epoch, seq, recovered, from }: Message): void {
    const before = this.rooms.get(roomId)
    if (recovered === true && before) this.rooms.set(roomId, { epoch, seq: before.seq })
    else this.rooms.set(roomId, { epoch, seq: recovered === false ? from - 1 : seq })
  }

  private async wait(
    test: (message: Message) => boolean,
    from: number,
    withinMs: number,
    what: string,
  ): Promise<Message> {
    const found = (): Message | undefined => this.received.slice(from).find(test)
    const message = await this.clock.find(found, withinMs)
    if (message) return message
    const names = this.received.slice(from).map((each) => each.type ?? each.event ?? `ack ${each.ack}`)
    throw new Error(`Did not receive ${what} within ${withinMs} ms; received: ${names.join(', ') || 'nothing'}`)
  }
}

function toTest(match: Match): (message: Message) => boolean {
  return typeof match === 'string' ? ({ type, event }) => (type ?? event) === match : match
}

function toAnswer({ data, error }: Message): Answer {
  return { data: data ?? {}, error }
}
