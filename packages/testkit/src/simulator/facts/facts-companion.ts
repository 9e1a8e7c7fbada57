/**
 * A client's facts: the state of its rooms from the join and the changes after it, the presence data of their members, and
 * how far its user has read. What it sees is compared with what the log has taken, at each version and in the end.
 */
import type { Companion, CompanionHost, Message } from './companion.ts'
import type { RoomFactsTruth } from './stored-facts.ts'

/** Few, so that writers meet. */
const NAMES = ['turn', 'topic', 'board'] as const
/** Only counted, and only by handlers that also store an event. */
export const COUNTED = 'ballots'
const COUNTER = 'clicks'

interface Entry {
  readonly value: string
  readonly version: number
}

interface RoomView {
  readonly epoch: string
  fv: number
  /** Of the latest change that was received since the join. */
  latest: number
  readonly state: Map<string, Entry>
  /** Presence data of the members, as JSON; of a client that gets changes of it. */
  readonly said: Map<string, string>
  /** Changes that came while the state is read again. */
  reading: Message[] | undefined
  read: number
}

export class FactsCompanion implements Companion {
  /** What this client says of itself in each room, where that counts now. */
  readonly says = new Map<string, Message>()
  /** Rooms in which the SDK may still say what it said there before. */
  readonly mayStillSay = new Set<string>()
  private readonly host: CompanionHost
  /** It says the same again when it is back, as the SDK does. */
  private readonly saysAgain: boolean
  private readonly rooms = new Map<string, RoomView>()
  /** How far its user has read, as far as this client was answered. */
  private readonly floors = new Map<string, number>()
  private readonly unread = new Map<string, { read: number; unread: number; seq: number }>()
  /** Values that were refused: they are in no version. */
  private readonly refused = new Set<string>()
  private written = 0
  private cuts = 0

  constructor(host: CompanionHost) {
    this.host = host
    this.saysAgain = host.membersIn !== undefined || host.random.integer(2) > 0
  }

  joinFields(roomId: string): Message {
    const state = this.saysAgain && this.says.get(roomId)
    return state ? { state } : {}
  }

  joined(roomId: string, { epoch, facts, users, read }: Message): void {
    const { host } = this
    const before = this.rooms.get(roomId)
    const view: RoomView = {
      epoch,
      fv: facts.fv,
      latest: 0,
      state: new Map(),
      said: new Map(),
      reading: undefined,
      read: 0,
    }
    this.rooms.set(roomId, view)
    if (!this.saysAgain) this.says.delete(roomId) // it went with the connection
    this.takePage(roomId, view, facts)
    for (const user of users) this.hears(view, user)
    if (read === undefined) return
    // It never goes back: what came before the answer may be newer.
    view.read = Math.max(read.seq, before !== undefined && before.epoch === epoch ? before.read : 0)
    if (read.seq < (this.floors.get(roomId) ?? 0) && !host.mayBeBehind())
      host.violate(`${host.name} has read ${roomId} up to ${this.floors.get(roomId)}, and its join says ${read.seq}`)
  }

  left(roomId: string): void {
    this.rooms.delete(roomId)
    if (this.says.delete(roomId) && this.host.membersIn) this.mayStillSay.add(roomId)
  }

  received(message: Message): void {
    const { type, roomId } = message
    const view = this.rooms.get(roomId)
    if (type === 'room:read') return this.hasRead(roomId, view, message)
    if (!view || !this.host.isIn(roomId)) return
    if (type === 'state:changed') this.changed(roomId, view, message)
    else if (type === 'user:joined') this.hears(view, message)
    else if (type === 'user:left') view.said.delete(message.userId)
    else if (type === 'presence:diff') {
      for (const user of [...message.joined, ...message.changed]) this.hears(view, user)
      for (const userId of message.left) view.said.delete(userId)
    }
  }

  deed(what: string, roomId: string, pick: number): void {
    const { host } = this
    const name = NAMES[pick % NAMES.length] as string
    switch (what) {
      case 'set':
        return this.write(roomId, 'state:set', { name, value: this.nextValue() })
      case 'compare':
      case 'all: compare':
        return this.compare(roomId, name)
      case 'delete':
        return this.write(roomId, 'state:delete', { name })
      case 'count':
        return this.write(roomId, 'state:add', { name: COUNTER, by: 1 + (pick % 3) })
      case 'cast':
        return host.request('cast-ballot', { roomId, content: this.nextValue() }, () => undefined)
      case 'present':
        return this.present(roomId)
      case 'read':
        return this.readTo(roomId, Math.max(0, host.positionIn(roomId) - (pick % 4)))
      default:
        throw new Error(`There is no deed ${what}`)
    }
  }

  ask(): void {
    for (const roomId of this.rooms.keys()) {
      if (!this.host.isIn(roomId)) continue
      this.host.request('room:unread', { roomIds: [roomId] }, (data) => {
        const [room] = data?.rooms ?? []
        if (room) this.unread.set(roomId, room)
      })
    }
  }

  *problems(roomId: string): Iterable<string> {
    const { host } = this
    const view = this.rooms.get(roomId)
    if (!view) return
    const truth = host.truth(roomId)
    if (view.fv !== truth.fv) yield `${host.name} is at version ${view.fv} of ${roomId}, which is at ${truth.fv}`
    if (textOf(view.state) !== textOf(truth.state))
      yield `the state of ${roomId} is ${textOf(truth.state)}; ${host.name} has ${textOf(view.state)}`
    for (const { value } of truth.versions)
      if (value !== undefined && this.refused.has(value)) yield `${value} was refused to ${host.name}, and is stored`
    const read = truth.reads.get(host.user) ?? 0
    if (view.read !== read) yield `${host.user} has read ${roomId} up to ${read}; ${host.name} has ${view.read}`
    const counted = this.unread.get(roomId)
    if (counted && counted.read !== read)
      yield `${host.name} asked what is unread in ${roomId}: behind ${counted.read}, not ${read}`
  }

  /** Presence data that it sees, by user. */
  saidIn(roomId: string): ReadonlyMap<string, string> | undefined {
    const view = this.rooms.get(roomId)
    const { membersIn } = this.host
    if (!view || !membersIn) return view?.said
    view.said.clear()
    for (const member of membersIn(roomId)) this.hears(view, member)
    return view.said
  }

  /** How many messages the server counted as unread. */
  unreadIn(roomId: string): number | undefined {
    return this.unread.get(roomId)?.unread
  }

  logCut(): void {
    this.cuts++
    this.floors.clear()
  }

  private write(roomId: string, event: string, data: Message): void {
    const { host, cuts } = this
    host.request(event, { roomId, ...data }, (answer, error) => {
      if (cuts !== this.cuts) return // what it answers may be lost
      if (answer) this.stored(roomId, event, data, answer)
      else if (error) this.wasRefused(roomId, data, error)
    })
  }

  /** An answer means stored, and says which version it was. */
  private stored(roomId: string, event: string, { name, value, version }: Message, answer: Message): void {
    const { host } = this
    const truth = host.truth(roomId)
    const made = truth.change(answer.version)
    // Deleting what is not there changes nothing.
    if (event === 'state:delete' && made?.name !== name) return
    // A repeat whose first answer was lost with its server: what there is now.
    const isNow = answer.version === 0 || JSON.stringify(answer.value) !== JSON.stringify(value)
    const wasStored = truth.versions.some((each) => each.name === name && each.value === JSON.stringify(value))
    if (event === 'state:set' && isNow && wasStored) return
    if (event === 'state:add' && answer.version === 0) return
    const what = `${event} of ${name} in ${roomId}, answered to ${host.name} with version ${answer.version}`
    if (!made) return host.violate(`${what}, is in no log`)
    if (made.name !== name) return host.violate(`${what}, is a change of ${made.name}`)
    if (event === 'state:set' && made.value !== JSON.stringify(value))
      return host.violate(`${what}, set ${made.value}, not ${JSON.stringify(value)}`)
    if (event === 'state:add' && made.value !== JSON.stringify(answer.value))
      return host.violate(`${what}, made ${made.value}, not ${JSON.stringify(answer.value)}`)
    if (version !== undefined && made.before !== version)
      host.violate(`${what}, was made for version ${version}, and there was version ${made.before}`)
  }

  private wasRefused(roomId: string, { name, value, version }: Message, error: Message): void {
    const { host } = this
    if (typeof value === 'string') this.refused.add(JSON.stringify(value))
    host.note(`is refused ${name} in ${roomId}: ${error.code}`)
    if (error.code === 'CONFLICT' && version !== undefined && error.version === version)
      host.violate(`${host.name} is refused ${name} in ${roomId} for version ${version}, which it has`)
  }

  private compare(roomId: string, name: string): void {
    const view = this.rooms.get(roomId)
    if (!view || !this.host.isIn(roomId)) return
    this.write(roomId, 'state:set', { name, value: this.nextValue(), version: view.state.get(name)?.version ?? 0 })
  }

  private present(roomId: string): void {
    const { host } = this
    if (!host.isIn(roomId)) return
    // A field of its own: which of two clients of a user spoke last is the server's to know.
    const state = { [host.name]: ++this.written }
    this.says.set(roomId, state)
    this.mayStillSay.delete(roomId)
    host.setPresence(roomId, state)
  }

  private readTo(roomId: string, seq: number): void {
    const { host, cuts } = this
    if (!host.isIn(roomId)) return
    const floor = this.floors.get(roomId) ?? 0
    host.request('room:read', { roomId, seq }, (answer) => {
      if (!answer) return
      const view = this.rooms.get(roomId)
      if (view) view.read = Math.max(view.read, answer.seq)
      if (cuts !== this.cuts) return
      if (answer.seq < floor && !host.mayBeBehind())
        host.violate(`${host.name} had read ${roomId} up to ${floor}, and is answered ${answer.seq}`)
      this.floors.set(roomId, Math.max(this.floors.get(roomId) ?? 0, answer.seq))
    })
  }

  private hasRead(roomId: string, view: RoomView | undefined, { userId, seq }: Message): void {
    const { host } = this
    if (userId !== host.user || !view) return
    if (seq < view.read && !host.mayBeBehind())
      host.violate(`${host.name} is sent that its user has read ${roomId} up to ${seq}, after ${view.read}`)
    view.read = seq
  }

  private changed(roomId: string, view: RoomView, change: Message): void {
    const { host } = this
    if (view.reading) return void view.reading.push(change)
    const { fv, since, name, value, deleted } = change
    if (fv <= view.latest) host.violate(`${host.name} gets version ${fv} of ${roomId} after ${view.latest}`)
    view.latest = fv
    if (fv <= view.fv) return // it was in the answer to the join
    if (since > view.fv) {
      if (!host.mayBeBehind())
        host.violate(`${host.name} is at version ${view.fv} of ${roomId}, and gets what is since ${since}`)
      return this.readAgain(roomId, view, change)
    }
    const truth = host.truth(roomId)
    const stored = truth.change(fv)
    const json = deleted ? undefined : JSON.stringify(value)
    if (!host.mayBeBehind() && (stored?.name !== name || stored?.value !== json))
      host.violate(
        `${host.name} gets ${name} = ${json} as version ${fv} of ${roomId}, which is ${stored?.name} = ${stored?.value}`,
      )
    view.fv = fv
    if (json === undefined) view.state.delete(name)
    else view.state.set(name, { value: json, version: fv })
    this.checkAt(roomId, view, truth)
  }

  /** A change was missed: all is read, and what comes meanwhile is applied after. */
  private readAgain(roomId: string, view: RoomView, change: Message): void {
    const { host } = this
    host.note(`missed a change of ${roomId}, and reads its state again`)
    view.reading = [change]
    host.request('state:get', { roomId }, (page) => {
      if (!page || this.rooms.get(roomId) !== view) return
      const changes = view.reading ?? []
      view.reading = undefined
      view.latest = 0
      this.takePage(roomId, view, page)
      for (const each of changes) this.changed(roomId, view, each)
    })
  }

  private takePage(roomId: string, view: RoomView, { fv, state }: Message): void {
    view.fv = fv
    view.state.clear()
    for (const [name, { value, version }] of Object.entries(state as Record<string, Entry>))
      view.state.set(name, { value: JSON.stringify(value), version })
    const { host } = this
    const truth = host.truth(roomId)
    if (host.mayBeBehind()) return
    if (textOf(view.state) !== textOf(truth.at(fv)))
      host.violate(
        `${host.name} gets version ${fv} of ${roomId} as ${textOf(view.state)}; it was ${textOf(truth.at(fv))}`,
      )
  }

  /** What differs from the state at its version must be changed by what is still to come. */
  private checkAt(roomId: string, { fv, state }: RoomView, truth: RoomFactsTruth): void {
    const { host } = this
    if (host.mayBeBehind()) return
    const then = truth.at(fv)
    for (const name of new Set([...then.keys(), ...state.keys()])) {
      if (then.get(name)?.version === state.get(name)?.version || truth.changesAfter(name, fv)) continue
      host.violate(
        `${host.name} is at version ${fv} of ${roomId}, with ${name} of ${state.get(name)?.version}, not ${then.get(name)?.version}`,
      )
    }
  }

  private hears({ said }: RoomView, { userId, state }: Message): void {
    if (state === undefined) said.delete(userId)
    else said.set(userId, JSON.stringify(state))
  }

  private nextValue(): string {
    return `${this.host.name} ${++this.written}`
  }
}

function textOf(state: ReadonlyMap<string, Entry>): string {
  const names = [...state.keys()].sort()
  return names.map((name) => `${name}: ${state.get(name)?.value} (${state.get(name)?.version})`).join(', ') || 'empty'
}
