/** What servers that share a log say to each other of a namespace, beside what is in the log. */
import type { RoomLog } from '@roomful/server/core'
import { PacketType } from 'socket.io-parser'
import type { Adapter, BroadcastFlags, BroadcastOptions, Room } from '../adapter.ts'
import type { AnySocket } from '../internal.ts'

/** Rooms and exceptions as JSON. */
interface Audience {
  readonly rooms: readonly Room[]
  readonly except: readonly Room[]
}

type Message =
  | { readonly what: 'emit'; readonly of: Audience; readonly data: unknown[]; readonly flags: BroadcastFlags }
  | { readonly what: 'ask'; readonly of: Audience; readonly data: unknown[]; readonly id: string; readonly ms: number }
  | { readonly what: 'answer'; readonly id: string; readonly answer: unknown }
  | { readonly what: 'fetch'; readonly of: Audience }
  | { readonly what: 'join' | 'leave'; readonly of: Audience; readonly rooms: readonly Room[] }
  | { readonly what: 'disconnect'; readonly of: Audience; readonly close: boolean }
  | { readonly what: 'server'; readonly args: readonly unknown[]; readonly isAsked: boolean }

/** What the messages of other servers do here: always to the sockets of this server alone. */
export interface HereOnly extends Adapter {
  emitHere(data: unknown[], opts: BroadcastOptions): void
}

/** A socket as another server knows it. */
export interface SocketElsewhere {
  readonly id: string
  readonly handshake: unknown
  readonly rooms: readonly Room[]
  readonly data: unknown
}

/** How long after its timeout an answer is still waited for. */
const GRACE_MS = 1_000

export class Nodes {
  private readonly adapter: HereOnly
  private readonly log: RoomLog
  /** Callbacks that wait for clients of other servers. */
  private readonly asking = new Map<string, (answer: unknown) => void>()
  private asked = 0

  constructor(adapter: HereOnly, log: RoomLog) {
    this.adapter = adapter
    this.log = log
  }

  get areThere(): boolean {
    return this.log.isShared
  }

  emit(data: unknown[], opts: BroadcastOptions): void {
    const { binary: _binary, ...flags } = opts.flags ?? {}
    this.say({ what: 'emit', of: toAudience(opts), data, flags })
  }

  /** Asks clients of other servers. @param onCount called with how many there are, once for each server */
  async ask(
    data: unknown[],
    opts: BroadcastOptions,
    onCount: (clients: number) => void,
    onAnswer: (answer: unknown) => void,
  ): Promise<void> {
    const id = `${this.log.node} ${++this.asked}`
    const ms = opts.flags?.timeout ?? 1
    this.asking.set(id, onAnswer)
    setTimeout(() => this.asking.delete(id), ms + GRACE_MS).unref()
    const { answers } = await this.log.ask({ what: 'ask', of: toAudience(opts), data, id, ms } satisfies Message)
    for (const count of answers) onCount(count as number)
  }

  async fetch(opts: BroadcastOptions): Promise<SocketElsewhere[]> {
    const { answers } = await this.log.ask({ what: 'fetch', of: toAudience(opts) } satisfies Message)
    return answers.flat() as SocketElsewhere[]
  }

  move(what: 'join' | 'leave', opts: BroadcastOptions, rooms: readonly Room[]): void {
    this.say({ what, of: toAudience(opts), rooms })
  }

  disconnect(opts: BroadcastOptions, close: boolean): void {
    this.say({ what: 'disconnect', of: toAudience(opts), close })
  }

  /** @param done with one answer of each other server; with an error as well when some did not answer in time */
  serverSideEmit(
    args: readonly unknown[],
    done: ((error: Error | null, answers: unknown[]) => void) | undefined,
  ): void {
    const isAsked = done !== undefined
    this.log.ask({ what: 'server', args, isAsked } satisfies Message).then(({ asked, answers }) => {
      const missing = asked - answers.length
      const error = missing > 0 ? new Error(`timeout reached: only ${answers.length} responses out of ${asked}`) : null
      done?.(error, [...answers])
    })
  }

  /** From another server. @returns (also as a promise) its answer */
  onTold(message: Message): unknown {
    const { adapter } = this
    switch (message.what) {
      case 'emit':
        return adapter.emitHere(message.data, fromAudience(message.of, message.flags))
      case 'ask':
        return this.askHere(message)
      case 'answer':
        return this.asking.get(message.id)?.(message.answer)
      case 'fetch':
        return this.fetchHere(message.of)
      case 'join':
        return adapter.addSockets(fromAudience(message.of), [...message.rooms])
      case 'leave':
        return adapter.delSockets(fromAudience(message.of), [...message.rooms])
      case 'disconnect':
        return adapter.disconnectSockets(fromAudience(message.of), message.close)
      case 'server':
        return this.emitHere(message.args, message.isAsked)
      default:
        return message satisfies never
    }
  }

  private askHere({ of, data, id, ms }: Extract<Message, { what: 'ask' }>): number {
    let count = 0
    const packet = { type: PacketType.EVENT, data } as { type: PacketType; data: unknown[]; id?: number }
    const onAnswer = (answer: unknown): void => this.say({ what: 'answer', id, answer })
    const onCount = (clients: number): void => {
      count = clients
    }
    this.adapter.broadcastWithAck(packet, fromAudience(of), onCount, onAnswer)
    setTimeout(() => {
      for (const { acks } of this.adapter.nsp.sockets.values()) acks.delete(packet.id as number)
    }, ms + GRACE_MS).unref()
    return count
  }

  private async fetchHere(of: Audience): Promise<SocketElsewhere[]> {
    const sockets = await this.adapter.fetchSockets(fromAudience(of))
    return sockets.map(describe)
  }

  private emitHere(args: readonly unknown[], isAsked: boolean): unknown {
    const { nsp } = this.adapter
    if (!isAsked) return nsp._onServerSideEmit([...args] as [string])
    return new Promise((resolve) => {
      nsp._onServerSideEmit([...args, (answer: unknown) => resolve(answer ?? null)] as unknown as [string])
    })
  }

  private say(message: Message): void {
    void this.log.ask(message) // it never rejects
  }
}

function describe({ id, handshake, rooms, data }: AnySocket): SocketElsewhere {
  return { id, handshake, rooms: [...rooms], data }
}

function toAudience({ rooms, except = new Set() }: BroadcastOptions): Audience {
  return { rooms: [...rooms], except: [...except] }
}

function fromAudience({ rooms, except }: Audience, flags: BroadcastFlags = {}): BroadcastOptions {
  return { rooms: new Set(rooms), except: new Set(except), flags: { ...flags, local: true } }
}
