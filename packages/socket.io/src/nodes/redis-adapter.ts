/**
 * Servers of Socket.IO with `@socket.io/redis-adapter`, and programs with `@socket.io/redis-emitter`, on the same Redis: what they say
 * in the format of that adapter (8.x) is understood, and what happens here is said in it too. For the days of a move.
 */
import { randomBytes } from 'node:crypto'
import { systemClock } from '@roomful/server/core'
import { Connection, openRedis, type Redis } from '@roomful/server/redis'
import { decode, encode } from 'notepack.io'
import { PacketType } from 'socket.io-parser'
import type { Adapter, BroadcastOptions, EventPacket, Room } from '../adapter.ts'
import type { SharedPacket } from '../frames.ts'
import { ANSWER_MS, describe, fromAudience, GRACE_MS, late, type SocketElsewhere, toAudience } from './nodes.ts'

export interface RedisAdapterOptions {
  readonly url: string
  /** Before the names of the channels. */
  readonly key: string
  /** Other servers are reached as well, not only listened to. */
  readonly speaks: boolean
  /** How many servers of this package there are, which are on the channels too. */
  readonly ownCount: () => Promise<number>
  readonly report: (error: unknown) => void
}

const REQUEST = {
  SOCKETS: 0,
  ALL_ROOMS: 1,
  JOIN: 2,
  LEAVE: 3,
  DISCONNECT: 4,
  FETCH: 5,
  SERVER_SIDE_EMIT: 6,
  BROADCAST: 7,
  CLIENT_COUNT: 8,
  ACK: 9,
} as const

/** How the servers of this package begin their names: they hear each other on another way. */
const OWN = 'roomful-'
const SILENCE_MS = 3_000
const OPENING_BRACE = 0x7b

interface Audience {
  readonly rooms?: readonly Room[]
  readonly except?: readonly Room[]
  readonly flags?: BroadcastOptions['flags']
}

interface Request {
  readonly type: number
  readonly uid?: string
  readonly requestId?: string
  readonly opts?: Audience
  readonly rooms?: readonly Room[]
  readonly sid?: string
  readonly room?: Room
  readonly close?: boolean
  readonly data?: unknown[]
  readonly packet?: EventPacket
}

type Broadcast = [uid: unknown, packet: EventPacket | undefined, opts: Audience | undefined]

interface Response {
  readonly type?: number
  readonly requestId?: string
  readonly clientCount?: number
  readonly packet?: unknown
  readonly sockets?: readonly SocketElsewhere[]
  readonly data?: unknown
}

/** All namespaces of one server. */
export class RedisAdapterPeers {
  readonly uid = OWN + randomBytes(6).toString('base64url')
  readonly options: RedisAdapterOptions
  private readonly namespaces = new Map<string, RedisAdapterNamespace>()
  private readonly connection: Connection<Buffer>
  private lastReport = ''

  constructor(options: RedisAdapterOptions) {
    this.options = options
    let redis: Promise<Redis> | undefined
    this.connection = new Connection<Buffer>({
      clock: systemClock,
      library: undefined,
      redis: () => {
        redis ??= openRedis(options.url)
        return redis
      },
      key: options.key,
      mailbox: undefined,
      isBinary: true,
      silenceMs: SILENCE_MS,
      events: {
        prepare: (client) => this.listen(client as never),
        onMessage: () => undefined,
        onUp: () => undefined,
        onDown: (error) => this.report(error),
      },
    })
    this.connection.refusal.catch((error: unknown) => this.report(error))
    this.connection.start()
  }

  /** @param adapter of a namespace; a later one takes the place of an earlier one */
  add(adapter: Adapter): RedisAdapterNamespace {
    const namespace = new RedisAdapterNamespace(this, adapter)
    const isNew = !this.namespaces.has(adapter.nsp.name)
    this.namespaces.set(adapter.nsp.name, namespace)
    if (isNew) void this.connection.use((client) => this.subscribe(client as never, namespace)).catch(() => undefined)
    return namespace
  }

  publish(channel: string, message: Buffer | string): void {
    this.connection.send(['PUBLISH', channel, message]).catch(() => undefined) // the connection reports it
  }

  /** How many servers with that adapter there are. */
  async count(requestChannel: string): Promise<number> {
    if (!this.options.speaks) return 0
    const channel = ['PUBSUB', 'NUMSUB', requestChannel]
    // Without a connection they are not reached, and not waited for.
    const found = await this.connection.send<[Buffer, number]>(channel).catch(() => undefined)
    return found ? Math.max(0, Number(found[1]) - (await this.options.ownCount())) : 0
  }

  report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (message === this.lastReport) return
    this.lastReport = message
    this.options.report(error)
  }

  close(): void {
    this.connection.close()
  }

  private async listen(client: Subscriber): Promise<void> {
    for (const namespace of this.namespaces.values()) await this.subscribe(client, namespace)
  }

  private async subscribe(client: Subscriber, { name, channels }: RedisAdapterNamespace): Promise<void> {
    const of = (): RedisAdapterNamespace | undefined => this.namespaces.get(name)
    const guarded = (take: (message: Buffer) => void) => (message: Buffer) => {
      try {
        take(message)
      } catch (error) {
        this.report(new Error(`a message was not understood (${(error as Error).message})`))
      }
    }
    await client.pSubscribe(
      `${globEscaped(channels.all)}*`,
      guarded((message) => of()?.onEvent(message)),
      true,
    )
    await client.subscribe(
      channels.requests,
      guarded(
        (message) =>
          void of()
            ?.onRequest(message)
            .catch((error: unknown) => this.report(error)),
      ),
      true,
    )
    await client.subscribe(
      channels.responses,
      guarded((message) => of()?.onResponse(message)),
      true,
    )
  }
}

/** What the client can besides, which the server itself does not use. */
interface Subscriber {
  subscribe(channel: string, listener: (message: Buffer) => void, inBytes: true): Promise<void>
  pSubscribe(pattern: string, listener: (message: Buffer) => void, inBytes: true): Promise<void>
}

/** One namespace of it. */
export class RedisAdapterNamespace {
  readonly name: string
  readonly channels: { readonly all: string; readonly requests: string; readonly responses: string }
  private readonly peers: RedisAdapterPeers
  private readonly adapter: Adapter
  private readonly asking = new Map<string, (response: Response) => void>()

  constructor(peers: RedisAdapterPeers, adapter: Adapter) {
    const { key } = peers.options
    this.peers = peers
    this.adapter = adapter
    this.name = adapter.nsp.name
    this.channels = {
      all: `${key}#${this.name}#`,
      requests: `${key}-request#${this.name}#`,
      responses: `${key}-response#${this.name}#`,
    }
  }

  // What happens here.

  count(): Promise<number> {
    return this.peers.count(this.channels.requests)
  }

  emit(shared: SharedPacket, opts: BroadcastOptions): void {
    if (!this.speaks) return
    const { data } = this.adapter.decode(shared.packets)
    const packet = { type: PacketType.EVENT, data, nsp: this.name }
    const [room] = opts.rooms
    const channel = opts.rooms.size === 1 ? `${this.channels.all}${String(room)}#` : this.channels.all
    this.peers.publish(channel, encode([this.peers.uid, packet, toThem(opts)]))
  }

  /** @param onCount called once for each of those servers */
  ask(
    { data }: EventPacket,
    opts: BroadcastOptions,
    onCount: (clients: number) => void,
    onAnswer: (answer: unknown) => void,
  ): void {
    if (!this.speaks) return
    const ms = (opts.flags?.timeout ?? 1) + GRACE_MS
    const packet = { type: PacketType.EVENT, data, nsp: this.name }
    const request = { type: REQUEST.BROADCAST, packet, opts: toThem(opts) }
    this.request(
      (fields) => encode({ ...fields, ...request }),
      ms,
      ({ type, clientCount = 0, packet: answer }) => {
        if (type === REQUEST.CLIENT_COUNT) onCount(clientCount)
        else if (type === REQUEST.ACK) onAnswer(answer)
      },
    )
  }

  async fetch(opts: BroadcastOptions): Promise<SocketElsewhere[]> {
    const request = { type: REQUEST.FETCH, opts: toThem(opts) }
    const responses = await this.collect(request, ({ sockets }) => sockets)
    return responses.values.flat()
  }

  move(what: 'join' | 'leave', opts: BroadcastOptions, rooms: readonly Room[]): void {
    this.say({ type: what === 'join' ? REQUEST.JOIN : REQUEST.LEAVE, opts: toThem(opts), rooms })
  }

  disconnect(opts: BroadcastOptions, close: boolean): void {
    this.say({ type: REQUEST.DISCONNECT, opts: toThem(opts), close })
  }

  /** @returns (rejects with late ones missing) one answer of each */
  async serverSideEmit(args: readonly unknown[], isAsked: boolean): Promise<Answers> {
    const request = { type: REQUEST.SERVER_SIDE_EMIT, data: [...args] }
    if (isAsked) return this.collect(request, (response) => ('data' in response ? [response.data] : undefined), false)
    this.say(request)
    return { asked: 0, values: [] }
  }

  // What comes from them.

  onEvent(message: Buffer): void {
    const [uid, packet, opts] = decode(message) as Broadcast
    if (isOwn(uid) || !packet || (packet.nsp ?? '/') !== this.name) return
    const { data } = packet
    this.adapter.emitHere(this.adapter.encode({ type: PacketType.EVENT, data }), fromThem(opts))
  }

  async onRequest(message: Buffer): Promise<void> {
    const request = read<Request>(message)
    if (isOwn(request.uid)) return
    const { adapter } = this
    const opts = fromThem(request.opts ?? { rooms: [request.sid] })
    const answer = (response: Response): void => {
      this.peers.publish(this.channels.responses, JSON.stringify({ requestId: request.requestId, ...response }))
    }
    switch (request.type) {
      case REQUEST.SOCKETS: {
        const found = await adapter.fetchSockets(fromThem({ rooms: request.rooms ?? [] }))
        return answer({ sockets: found.map(({ id }) => id) as never })
      }
      case REQUEST.ALL_ROOMS:
        return answer({ rooms: [...adapter.rooms.keys()] } as Response)
      case REQUEST.JOIN:
      case REQUEST.LEAVE: {
        const rooms = request.opts ? [...(request.rooms ?? [])] : [request.room]
        if (request.type === REQUEST.JOIN) adapter.addSockets(opts, rooms)
        else adapter.delSockets(opts, rooms)
        return this.confirm(request, answer)
      }
      case REQUEST.DISCONNECT:
        adapter.disconnectSockets(opts, request.close === true)
        return this.confirm(request, answer)
      case REQUEST.FETCH:
        return answer({ sockets: (await adapter.fetchSockets(opts)).map(describe) })
      case REQUEST.SERVER_SIDE_EMIT:
        return this.emitHere(request, answer)
      case REQUEST.BROADCAST:
        return this.askHere(request, opts, answer)
      default:
    }
  }

  onResponse(message: Buffer): void {
    const response = read<Response>(message)
    if (response.requestId !== undefined) this.asking.get(response.requestId)?.(response)
  }

  private get speaks(): boolean {
    return this.peers.options.speaks
  }

  /** Of one socket by its id, an older request waits for an answer of the server that has it. */
  private confirm({ opts, sid, requestId }: Request, answer: (response: Response) => void): void {
    if (!opts && requestId !== undefined && this.adapter.nsp.sockets.has(sid ?? '')) answer({})
  }

  private emitHere({ data = [], requestId }: Request, answer: (response: Response) => void): void {
    const { nsp } = this.adapter
    if (requestId === undefined) return nsp._onServerSideEmit(data as [string])
    let isAnswered = false
    const callback = (value: unknown): void => {
      if (!isAnswered) answer({ type: REQUEST.SERVER_SIDE_EMIT, data: value })
      isAnswered = true
    }
    nsp._onServerSideEmit([...data, callback] as unknown as [string])
  }

  private askHere(
    { packet, requestId, opts: audience }: Request,
    opts: BroadcastOptions,
    answer: (response: Response) => void,
  ): void {
    const own: EventPacket = { type: PacketType.EVENT, data: packet?.data }
    const onCount = (clientCount: number): void => answer({ type: REQUEST.CLIENT_COUNT, clientCount })
    const onAnswer = (value: unknown): void => {
      this.peers.publish(this.channels.responses, encode({ type: REQUEST.ACK, requestId, packet: value }))
    }
    const ms = (audience?.flags?.timeout ?? ANSWER_MS) + GRACE_MS
    this.adapter.askHere(own, opts, ms, onCount, onAnswer)
  }

  private say(request: Request): void {
    if (this.speaks) this.peers.publish(this.channels.requests, JSON.stringify({ uid: this.peers.uid, ...request }))
  }

  private request(
    write: (fields: object) => Buffer | string,
    ms: number,
    onResponse: (response: Response) => void,
  ): () => void {
    const requestId = randomBytes(6).toString('base64url')
    const end = (): void => void this.asking.delete(requestId)
    this.asking.set(requestId, onResponse)
    setTimeout(end, ms).unref()
    this.peers.publish(this.channels.requests, write({ uid: this.peers.uid, requestId }))
    return end
  }

  /** @param mustBeAll fails when some do not answer in time */
  private async collect<T>(
    request: Request,
    valuesOf: (response: Response) => readonly T[] | undefined,
    mustBeAll = true,
  ): Promise<{ readonly asked: number; readonly values: T[][] }> {
    const asked = await this.count()
    if (asked === 0) return { asked, values: [] }
    const values: T[][] = []
    await new Promise<void>((resolve) => {
      setTimeout(resolve, ANSWER_MS).unref()
      const end = this.request(
        (fields) => JSON.stringify({ ...fields, ...request }),
        ANSWER_MS,
        (response) => {
          const found = valuesOf(response)
          if (!found) return
          values.push([...found])
          if (values.length < asked) return
          end()
          resolve()
        },
      )
    })
    if (mustBeAll && values.length < asked) throw late(values.length, asked)
    return { asked, values }
  }
}

export interface Answers {
  readonly asked: number
  /** Each a list with one. */
  readonly values: readonly (readonly unknown[])[]
}

function isOwn(uid: unknown): boolean {
  return typeof uid === 'string' && uid.startsWith(OWN)
}

function read<T>(message: Buffer): T {
  return message[0] === OPENING_BRACE ? (JSON.parse(message.toString()) as T) : (decode(message) as T)
}

function globEscaped(text: string): string {
  return text.replace(/[\\*?[\]^]/g, '\\$&')
}

function toThem(opts: BroadcastOptions): Audience {
  return { ...toAudience(opts), ...(opts.flags && { flags: opts.flags }) }
}

function fromThem({ rooms = [], except = [], flags }: Audience = {}): BroadcastOptions {
  return fromAudience({ rooms, except }, flags)
}
