/** A simulated client that uses the real SDK and records what the SDK hands to it. */
import { Client, type Room, type RoomfulError } from '@roomful/client'
import { createKey, inboxOf } from '@roomful/protocol'
import { contentOf, type Purpose } from '../../history/fact.ts'
import { type Companion, type CompanionHost, hostOf, type Message, type OnAnswer } from '../facts/companion.ts'
import type { Actor, ActorOptions, Request } from './actor.ts'

/** Refusals that no retry can change. */
const FINAL = new Set(['CONFLICT', 'FORBIDDEN', 'NOT_IN_ROOM', 'EXPIRED', 'TOO_LARGE', 'INVALID_MESSAGE', 'NOT_FOUND'])

/** What companions look at, as far as the SDK hands it out. */
const BESIDE = ['message:new', 'message:piece', 'message:ended', 'state:changed', 'room:read'] as const

interface HeldRoom {
  readonly room: Room
  /** It knows its position, and should receive every event after it. */
  isIn: boolean
  /** Its position when the server removed it: it continues there if it may join again. */
  lost?: Room['position']
}

export class SdkActor implements Actor {
  readonly name: string
  readonly user: string
  readonly network: ActorOptions['network']
  readonly companion: Companion | undefined
  private readonly options: ActorOptions
  private readonly held = new Map<string, HeldRoom>()
  private readonly unanswered = new Set<string>()
  private readonly receivedKeys = new Set<string>()
  private client: Client | undefined
  private said = 0
  private lives = 0

  constructor(options: ActorOptions) {
    this.options = options
    this.name = options.name
    this.user = options.user
    this.network = options.network
    this.companion = options.companion?.(this.host())
    this.comeBack()
  }

  get isPresent(): boolean {
    return this.client !== undefined
  }

  get privateKeys(): ReadonlySet<string> | undefined {
    return this.lives === 1 && this.isPresent ? this.receivedKeys : undefined
  }

  say(roomId: string): void {
    if (this.mayJoin(roomId)) this.send(roomId, this.options.vocabulary.say)
  }

  revise(roomId: string): void {
    const { revise } = this.options.vocabulary
    const seq = this.options.own.pick(roomId)
    if (revise && seq !== undefined) this.send(roomId, (_roomId, text) => revise(roomId, seq, text), { revises: seq })
  }

  takeBack(roomId: string): void {
    const { takeBack } = this.options.vocabulary
    const seq = this.options.own.pick(roomId)
    if (takeBack && seq !== undefined) this.send(roomId, () => takeBack(roomId, seq), { takesBack: seq })
  }

  sendPrivate(to: string): void {
    const { sendPrivate } = this.options.vocabulary
    if (sendPrivate) this.send(inboxOf(to), (_roomId, text) => sendPrivate(to, text), { also: inboxOf(this.user) })
  }

  chatter(roomId: string): void {
    for (const { event, data } of this.options.vocabulary.chatter?.(roomId) ?? [])
      this.client?.emit(event, data as never)
  }

  join(roomId: string): void {
    const { client, held } = this
    const { history, vocabulary, headOf } = this.options
    if (held.get(roomId)?.room.getSnapshot().status === 'refused') this.leave(roomId) // and asks again
    if (!client || held.has(roomId)) return
    const room = client.room(roomId)
    const entry: HeldRoom = { room, isIn: false }
    held.set(roomId, entry)
    const enter = (): void => {
      if (!room.position || entry.isIn) return
      entry.isIn = true
      history.record(this.name, { what: 'enters', room: roomId, ...(entry.lost ?? room.position) })
      if (entry.lost) history.record(this.name, { what: 'catches up', room: roomId, upTo: headOf(roomId) })
      delete entry.lost
    }
    let before = room.getSnapshot().status
    const look = (): void => {
      const { status } = room.getSnapshot()
      if (status === 'refused' && entry.isIn) {
        if (room.position) entry.lost = room.position
        this.loses(roomId, entry)
      }
      if (status === 'joined' && !entry.isIn) enter()
      else if (entry.isIn && (status === 'joined') !== (before === 'joined')) {
        const upTo = status === 'joined' ? headOf(roomId) : undefined
        history.record(this.name, { what: 'catches up', room: roomId, upTo })
      }
      before = status
    }
    room.subscribe(look)
    for (const name of vocabulary.events) {
      room.on(name, (data: unknown, meta) => {
        const { seq, n, key } = meta as { seq?: number; n?: number; key?: string }
        if (seq === undefined) return
        const epoch = room.position?.epoch
        history.record(this.name, { what: 'receives', room: roomId, epoch, seq, n, key, content: contentOf(data) })
      })
    }
    room.onRedacted(({ seq = 0, n, key }) => {
      const epoch = room.position?.epoch
      history.record(this.name, { what: 'receives', room: roomId, epoch, seq, n, key, content: undefined })
    })
    room.onReset(({ reason, from, to }) => {
      history.record(this.name, { what: 'gap', room: roomId, epoch: room.position?.epoch, reason, from, to })
    })
    if (this.companion) this.accompany(this.companion, room, roomId)
    enter() // a room released a moment ago is still kept, and knows its position
  }

  leave(roomId: string): void {
    const entry = this.held.get(roomId)
    if (!entry) return
    this.held.delete(roomId)
    entry.room.release()
    this.companion?.left(roomId)
    this.loses(roomId, entry)
  }

  goAway(): void {
    const { client } = this
    if (!client) return
    for (const roomId of [...this.held.keys()]) this.leave(roomId)
    this.client = undefined
    client.close()
  }

  comeBack(): void {
    if (this.client) return
    const { name, clock, random, history, network, token, vocabulary } = this.options
    const client = new Client('http://simulated', {
      ...{ namespace: vocabulary.namespace, transport: network.transport, clock, token },
      random: () => random.fraction(),
      fillRandom: (bytes) => random.fill(bytes),
      onError: (error) => history.note(name, `gets the error ${error.code}: ${error.message}`),
    })
    const life = ++this.lives
    if (vocabulary.privateEvent !== undefined) {
      client.on(vocabulary.privateEvent, (_data: unknown, { key, roomId = '' }) => {
        if (key === undefined) return
        this.receivedKeys.add(key)
        history.record(name, { what: 'receives privately', room: roomId, life, key })
      })
    }
    client.on('message:stop', (data: unknown) => {
      if (this.client === client) this.companion?.received({ type: 'message:stop', ...(data as Message) })
    })
    let { status } = client.state
    client.subscribe(() => {
      if (client.state.status === status) return
      status = client.state.status
      history.note(name, `is ${describe(client.state)}`)
    })
    this.client = client
  }

  rooms(): string[] {
    return [...this.held].filter(([, { room }]) => room.getSnapshot().status === 'joined').map(([roomId]) => roomId)
  }

  waitsFor(): string | undefined {
    const { client } = this
    if (!client) return undefined
    if (client.state.status === 'closed') return `nothing: it gave up, ${JSON.stringify(client.state.ending)}`
    if (client.state.status !== 'open') return `a connection: it is ${client.state.status}`
    const [unanswered] = this.unanswered
    if (unanswered !== undefined) return `the answer to ${unanswered}`
    for (const [roomId, { room }] of this.held) {
      const { status } = room.getSnapshot()
      if (status !== 'joined' && status !== 'refused') return `room ${roomId}, which it is ${status}`
    }
    return undefined
  }

  membersOf(roomId: string): string[] | undefined {
    const entry = this.held.get(roomId)
    if (entry?.room.getSnapshot().status !== 'joined') return undefined
    const { members, count } = entry.room.getSnapshot()
    if (members.length !== count) return [`${members.length} listed, ${count} counted`]
    return members.map(({ userId }) => userId)
  }

  private host(): CompanionHost {
    return {
      ...hostOf(this.options),
      isIn: (roomId) => this.held.get(roomId)?.room.getSnapshot().status === 'joined',
      positionIn: (roomId) => this.held.get(roomId)?.room.position?.seq ?? 0,
      request: (event, data, onAnswer) => this.ask(event, data, onAnswer),
      try: (event, data, onAnswer) => this.try(event, data, onAnswer),
      setPresence: (roomId, state) => this.held.get(roomId)?.room.setPresence(state as never),
      membersIn: (roomId) => this.held.get(roomId)?.room.getSnapshot().members ?? [],
    }
  }

  /** Hands on what else the SDK hands out. */
  private accompany(companion: Companion, room: Room, roomId: string): void {
    room.onJoined((answer) => this.held.get(roomId)?.room === room && companion.joined(roomId, answer))
    for (const type of BESIDE) {
      room.on(type, (data: unknown, { seq }: { seq?: number }) => {
        if (this.held.get(roomId)?.room !== room) return
        companion.received({
          type,
          roomId,
          ...(data as Message),
          ...(seq === undefined ? { isRepeat: true } : { seq }),
        })
      })
    }
  }

  private ask(event: string, data: Message, onAnswer: OnAnswer): void {
    const { client } = this
    if (!client) return
    const key = createKey(client.serverNow(), (bytes) => this.options.random.fill(bytes))
    this.unanswered.add(key)
    client.request(event, data as never, { durable: true, key }).then(
      (answer) => {
        this.unanswered.delete(key)
        onAnswer(answer as Message, undefined)
      },
      ({ code, message, details }: RoomfulError) => {
        this.unanswered.delete(key)
        if (code !== 'CLOSED') onAnswer(undefined, { ...details, code, message })
      },
    )
  }

  private try(event: string, data: Message, onAnswer: OnAnswer = () => undefined): void {
    this.client?.request(event, data as never).then(
      (answer) => onAnswer(answer as Message, undefined),
      () => undefined,
    )
  }

  /** @param more further fields of its `says` fact */
  private send(roomId: string, speak: (roomId: string, text: string) => Request, more: Purpose = {}): void {
    const { client } = this
    const { history, random, contentBytes } = this.options
    if (!client) return
    const key = createKey(client.serverNow(), (bytes) => random.fill(bytes))
    const { event, data } = speak(roomId, `${this.name} ${++this.said}`.padEnd(contentBytes, '.'))
    history.record(this.name, { what: 'says', room: roomId, key, ...more })
    this.unanswered.add(key)
    client.request(event, data as never, { durable: true, key }).then(
      (answer) => {
        this.unanswered.delete(key)
        const { seq } = (answer ?? {}) as { seq?: number }
        if (seq !== undefined) this.options.own.add(roomId, seq)
        history.record(this.name, { what: 'answered', room: roomId, key, seq })
      },
      ({ code }: RoomfulError) => {
        this.unanswered.delete(key)
        if (code === 'CLOSED') return
        if (FINAL.has(code)) history.record(this.name, { what: 'refused', room: roomId, key, code })
        else history.violate(`${this.name} gave up ${key}: ${code}`)
      },
    )
  }

  private mayJoin(roomId: string): boolean {
    return this.held.get(roomId)?.room.getSnapshot().status !== 'refused'
  }

  private loses(roomId: string, entry: HeldRoom): void {
    if (!entry.isIn) return
    entry.isIn = false
    this.options.history.record(this.name, { what: 'leaves', room: roomId })
  }
}

function describe(state: Client['state']): string {
  if (state.status === 'open') return `open${state.recovered ? ', its session recovered' : ''}`
  if (state.status === 'waiting' || state.status === 'closed') {
    return `${state.status} (${state.ending.code} ${state.ending.reason})`
  }
  return state.status
}
