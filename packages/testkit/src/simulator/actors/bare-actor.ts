/**
 * A client without the SDK, written from PROTOCOL.md alone: plain JSON, a position with each join, and a key with each request
 * that must be stored once, repeated until it is acknowledged. It corrects nothing: the history has what the server sent.
 */
import { inboxOf } from '@roomful/protocol'
import { plainDialect } from '@roomful/server/testing'
import { contentOf, isText, type Purpose } from '../../history/fact.ts'
import { type Companion, type CompanionHost, hostOf, type Message, type OnAnswer } from '../facts/companion.ts'
import { KeptRequests, PASSING, PATIENCE_MS } from '../facts/kept-requests.ts'
import type { SimulatedLink } from '../link.ts'
import type { Actor, ActorOptions } from './actor.ts'
import { BareOutbox, type Entry } from './bare-outbox.ts'
import { MemberList } from './member-list.ts'

const RECONNECT_MS = 1_500
/** How often it checks that the server is there and everything is acknowledged. */
const LOOK_MS = 1_000
const SILENCE_MS = 5_000

interface PendingRequest {
  readonly event: string
  readonly data: Message
  readonly key?: string
  readonly tries: number
  /** Of a join: the room that it wanted then. */
  readonly stay?: WantedRoom | undefined
  atMs: number
  isRefused?: boolean
}

interface WantedRoom {
  /** Unknown until its first join. */
  position: { epoch: string; seq: number } | undefined
  isIn: boolean
  readonly members: MemberList
}

export class BareActor implements Actor {
  readonly name: string
  readonly user: string
  readonly privateKeys = undefined
  readonly network: ActorOptions['network']
  readonly companion: Companion | undefined
  private readonly options: ActorOptions
  /** Of its companion. */
  private readonly kept: KeptRequests
  private readonly wanted = new Map<string, WantedRoom>()
  private readonly outbox: BareOutbox
  private readonly pending = new Map<number, PendingRequest>()
  /** Requests of its companion on this connection. */
  private readonly tries = new Map<number, OnAnswer>()
  private link: SimulatedLink | undefined
  private isOpen = false
  private receivedMs = 0
  private lastId = 0
  private cancels: (() => void)[] = []
  private isHere = false
  /** Nothing on this link was late, so its own events must arrive before their acknowledgements. */
  private isCalm = true

  constructor(options: ActorOptions) {
    this.options = options
    this.name = options.name
    this.user = options.user
    this.network = options.network
    this.outbox = new BareOutbox(options)
    const { clock, random } = options
    this.kept = new KeptRequests({
      ...{ clock, random },
      send: (event, data, key) => {
        if (!this.isOpen) return undefined
        const id = ++this.lastId
        this.write({ event, data, id, key })
        return id
      },
    })
    this.companion = options.companion?.(this.host())
    this.comeBack()
  }

  get isPresent(): boolean {
    return this.isHere
  }

  say(roomId: string): void {
    if (this.isHere) this.send({ roomId, ...this.options.vocabulary.say(roomId, this.outbox.nextText()) })
  }

  revise(roomId: string): void {
    const seq = this.options.own.pick(roomId)
    const said = seq !== undefined && this.options.vocabulary.revise?.(roomId, seq, this.outbox.nextText())
    if (said) this.send({ roomId, ...said }, { revises: seq })
  }

  takeBack(roomId: string): void {
    const seq = this.options.own.pick(roomId)
    const said = seq !== undefined && this.options.vocabulary.takeBack?.(roomId, seq)
    if (said) this.send({ roomId, ...said }, { takesBack: seq })
  }

  sendPrivate(to: string): void {
    const said = this.isHere && this.options.vocabulary.sendPrivate?.(to, this.outbox.nextText())
    if (said) this.send({ roomId: inboxOf(to), ...said }, { also: inboxOf(this.user) })
  }

  chatter(roomId: string): void {
    for (const { event, data } of this.options.vocabulary.chatter?.(roomId) ?? []) this.write({ event, data })
  }

  join(roomId: string): void {
    if (!this.isHere || this.wanted.has(roomId)) return
    this.wanted.set(roomId, { position: undefined, isIn: false, members: new MemberList() })
    if (this.isOpen) this.enter(roomId)
  }

  leave(roomId: string): void {
    const { position } = this.wanted.get(roomId) ?? {}
    if (!this.wanted.delete(roomId)) return
    this.companion?.left(roomId)
    if (position) this.options.history.record(this.name, { what: 'leaves', room: roomId })
    if (this.isOpen) this.ask('room:leave', { roomId })
  }

  goAway(): void {
    if (!this.isHere) return
    for (const roomId of [...this.wanted.keys()]) this.leave(roomId)
    this.isHere = false
    this.isOpen = false
    this.outbox.clear()
    this.kept.clear()
    this.tries.clear()
    this.cancelAll()
    this.link?.close('goodbye')
  }

  comeBack(): void {
    if (this.isHere) return
    this.isHere = true
    this.connect()
    const look = (): void => {
      this.look()
      this.cancels.push(this.options.clock.after(LOOK_MS, look))
    }
    look()
  }

  rooms(): string[] {
    return [...this.wanted].filter(([, { isIn }]) => isIn).map(([roomId]) => roomId)
  }

  waitsFor(): string | undefined {
    if (!this.isHere) return undefined
    if (!this.isOpen) return 'a connection'
    const key = this.outbox.first() ?? this.kept.first()
    if (key !== undefined) return `the answer to ${key}`
    for (const [roomId, { isIn }] of this.wanted) if (!isIn) return `room ${roomId}`
    return undefined
  }

  membersOf(roomId: string): string[] | undefined {
    const entry = this.wanted.get(roomId)
    return entry?.isIn ? entry.members.users() : undefined
  }

  private host(): CompanionHost {
    return {
      ...hostOf(this.options),
      isIn: (roomId) => this.wanted.get(roomId)?.isIn ?? false,
      positionIn: (roomId) => this.wanted.get(roomId)?.position?.seq ?? 0,
      request: (event, data, onAnswer) => this.isHere && this.kept.add(event, data, onAnswer),
      try: (event, data, onAnswer) => this.try(event, data, onAnswer),
      setPresence: (roomId, state) => this.try('presence:set', { roomId, state }),
    }
  }

  private try(event: string, data: Message, onAnswer: OnAnswer = () => undefined): void {
    if (!this.isOpen) return
    const id = ++this.lastId
    this.tries.set(id, onAnswer)
    this.write({ event, data, id })
  }

  private send(entry: Entry, more: Purpose = {}): void {
    if (!this.isHere) return
    this.outbox.add(entry, more)
    this.askNext()
  }

  private connect(): void {
    const { network, token, clock } = this.options
    this.receivedMs = clock.monotonic()
    this.isCalm = !network.isHeld
    const link = network.open(
      { dialect: plainDialect, token: token() },
      {
        onOpen: () => undefined,
        onMessage: (text) => this.link === link && this.receive(JSON.parse(text)),
        onClose: (code, reason) => this.link === link && this.closed(code, reason),
      },
    )
    this.link = link
  }

  private closed(code: number, reason: string): void {
    const { history, clock, random } = this.options
    history.note(this.name, `is closed (${code} ${reason})`)
    this.isOpen = false
    this.link = undefined
    this.pending.clear()
    this.kept.closed()
    this.tries.clear()
    for (const wanted of this.wanted.values()) wanted.isIn = false
    if (this.isHere) this.cancels.push(clock.after(1 + random.integer(RECONNECT_MS), () => this.connect()))
  }

  /** Detects by itself that the server is gone, or that a request was not answered. */
  private look(): void {
    const now = this.options.clock.monotonic()
    if (!this.link) return
    if (now - this.receivedMs > SILENCE_MS) {
      this.link.close('cut')
      return this.closed(1006, 'nothing was received')
    }
    if (!this.isOpen) return
    if (now - this.receivedMs > SILENCE_MS / 2) this.write({ type: 'ping' })
    for (const [id, asked] of [...this.pending]) {
      if (now - asked.atMs >= PATIENCE_MS * asked.tries) this.askAgain(id, asked)
    }
    this.kept.send()
  }

  private askAgain(id: number, { event, data, key, tries, isRefused }: PendingRequest): void {
    const roomId = data.roomId as string
    // A second join would return to an older position, and a second leave may end a later membership.
    if (event === 'room:join' && !isRefused) return
    if (event === 'room:leave' && this.wanted.has(roomId)) return
    this.pending.delete(id)
    if (event === 'room:join') {
      if (!this.wanted.get(roomId)?.isIn) this.enter(roomId) // else another try has let it in
    } else if (key === undefined || this.outbox.has(key)) this.ask(event, data, key, tries * 2)
  }

  private enter(roomId: string): void {
    const wanted = this.wanted.get(roomId)
    if (!wanted) return
    const { position } = wanted
    const { flow } = this.options
    const more = { ...this.companion?.joinFields(roomId), ...(flow === undefined ? {} : { flow }) }
    this.ask('room:join', { roomId, ...(position ? { after: position } : {}), ...more }, undefined, 1, wanted)
  }

  /** Sends waiting requests, oldest first, as many as may be under way. */
  private askNext(): void {
    if (!this.isOpen) return
    const asked = new Set([...this.pending.values()].map(({ key }) => key))
    for (const [key, { event, data }] of this.outbox.window()) {
      if (!asked.has(key)) this.ask(event, data as Message, key)
    }
  }

  private ask(event: string, data: Message, key?: string, tries = 1, stay?: WantedRoom): void {
    const id = ++this.lastId
    const atMs = this.options.clock.monotonic()
    this.pending.set(id, { event, data, tries, stay, atMs, ...(key === undefined ? {} : { key }) })
    this.write({ event, data, id, ...(key === undefined ? {} : { key }) })
  }

  private write(message: Message): void {
    if (this.isOpen) this.link?.send(JSON.stringify(message))
  }

  private receive(message: Message): void {
    this.receivedMs = this.options.clock.monotonic()
    const { history } = this.options
    if (message.type === 'auth_ok' && !this.isOpen) return this.opened()
    if (message.type === 'ack') return this.answered(message)
    if (message.type === 'auth_expiring') return this.write({ type: 'auth', token: this.options.token() })
    if (message.type === 'notice' && message.code === 'FORBIDDEN') return this.lose(message.roomId)
    if (message.type === 'room:left') return this.lose(message.roomId)
    if (message.type === 'error') return history.note(this.name, `gets the error ${message.code}: ${message.message}`)
    const wanted = this.wanted.get(message.roomId)
    if (wanted?.position || message.type === 'room:read' || message.type === 'message:stop')
      this.companion?.received(message)
    if (message.type === 'reset') return this.reset(message.roomId, message.epoch, message)
    // Others name the number of an event that they are about.
    if (message.seq !== undefined && message.ts !== undefined) return this.event(message, wanted)
    const problem = wanted?.isIn ? wanted.members.take(message) : undefined
    if (problem) history.violate(`${this.name} in ${message.roomId}: ${problem}`)
  }

  private opened(): void {
    this.isOpen = true
    this.options.history.note(this.name, 'is let in')
    for (const roomId of this.wanted.keys()) this.enter(roomId)
    this.askNext()
    this.kept.send()
  }

  private event(message: Message, wanted: WantedRoom | undefined): void {
    const { roomId, seq, key } = message
    // It left the room, but the server does not know that yet.
    if (!wanted?.position) return
    const { epoch } = wanted.position
    if (this.options.flow !== undefined) {
      wanted.position = { epoch, seq: Math.max(seq, wanted.position.seq) }
      return
    }
    // What is being written comes again, whole so far, without a place among the others.
    if (isText(message) && seq <= wanted.position.seq) return
    this.options.history.record(this.name, {
      ...{ what: 'receives', room: roomId, epoch, seq, key },
      content: message.redacted === true ? undefined : contentOf(message),
    })
    wanted.position = { epoch, seq }
  }

  private reset(roomId: string, epoch: string | undefined, { reason, from, to }: Message): void {
    const wanted = this.wanted.get(roomId)
    if (!wanted?.position) return
    const known = epoch ?? wanted.position.epoch
    this.options.history.record(this.name, { what: 'gap', room: roomId, epoch, reason, from, to })
    wanted.position = { epoch: known, seq: from - 1 }
  }

  private answered({ ack, data, error }: Message): void {
    const onAnswer = this.tries.get(ack)
    this.tries.delete(ack)
    if (onAnswer) return onAnswer(error ? undefined : data, error)
    const asked = this.pending.get(ack)
    if (!asked) return void this.kept.answered(ack, error ? undefined : data, error)
    const { event, key } = asked
    if (error && PASSING.has(error.code)) {
      asked.isRefused = true
      asked.atMs = this.options.clock.monotonic() // said again when patience is over
      return
    }
    this.pending.delete(ack)
    if (event === 'room:join') return error ? this.lose(asked.data.roomId) : this.entered(asked, data)
    if (key !== undefined) this.stored(key, error, data)
  }

  private entered({ data: { roomId, after }, stay }: PendingRequest, reply: Message): void {
    const { history } = this.options
    // Also for a room that it has left: the server is still sending what it missed there.
    // It is behind as well where it gets what there is of a message that is being written.
    if ([...this.options.truth(roomId).texts.values()].some(({ state }) => state === undefined)) this.isCalm = false
    if (after !== undefined && (reply.seq > after.seq || reply.recovered === false)) this.isCalm = false
    const wanted = this.wanted.get(roomId)
    if (!wanted || wanted !== stay) return // it left meanwhile, and may have come back
    wanted.isIn = true
    wanted.members.replace(reply)
    this.companion?.joined(roomId, reply)
    const { epoch, seq } = reply
    if (this.options.flow !== undefined) {
      // It follows no numbers: what comes is what it asked for.
      if (wanted.position?.epoch !== epoch) wanted.position = { epoch, seq }
      return
    }
    if (after === undefined) {
      if (wanted.position) return // asked twice
      history.record(this.name, { what: 'enters', room: roomId, epoch, seq })
      wanted.position = { epoch, seq }
      return
    }
    if (reply.recovered === true) history.record(this.name, { what: 'resumes', room: roomId, epoch, seq: after.seq })
    else if (reply.recovered === false) this.reset(roomId, epoch, reply)
    else history.violate(`${this.name} resumed ${roomId} and the answer has no \`recovered\``)
  }

  private stored(key: string, error: Message | undefined, data: Message | undefined): void {
    const { history } = this.options
    const entry = this.outbox.take(key)
    if (!entry) return
    this.askNext()
    const { roomId } = entry
    if (error) return history.record(this.name, { what: 'refused', room: roomId, key, code: error.code })
    history.record(this.name, { what: 'answered', room: roomId, key, seq: data?.seq })
    if (data?.seq !== undefined) this.options.own.add(roomId, data.seq)
    const wanted = this.wanted.get(roomId)
    // A client with an inbox is behind in every room while the inbox is read.
    if (this.options.headOf(inboxOf(this.user)) > 0 || this.options.mayBeBehind()) this.isCalm = false
    if (!this.isCalm || this.link?.wasHeld || !wanted?.isIn || !wanted.position || data?.seq === undefined) return
    if (wanted.position.seq < data.seq) {
      history.violate(`${this.name} got the ack of ${roomId}#${data.seq} before the event, and was not behind`)
    }
  }

  private lose(roomId: string): void {
    const wanted = this.wanted.get(roomId)
    if (!wanted) return
    this.wanted.delete(roomId)
    this.companion?.left(roomId)
    if (wanted.position) this.options.history.record(this.name, { what: 'leaves', room: roomId })
  }

  private cancelAll(): void {
    for (const cancel of this.cancels) cancel()
    this.cancels = []
  }
}
