/** Messages that are written in pieces: who may write and end them, and what becomes of one whose writer is gone. D17. */
import { isRecord, toJson } from '@roomful/protocol'
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import { ENDED, type Ending, type EndState, tailOf } from '../events/growing-text.ts'
import type { RequestEffects } from '../log/commit.ts'
import type { Stored } from '../log/effects.ts'
import type { FanOut } from '../log/fan-out.ts'
import type { AppendKey, FactChange, GrowingRow, StoredRow } from '../ports/broker.ts'
import { fragmentOf } from '../ports/facts.ts'
import type { OpenRooms } from '../rooms/open-rooms.ts'
import type { NamespaceState, Room } from '../state/namespace-state.ts'
import { type EndedMessage, type EndRequest, MessageStream } from './message-stream.ts'
import type { Publisher } from './publisher.ts'

interface StreamsParts {
  readonly publisher: Publisher
  readonly fanOut: FanOut
  readonly rooms: OpenRooms
}

/** A message that is being written, as far as a request needs to know. */
export interface Written {
  readonly userId: string | undefined
  readonly length: number
  /** Of the log that its number is of. */
  readonly epoch?: string | undefined
}

/** Who begins a message, and under which key. */
interface Beginning {
  readonly key?: string | undefined
  readonly scope?: string | undefined
  readonly userId?: string | undefined
}

/** How often an end is tried while the message still grows. */
const TRIES_MAX = 10
/** Messages of clients whose rooms are held open; what more of them write is looked for in the log piece by piece. */
const HELD_MAX = 10_000

export class Streams {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly parts: StreamsParts
  /** Those that this node writes, by room and number. Bound: what the application has open. */
  private readonly written = new Map<string, MessageStream>()
  /** What ends the holding of a room, by room and number of the message that a client writes in it. */
  private readonly held = new Map<string, () => void>()

  constructor(runtime: Runtime, namespace: NamespaceState, parts: StreamsParts) {
    this.runtime = runtime
    this.namespace = namespace
    this.parts = parts
    const { texts } = parts.fanOut
    texts.onEnded = (roomId, { target, state, length }) => {
      const name = nameOf(roomId, target)
      this.written.get(name)?.hasEnded({ state, length })
      this.held.get(name)?.()
    }
    texts.onIdle = (room, { stored: { seq }, length }) => {
      this.end(room.id, seq, { length, epoch: room.epoch }, { state: 'interrupted' }).catch((error: unknown) => {
        if (toRoomfulError(error).code === 'NOT_FOUND') return void room.texts.delete(seq) // taken back meanwhile
        this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      })
    }
  }

  /** The arguments of the event that begins a message, and its first text. */
  begin(start: Readonly<Record<string, unknown>>): { args: readonly unknown[]; change: FactChange } {
    const { content = '', streaming: _, ...rest } = start
    if (typeof content !== 'string') throw new RoomfulError('INVALID_MESSAGE', 'Field content must be a string')
    this.checkLength(content.length)
    const change = { kind: 'begin', fragment: fragmentOf(content), length: content.length } as const
    return { args: [{ ...rest, content: '', streaming: true }], change }
  }

  /** @throws RoomfulError TOO_LARGE */
  checkLength(length: number): void {
    const { streamMaxLength } = this.runtime.settings
    if (length > streamMaxLength) {
      throw new RoomfulError('TOO_LARGE', `A message has at most ${streamMaxLength} characters`)
    }
  }

  /**
   * Begins a message that the server writes. Under a key that is known it goes on with the message of before, unless that one
   * is complete or was cancelled.
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, RATE_LIMITED, CONFLICT, EXPIRED, UNAVAILABLE
   */
  async open(
    roomId: string,
    type: string,
    start: Readonly<Record<string, unknown>>,
    { key, scope = `\u0000room ${roomId}`, userId }: Beginning,
    limits: Pick<RequestEffects, 'writer' | 'limits'> = {},
    known?: AppendKey,
  ): Promise<MessageStream> {
    const { publisher, rooms } = this.parts
    const { args, change } = this.begin(start)
    const appendKey = known ?? publisher.keyOf(key, scope, type, args)
    const stored = await publisher.store(roomId, type, args, userId, appendKey, { ...limits, change })
    const room = rooms.open(roomId)
    room.pins++ // so that its end is received here
    try {
      await room.opened
      return await this.attach(stored, start, room.epoch, () => {
        this.written.delete(nameOf(roomId, stored.seq))
        room.pins--
        rooms.freeIfEmpty(room)
      })
    } catch (error) {
      room.pins--
      rooms.freeIfEmpty(room)
      throw error
    }
  }

  /** @returns nothing when no message is being written under this number */
  async find(roomId: string, seq: number): Promise<Written | undefined> {
    return this.findHere(roomId, seq) ?? this.findStored(roomId, seq)
  }

  /**
   * As {@link find}, for a client that goes on to write: the room stays open here until the message has ended, even without
   * members. Otherwise all of the text would be read from the log for each piece.
   */
  async follow(roomId: string, seq: number): Promise<Written | undefined> {
    const name = nameOf(roomId, seq)
    if (this.held.has(name) || this.held.size >= HELD_MAX) return this.find(roomId, seq)
    const { rooms } = this.parts
    const room = rooms.open(roomId)
    const release = (): void => {
      if (!this.held.delete(name)) return
      room.pins--
      rooms.freeIfEmpty(room)
    }
    this.held.set(name, release)
    room.pins++
    try {
      await room.opened
    } catch (error) {
      release()
      throw error
    }
    this.releaseOnceOver(room, seq, release)
    return this.find(roomId, seq)
  }

  /** A message may also go without an end, such as when it is taken back. */
  private releaseOnceOver(room: Room, seq: number, release: () => void): void {
    if (!room.texts.has(seq)) return release()
    const { settings, timers } = this.runtime
    timers.add(settings.streamIdleMs, () => this.releaseOnceOver(room, seq, release))
  }

  /** As {@link find}, where it is known at once. */
  findHere(roomId: string, seq: number): Written | undefined {
    const room = this.namespace.rooms.get(roomId)
    const text = room?.texts.get(seq)
    return text && { userId: text.start.userId, length: text.length, epoch: room?.epoch }
  }

  /**
   * Ends a message that is being written.
   * @param known how long it is as far as it is known here, as it may have grown meanwhile, and of which log its number is
   * @returns how it ended, which may be another way: another end came first
   * @throws RoomfulError (rejects) NOT_FOUND, UNAVAILABLE
   */
  async end(roomId: string, seq: number, known: Omit<Written, 'userId'>, request: EndRequest): Promise<EndedMessage> {
    return (await this.endUnlessOver(roomId, seq, known, request)).ended
  }

  /** As {@link end}. `isOver`: another end came first. */
  async endUnlessOver(
    roomId: string,
    seq: number,
    { length, epoch }: Omit<Written, 'userId'>,
    request: EndRequest,
  ): Promise<{ readonly ended: EndedMessage; readonly isOver: boolean }> {
    const { publisher } = this.parts
    const { state, reason, extra, userId, by } = request
    for (let tries = 0, known = length; tries < TRIES_MAX; tries++) {
      const ending: Ending = {
        target: seq,
        state,
        length: known,
        ...(userId === undefined ? {} : { userId }),
        ...(reason === undefined ? {} : { reason }),
        ...(extra === undefined ? {} : { extra }),
      }
      const change = { kind: 'end', seq, length: known, tail: tailOf(ending) } as const
      try {
        await publisher.store(roomId, ENDED, [ending], by, undefined, { change, aboutSeq: seq, epoch })
        return { ended: { state, length: known }, isOver: false }
      } catch (error) {
        const { code, details } = toRoomfulError(error)
        if (code !== 'CONFLICT') throw error
        if (typeof details?.length !== 'number') return { ended: await this.endOf(roomId, seq), isOver: true }
        known = details.length
      }
    }
    throw new RoomfulError('UNAVAILABLE', 'The message still grows; try again', { retryAfterMs: 1_000 })
  }

  /** How a message that is not written any more has ended. @throws RoomfulError (rejects) NOT_FOUND */
  async endOf(roomId: string, seq: number): Promise<EndedMessage> {
    const row = await this.row(roomId, seq)
    const ended = row && endedOf(row)
    if (!ended) throw new RoomfulError('NOT_FOUND', `There is no message ${seq} that is written in pieces in this room`)
    return ended
  }

  private async attach(
    stored: Stored,
    start: Readonly<Record<string, unknown>>,
    epoch: string,
    release: () => void,
  ): Promise<MessageStream> {
    const { roomId, seq, duplicate } = stored
    const length = typeof start.content === 'string' ? start.content.length : 0
    const of = { ...stored, epoch }
    if (!duplicate) return this.stream(of, length, release)
    const growing = await this.growing(roomId, seq)
    if (growing) return this.stream(of, growing.length, release)
    const row = await this.row(roomId, seq)
    const ended = row && endedOf(row)
    if (!row || !ended) throw new RoomfulError('NOT_FOUND', 'The message under this key is there no more')
    if (ended.state !== 'interrupted') return this.stream(of, ended.length, release, ended)
    const { content, state: _, reason: __, extra: ___, ...rest } = (JSON.parse(row.argsJson) as [Content])[0]
    const argsJson = toJson([{ ...rest, content: '', streaming: true }])
    const text = { fragment: fragmentOf(content), length: content.length }
    const change = { kind: 'resume', seq, was: row.argsJson, argsJson, ...text } as const
    await this.parts.publisher.change(roomId, change, undefined, epoch)
    return this.stream(of, content.length, release)
  }

  private stream(
    { id, roomId, seq, ts, epoch }: Stored & { readonly epoch: string },
    length: number,
    release: () => void,
    ended?: EndedMessage,
  ): MessageStream {
    const target = {
      change: (room: string, change: FactChange) => this.parts.publisher.change(room, change, undefined, epoch),
      end: (room: string, number: number, at: number, request: EndRequest) =>
        this.end(room, number, { length: at, epoch }, request),
      failed: (error: unknown) => {
        const of = { namespace: this.namespace.name, event: 'stream', userId: '', connectionId: '' }
        this.runtime.observer.observe({ type: 'handler:failed', ...of, payload: [], error })
      },
      release,
    }
    const stream = new MessageStream(this.runtime, { id, roomId, seq, ts, length }, target, ended)
    if (!ended) this.written.set(nameOf(roomId, seq), stream)
    return stream
  }

  private async findStored(roomId: string, seq: number): Promise<Written | undefined> {
    // Before the message is looked for: what is found is of this log, or the change is refused.
    const [head] = await this.runtime.broker.heads(this.namespace.name, [roomId])
    const found = await this.growing(roomId, seq)
    return found && { userId: found.row.userId, length: found.length, epoch: head?.epoch }
  }

  private async growing(roomId: string, seq: number): Promise<GrowingRow | undefined> {
    const all = await this.runtime.broker.growing(this.namespace.name, roomId)
    return all.find(({ row }) => row.seq === seq)
  }

  private async row(roomId: string, seq: number): Promise<StoredRow | undefined> {
    const { events } = await this.runtime.broker.history(this.namespace.name, roomId, { after: seq - 1, limit: 1 })
    const [row] = events
    return row?.seq === seq && !row.redacted ? row : undefined
  }
}

interface Content {
  readonly content: string
  readonly state: unknown
  readonly reason: unknown
  readonly extra: unknown
}

const STATES: ReadonlySet<unknown> = new Set<EndState>(['complete', 'cancelled', 'interrupted'])

/** How a message ended, by its row. */
function endedOf({ argsJson }: StoredRow): EndedMessage | undefined {
  const [data] = JSON.parse(argsJson) as unknown[]
  if (!isRecord(data) || typeof data.content !== 'string' || !STATES.has(data.state)) return undefined
  return { state: data.state as EndState, length: data.content.length }
}

function nameOf(roomId: string, seq: number): string {
  return `${roomId}\n${seq}`
}
