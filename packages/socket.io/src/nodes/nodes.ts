/** What servers that share a Redis say to each other of one namespace: what is sent, asked, and done with sockets elsewhere. */
import { PacketType } from 'socket.io-parser'
import type { Adapter, BroadcastFlags, BroadcastOptions, EventPacket, Room } from '../adapter.ts'
import { type EncodedPackets, SharedPacket } from '../frames.ts'
import type { AnySocket } from '../internal.ts'
import type { Cluster } from './cluster.ts'
import type { RedisAdapterNamespace } from './redis-adapter.ts'

/** Rooms and exceptions as JSON. */
interface Audience {
  readonly rooms: readonly Room[]
  readonly except: readonly Room[]
}

/** Parts of a packet: texts, and bytes in base64. */
type Parts = readonly (string | { readonly b64: string })[]

export type Message =
  | { readonly what: 'emit'; readonly of: Audience; readonly parts: Parts; readonly flags: BroadcastFlags }
  | { readonly what: 'ask'; readonly of: Audience; readonly parts: Parts; readonly id: number; readonly ms: number }
  | { readonly what: 'answer'; readonly id: number; readonly parts: Parts }
  | { readonly what: 'fetch'; readonly of: Audience }
  | { readonly what: 'join' | 'leave'; readonly of: Audience; readonly rooms: readonly Room[] }
  | { readonly what: 'disconnect'; readonly of: Audience; readonly close: boolean }
  | { readonly what: 'server'; readonly parts: Parts; readonly isAsked: boolean }

/** A socket as another server knows it. */
export interface SocketElsewhere {
  readonly id: string
  readonly handshake: unknown
  readonly rooms: readonly Room[]
  readonly data: unknown
}

/** How long other servers may take to answer, as with Socket.IO's adapters. */
export const ANSWER_MS = 5_000
/** How long after its timeout an answer is still waited for. */
export const GRACE_MS = 1_000

export class Nodes {
  /** Servers with `@socket.io/redis-adapter`, where they are reached as well. */
  beside: RedisAdapterNamespace | undefined = undefined
  readonly adapter: Adapter
  private readonly cluster: Cluster
  /** Callbacks that wait for clients of other servers. */
  private readonly asking = new Map<number, (answer: unknown) => void>()
  private asked = 0

  constructor(adapter: Adapter, cluster: Cluster) {
    this.adapter = adapter
    this.cluster = cluster
  }

  /** Servers, with this one. */
  async count(): Promise<number> {
    const peers = await this.cluster.peers
    const [own, others] = await Promise.all([peers.count(), this.beside?.count()])
    return own + (others ?? 0)
  }

  /** What went to the servers of this package on another way. */
  emitBeside(shared: SharedPacket, opts: BroadcastOptions): void {
    this.beside?.emit(shared, opts)
  }

  emit(shared: SharedPacket, opts: BroadcastOptions): void {
    const { binary: _binary, ...flags } = opts.flags ?? {}
    this.say({ what: 'emit', of: toAudience(opts), parts: toParts(shared.packets), flags })
    this.beside?.emit(shared, opts)
  }

  /**
   * Asks clients of other servers. Never rejects: the callback of the question says at its timeout what came.
   * @param onCount called with how many there are, once for each server
   */
  async ask(
    packet: EventPacket,
    opts: BroadcastOptions,
    onCount: (clients: number) => void,
    onAnswer: (answer: unknown) => void,
  ): Promise<void> {
    const id = ++this.asked
    const ms = opts.flags?.timeout ?? 1
    this.asking.set(id, onAnswer)
    setTimeout(() => this.asking.delete(id), ms + GRACE_MS).unref()
    const { type, data } = packet
    this.beside?.ask(packet, opts, onCount, onAnswer)
    const parts = toParts(this.adapter.encode({ type, data }).packets)
    const request: Message = { what: 'ask', of: toAudience(opts), parts, id, ms }
    const { answers } = await this.request(request, ms).catch(() => NO_ANSWERS)
    for (const count of answers) onCount(count as number)
  }

  /** @throws Error (rejects) when one of them does not answer in time */
  async fetch(opts: BroadcastOptions): Promise<SocketElsewhere[]> {
    const [{ asked, answers }, others] = await Promise.all([
      this.request({ what: 'fetch', of: toAudience(opts) }, ANSWER_MS),
      this.beside?.fetch(opts),
    ])
    if (answers.length < asked) throw late(answers.length, asked)
    return [...(answers.flat() as SocketElsewhere[]), ...(others ?? [])]
  }

  move(what: 'join' | 'leave', opts: BroadcastOptions, rooms: readonly Room[]): void {
    this.say({ what, of: toAudience(opts), rooms })
    this.beside?.move(what, opts, rooms)
  }

  disconnect(opts: BroadcastOptions, close: boolean): void {
    this.say({ what: 'disconnect', of: toAudience(opts), close })
    this.beside?.disconnect(opts, close)
  }

  /** @param done with one answer of each other server; with an error as well when some did not answer in time */
  serverSideEmit(
    args: readonly unknown[],
    done: ((error: Error | null, answers: unknown[]) => void) | undefined,
  ): void {
    const parts = this.pack(args)
    const beside = this.beside?.serverSideEmit(args, done !== undefined)
    if (!done) return this.say({ what: 'server', parts, isAsked: false })
    const own = this.request({ what: 'server', parts, isAsked: true }, ANSWER_MS)
    Promise.all([own, beside]).then(
      ([{ asked, answers }, others = { asked: 0, values: [] }]) => {
        const values = [...answers.map((answer) => this.unpack(answer as Parts)[0]), ...others.values.flat()]
        const all = asked + others.asked
        done(values.length < all ? late(values.length, all) : null, values)
      },
      (error: Error) => done(error, []),
    )
  }

  /** From another server. @returns (also as a promise) its answer */
  onTold(message: Message, from: string): unknown {
    const { adapter } = this
    switch (message.what) {
      case 'emit':
        return this.emitHere(message)
      case 'ask':
        return this.askHere(message, from)
      case 'answer':
        return this.asking.get(message.id)?.(this.unpack(message.parts)[0])
      case 'fetch':
        return this.fetchHere(message.of)
      case 'join':
        return adapter.addSockets(fromAudience(message.of), [...message.rooms])
      case 'leave':
        return adapter.delSockets(fromAudience(message.of), [...message.rooms])
      case 'disconnect':
        return adapter.disconnectSockets(fromAudience(message.of), message.close)
      case 'server':
        return this.serverHere(message.parts, message.isAsked)
      default:
        return message satisfies never
    }
  }

  private emitHere({ of, parts, flags }: Extract<Message, { what: 'emit' }>): void {
    const shared = new SharedPacket(fromParts(parts))
    this.adapter.emitHere(shared, fromAudience(of, flags))
  }

  private askHere({ of, parts, id, ms }: Extract<Message, { what: 'ask' }>, from: string): number {
    let count = 0
    const packet: EventPacket = { ...this.adapter.decode(fromParts(parts)) }
    const onAnswer = (answer: unknown): void => {
      this.cluster.tellOne(from, this.adapter.nsp.name, { what: 'answer', id, parts: this.pack([answer]) })
    }
    const onCount = (clients: number): void => {
      count = clients
    }
    this.adapter.askHere(packet, fromAudience(of), ms + GRACE_MS, onCount, onAnswer)
    return count
  }

  private async fetchHere(of: Audience): Promise<SocketElsewhere[]> {
    const sockets = await this.adapter.fetchSockets(fromAudience(of))
    return sockets.map(describe)
  }

  private serverHere(parts: Parts, isAsked: boolean): unknown {
    const { nsp } = this.adapter
    const args = this.unpack(parts)
    if (!isAsked) return nsp._onServerSideEmit(args as [string])
    return new Promise((resolve) => {
      nsp._onServerSideEmit([...args, (answer: unknown) => resolve(this.pack([answer]))] as unknown as [string])
    })
  }

  /** Values as the parser of this server carries them, whatever that is. */
  private pack(values: readonly unknown[]): Parts {
    return toParts(this.adapter.encode({ type: PacketType.EVENT, data: ['', ...values] }).packets)
  }

  private unpack(parts: Parts): unknown[] {
    return (this.adapter.decode(fromParts(parts)).data as unknown[]).slice(1)
  }

  private say(message: Message): void {
    this.cluster.tell(this.adapter.nsp.name, message)
  }

  private async request(
    message: Message,
    ms: number,
  ): Promise<{ readonly asked: number; readonly answers: readonly unknown[] }> {
    return (await this.cluster.peers).ask([this.adapter.nsp.name, message], ms)
  }
}

/** Of a server that does not have the namespace: no client of it answers, and for the rest it does not count. */
export function answerOfNoOne({ what }: Message): 0 | undefined {
  return what === 'ask' ? 0 : undefined
}

const NO_ANSWERS = { asked: 0, answers: [] }

/** @returns the error of Socket.IO's adapters */
export function late(answers: number, asked: number): Error {
  return new Error(`timeout reached: only ${answers} responses received out of ${asked}`)
}

export function describe({ id, handshake, rooms, data }: AnySocket): SocketElsewhere {
  // What sessions of Express put there may refer to itself.
  const { sessionStore: _, ...rest } = handshake as object as { sessionStore?: unknown }
  return { id, handshake: rest, rooms: [...rooms], data }
}

function toParts(packets: EncodedPackets): Parts {
  return packets.map((part) => (typeof part === 'string' ? part : { b64: Buffer.from(part).toString('base64') }))
}

function fromParts(parts: Parts): EncodedPackets {
  return parts.map((part) => (typeof part === 'string' ? part : Buffer.from(part.b64, 'base64')))
}

export function toAudience({ rooms, except = new Set() }: BroadcastOptions): Audience {
  return { rooms: [...rooms], except: [...except] }
}

export function fromAudience({ rooms, except }: Audience, flags: BroadcastFlags = {}): BroadcastOptions {
  return { rooms: new Set(rooms), except: new Set(except), flags: { ...flags, local: true } }
}
