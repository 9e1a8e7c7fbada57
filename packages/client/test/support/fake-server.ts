/**
 * A server that speaks v1 from memory: enough of rooms, keys and presence that a client cannot tell, and levers for what real
 * ones do on bad days. Everything it says goes out in a microtask, so that a virtual clock decides when.
 */

import type { OpenTransport, Transport, TransportHandlers } from '@roomful/client'
import type { DownFrame, UpFrame, WireError } from '@roomful/protocol'

type Opening = Extract<UpFrame, { type: 'open' }>
type Request = Extract<UpFrame, { event: string; type?: undefined }>
type Handler = (data: Record<string, unknown>, request: Request, link: FakeLink) => unknown

/** What a handler throws to refuse. */
export class Refusal extends Error {
  readonly error: WireError

  constructor(code: string, more: Partial<WireError> = {}) {
    super(code)
    this.error = { code, message: code, ...more }
  }
}

export interface FakeEvent {
  event: string
  data: unknown
  seq: number
  key: string | undefined
}

export class FakeRoom {
  epoch = 'e1'
  readonly id: string
  readonly events: FakeEvent[] = []
  /** Number of the oldest event that is still there. */
  first = 1
  pv = 0
  readonly users = new Map<string, string>()

  constructor(id: string) {
    this.id = id
  }

  get head(): number {
    return this.first - 1 + this.events.length
  }

  snapshot(): { users: unknown[]; count: number; pv: number } {
    const users = Array.from(this.users, ([userId, name]) => ({ userId, name, status: 'online' }))
    return { users, count: users.length, pv: this.pv }
  }

  trim(first: number): void {
    this.events.splice(0, first - this.first)
    this.first = first
  }
}

export class FakeServer {
  readonly links: FakeLink[] = []
  readonly rooms = new Map<string, FakeRoom>()
  readonly openings: Opening[] = []
  readonly requests: Request[] = []
  readonly handlers = new Map<string, Handler>()
  readonly user = { sub: 'ann', name: 'Ann', role: 'user' }
  limits: Record<string, number> = { maxMessageBytes: 65_536, dedupeWindowMs: 86_400_000 }
  heartbeat = { pingIntervalMs: 30_000, pongTimeoutMs: 5_000 }
  /** Its clock is ahead of the client's. */
  skewMs = 0
  private readonly clock: { now(): number }
  /** Answers an opening otherwise than with `opened`. */
  onOpening:
    | ((opening: Opening, link: FakeLink) => 'silent' | { code: number; error?: WireError } | undefined)
    | undefined
  /** New links fail as when nothing listens. */
  isDown = false
  private readonly answers = new Map<string, unknown>()
  private readonly sessions = new Set<string>()

  constructor(clock: { now(): number }) {
    this.clock = clock
    this.handlers.set('room:join', (data, _request, link) => this.join(data, link))
    this.handlers.set('room:leave', ({ roomId }, _request, link) => {
      link.rooms.delete(String(roomId))
      return { status: 'ok' }
    })
    this.handlers.set('presence:get', ({ roomId }) => ({ status: 'ok', ...this.room(String(roomId)).snapshot() }))
    this.handlers.set('message:send', ({ roomId, content }, { key }) => {
      const { seq } = this.publish(String(roomId), 'message:new', { userId: 'ann', name: 'Ann', content }, key)
      return { status: 'ok', id: `${roomId}-${seq}`, seq, ts: seq }
    })
    this.handlers.set('echo', (data) => data)
  }

  /** For a client's option `transport`. */
  readonly transport: OpenTransport = (handlers) => {
    const link = new FakeLink(this, handlers)
    this.links.push(link)
    queueMicrotask(() => (this.isDown ? link.drop(1006) : handlers.onOpen()))
    return link
  }

  get link(): FakeLink {
    const link = this.links.at(-1)
    if (!link) throw new Error('No link was opened')
    return link
  }

  room(id: string): FakeRoom {
    const room = this.rooms.get(id) ?? new FakeRoom(id)
    this.rooms.set(id, room)
    return room
  }

  /** Stores an event and tells every link that is in the room. */
  publish(roomId: string, event: string, data: unknown, key?: string): FakeEvent {
    const room = this.room(roomId)
    const stored: FakeEvent = { event, data, seq: room.head + 1, key }
    room.events.push(stored)
    for (const link of this.links) if (link.rooms.has(roomId)) link.tell(roomId, stored)
    return stored
  }

  /** Names of the requests so far, those of one event when it is given. */
  requested(event: string): Request[] {
    return this.requests.filter((request) => request.event === event)
  }

  handleOpening(opening: Opening, link: FakeLink): void {
    this.openings.push(opening)
    const refusal = this.onOpening?.(opening, link)
    if (refusal === 'silent') return
    if (refusal) {
      const { code, error } = refusal
      link.say({ type: 'closed', ch: opening.ch, code, reason: error?.message ?? '', ...(error ? { error } : {}) })
      return link.drop(code)
    }
    const recovered = opening.session !== undefined && this.sessions.has(opening.session)
    const session = recovered ? (opening.session as string) : `s${this.openings.length}`
    this.sessions.add(session)
    const { heartbeat, limits, user } = this
    const now = this.clock.now() + this.skewMs
    link.say({ type: 'welcome', v: 1, id: 'l', now, protocol: 1, limits, heartbeat })
    link.say({
      type: 'opened',
      ch: opening.ch,
      id: `c${this.openings.length}`,
      user,
      now,
      session,
      sessionMs: 120_000,
      recovered,
    })
  }

  handleRequest(request: Request, link: FakeLink): void {
    this.requests.push(request)
    const { id, key, event } = request
    const answer = (data: unknown): void => {
      if (id !== undefined) link.say({ ch: 1, ack: id, data })
    }
    if (key !== undefined && this.answers.has(key)) return answer(this.answers.get(key))
    const handler = this.handlers.get(event)
    try {
      if (!handler) throw new Refusal('UNKNOWN_EVENT')
      const result = handler((request.data ?? {}) as Record<string, unknown>, request, link)
      if (result === NO_ANSWER) return
      if (key !== undefined) this.answers.set(key, result)
      answer(result)
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      if (id !== undefined) link.say({ ch: 1, ack: id, error: thrown.error })
      else link.say({ type: 'error', ch: 1, event, ...thrown.error })
    }
  }

  private join({ roomId, after }: Record<string, unknown>, link: FakeLink): unknown {
    const room = this.room(String(roomId))
    link.rooms.add(room.id)
    const resumed =
      after === undefined ? undefined : this.resume(room, after as number | { epoch: string; seq: number })
    if (resumed) {
      queueMicrotask(() => {
        for (const event of room.events) if (event.seq > resumed.after) link.tell(room.id, event)
      })
    }
    return { status: 'ok', roomId, epoch: room.epoch, seq: room.head, ...resumed?.reply, ...room.snapshot() }
  }

  private resume(room: FakeRoom, after: number | { epoch: string; seq: number }): { after: number; reply: object } {
    const { epoch, seq } = typeof after === 'number' ? { epoch: room.epoch, seq: after } : after
    const lost = (reason: string): { after: number; reply: object } => ({
      after: room.first - 1,
      reply: { recovered: false, reason, from: room.first, to: room.head },
    })
    if (epoch !== room.epoch) return lost('epoch')
    if (seq + 1 < room.first) return lost('trimmed')
    return { after: seq, reply: { recovered: true } }
  }
}

/** What a handler returns that leaves its request unanswered. */
export const NO_ANSWER = Symbol('no answer')

export class FakeLink implements Transport {
  readonly rooms = new Set<string>()
  readonly sent: UpFrame[] = []
  /** How the client closed it. */
  closed: 'goodbye' | 'cut' | undefined
  /** Nothing gets through any more, in either direction, and neither side notices. */
  isBlackHole = false
  private readonly server: FakeServer
  private readonly handlers: TransportHandlers
  /** The server has ended it; what it said before still arrives. */
  private isEnding = false

  constructor(server: FakeServer, handlers: TransportHandlers) {
    this.server = server
    this.handlers = handlers
  }

  send(text: string): void {
    if (this.isEnding || this.closed || this.isBlackHole) return
    const frame = JSON.parse(text) as UpFrame
    this.sent.push(frame)
    queueMicrotask(() => {
      if (this.isEnding || this.closed || this.isBlackHole) return
      if (frame.type === 'open') this.server.handleOpening(frame, this)
      else if (frame.type === 'ping') this.say({ type: 'pong' })
      else if (frame.type === undefined && 'event' in frame) this.server.handleRequest(frame, this)
    })
  }

  close(manner: 'goodbye' | 'cut'): void {
    this.closed = manner
    this.rooms.clear()
  }

  say(...frames: DownFrame[]): void {
    if (this.isEnding || this.isBlackHole) return
    this.sayText(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  sayText(text: string): void {
    queueMicrotask(() => {
      if (!this.closed) this.handlers.onMessage(text)
    })
  }

  /** An event that is not stored. */
  emit(event: string, data: unknown): void {
    this.say({ ch: 1, event, data })
  }

  tell(roomId: string, { event, data, seq, key }: FakeEvent): void {
    const stored = { roomId, seq, n: seq, ts: seq, id: `${roomId}-${seq}`, ...(key === undefined ? {} : { key }) }
    this.say({ ch: 1, event, data, ...stored })
  }

  /** The link ends from the server's side. */
  drop(code: number, reason = ''): void {
    if (this.isEnding) return
    this.isEnding = true
    this.rooms.clear()
    queueMicrotask(() => {
      if (!this.closed) this.handlers.onClose(code, reason)
    })
  }
}
