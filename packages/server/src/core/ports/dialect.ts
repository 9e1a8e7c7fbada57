/** One kind of client: what its bytes mean, and the bytes for what it is sent. One object per kind, no state. */
import type { Inbound, RequestId, WireError, WireEvent } from '@roomful/protocol'

/** Makes an event into bytes ready for a wire. Shared: an event is encoded once per `key`, whatever the number of links. */
export interface Encoding {
  /** Names the form. Two encodings with one key make the same bytes. */
  readonly key: string
  /** @returns the bytes, or `undefined` when clients of this kind do not get such events. */
  encode(event: WireEvent): Uint8Array | undefined
}

export type Request = Extract<Inbound, { kind: 'request' }> & {
  /** Of one that waited: which log of its room the numbers in it are of. */
  readonly epoch?: string | undefined
}

export interface Dialect {
  /** One of Roomful's, or the name of an application's protocol. */
  readonly name: 'echo' | 'plain' | 'classic' | 'v1' | 'socketio' | 'sse' | 'poll' | 'http' | (string & {})
  /** Its connections survive their link: they have sessions, and their presence a grace. G6. */
  readonly resumes: boolean
  /** Carries several connections on one link. */
  readonly multiplexed: boolean
  /** The server brings a session's rooms back: its clients send a cursor and do not join again. Needs `resumes`. */
  readonly restoresRooms?: boolean
  /** Whether the client of this channel comes back to its session, where `resumes` holds. Default: it does. */
  takesSession?(channel: number): boolean
  /** A message opens one connection, and a refusal ends that one alone: the others of its link may follow or stay. */
  readonly opensOneByOne?: boolean
  /** The transport says when what it wrote has reached the client; before, nothing counts as delivered. B23. */
  readonly confirmsDelivery?: boolean
  /** Instead of the server's own heartbeat. */
  readonly heartbeat?: {
    readonly pingIntervalMs: number
    readonly pongTimeoutMs: number
    /** Nothing but a pong answers a ping. Without it, so does everything that comes from the client or drains to it. */
    readonly needsPong?: boolean
  }
  /** Commands of a single current room: the sender does not get its own messages. */
  readonly view: 'all' | 'classic'
  encoding(channel: number): Encoding
  /** @param data text of one message, or bytes of a binary one */
  decode(data: string | Uint8Array): Inbound[]
  /** Another dialect that this request asks for, for good, and what it means there: how a plain link becomes a classic one. */
  switchDialect?(request: Request): { dialect: Dialect; request: Request } | undefined
  /** What an event is called in a history that this kind of client reads. */
  nameOf(type: string): string
  /** May be several buffers, of which some are shared with other answers. */
  ack(channel: number, id: RequestId, data: unknown): Uint8Array | readonly Uint8Array[] | undefined
  /** What the server asks of this client, to be acknowledged under `id`. Without it, or with nothing, it cannot be asked. */
  request?(channel: number, id: number, event: WireEvent): Uint8Array | undefined
  /** A failed request; without `id` the error stands alone. */
  fail(channel: number, error: WireError, id: RequestId | undefined, event: string | undefined): Uint8Array
  /** What is no event of a namespace: `welcome`, `opened`, `closed`, `auth_ok`, `pong`, … */
  control(type: string, channel: number | undefined, data: Record<string, unknown>): Uint8Array | undefined
}
