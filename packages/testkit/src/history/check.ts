/**
 * Whether a history kept what was promised (D2, R1): every acknowledged event is in the log once and every other at most
 * once; whoever was in a room heard every event of it once and in order, or was told of the gap, and the gap was a true one;
 * all agree on numbers and wording. What can be seen while it happens is told at once, the rest against the log at the end.
 */
import type { ClientFact, Fact } from './fact.ts'
import { checkSaid, type Place, type Said } from './said.ts'
import { Subscriber, type ToldGap } from './subscriber.ts'
import { checkTakenBack } from './taken-back.ts'

/** An event as it was stored. */
export interface LoggedEvent {
  readonly seq: number
  readonly key: string | undefined
  /** Comparable with what subscribers heard; see {@link contentOf}. */
  readonly content: string
}

export interface LoggedRoom {
  readonly epoch: string | undefined
  /** Lowest number that could still be read; earlier ones were trimmed. */
  readonly first: number
  /** Everything that was ever stored in it, oldest first. */
  readonly events: readonly LoggedEvent[]
  /** Numbers of those that have no content any more; unknown without it. */
  readonly emptied?: ReadonlySet<number> | undefined
}

export interface CheckOptions {
  /** Most events that a resume may ask for; a longer gap is a true one. Default: any. */
  readonly replayMax?: number
}

interface Heard {
  readonly who: string
  readonly room: string
  readonly epoch: string | undefined
  readonly seq: number
  /** Nothing for one that was taken back before it was told. */
  readonly content: string | undefined
}

export class HistoryCheck {
  private readonly replayMax: number
  private readonly said = new Map<string, Said>()
  private readonly subscribers = new Map<string, Subscriber>()
  /** What a number of a room's log stands for, as the first one heard it. */
  private readonly heard = new Map<string, Heard>()
  /** What was said to one client alone, by its life. */
  private readonly told = new Set<string>()
  /** By client, the commit number of the latest live event. */
  private readonly latestN = new Map<string, number>()

  constructor({ replayMax = Number.POSITIVE_INFINITY }: CheckOptions = {}) {
    this.replayMax = replayMax
  }

  /** @returns what is wrong with it, if anything is */
  take(who: string, fact: Fact): string | undefined {
    switch (fact.what) {
      case 'says':
        this.says(who, fact)
        return undefined
      case 'is told':
        return this.isTold(who, fact)
      case 'answered':
        return this.answered(fact)
      case 'refused':
        return this.refused(fact)
      case 'hears':
        return this.subscriber(who, fact.room).hears(fact) ?? this.agrees(who, fact) ?? this.inOrder(who, fact)
      case 'enters':
        this.subscriber(who, fact.room).enters(fact)
        return undefined
      case 'leaves':
        this.subscriber(who, fact.room).leaves()
        return undefined
      case 'resumes':
        return this.subscriber(who, fact.room).resumes(fact)
      case 'gap':
        return this.subscriber(who, fact.room).gap(fact)
      case 'catches up':
        this.subscriber(who, fact.room).liveFrom = fact.upTo ?? Number.POSITIVE_INFINITY
        return undefined
      case 'log cut':
        this.latestN.clear() // numbers are given again
        this.told.clear()
        this.excuse(fact.heads)
        return undefined
      case 'note':
        return undefined
      default:
        return fact satisfies never
    }
  }

  /** Where a client stands in a room, as far as its facts tell. */
  positionOf(who: string, room: string): Subscriber['position'] {
    return this.subscriber(who, room).position
  }

  /** Everything is quiet: compares with the log. @returns all that is wrong */
  finish(log: ReadonlyMap<string, LoggedRoom>): string[] {
    const stored = new Map<string, Place[]>()
    const wrong: string[] = []
    for (const [room, { events }] of log) wrong.push(...this.checkRoom(room, events, stored))
    for (const [key, said] of this.said) {
      const problem = checkSaid(key, said, stored.get(key))
      if (problem) wrong.push(problem)
    }
    for (const subscriber of this.subscribers.values()) {
      const room = log.get(subscriber.room)
      const problems = room ? this.checkSubscriber(subscriber, room) : []
      wrong.push(...problems)
    }
    wrong.push(...checkTakenBack(this.said, stored, log))
    for (const heard of this.heard.values()) {
      const problem = checkHeard(heard, log.get(heard.room))
      if (problem) wrong.push(problem)
    }
    return wrong
  }

  private says(who: string, { room, key, also, revises, takesBack }: Extract<ClientFact, { what: 'says' }>): void {
    const rooms = also === undefined ? [room] : [room, also]
    this.said.set(key, { who, rooms, revises, takesBack, answer: undefined, refusal: undefined, isExcused: false })
  }

  private answered({ room, key, seq }: Extract<ClientFact, { what: 'answered' }>): string | undefined {
    const said = this.said.get(key)
    if (!said) return `${key} is acknowledged, and nobody said it`
    const before = said.answer
    said.answer ??= { seq }
    said.isExcused = false
    if (before && before.seq !== seq) return `${key} was first acknowledged as ${room}#${before.seq}, now as #${seq}`
    return undefined
  }

  private refused({ key, code }: Extract<ClientFact, { what: 'refused' }>): string | undefined {
    const said = this.said.get(key)
    if (said?.answer && !said.isExcused) return `${key} was acknowledged, and is refused now: ${code}`
    if (said) said.refusal = code
    return undefined
  }

  private isTold(who: string, { key, life }: Extract<ClientFact, { what: 'is told' }>): string | undefined {
    const name = `${who}\n${life}\n${key}`
    if (this.told.has(name)) return `${who} is told ${key} twice`
    this.told.add(name)
    return this.said.has(key) ? undefined : `${who} is told ${key}, and nobody said it`
  }

  private agrees(who: string, fact: Extract<ClientFact, { what: 'hears' }>): string | undefined {
    const { room, seq, epoch = this.positionOf(who, room)?.epoch } = fact
    const isEmpty = fact.content === undefined
    const name = `${room}\n${epoch ?? ''}\n${seq}${isEmpty ? ' empty' : ''}`
    const content = isEmpty ? undefined : `${fact.key ?? ''} ${fact.content}`
    const first = this.heard.get(name)
    if (!first) this.heard.set(name, { who, room, epoch, seq, content })
    else if (first.content !== content) {
      return `${fact.room}#${fact.seq} is ${content} for ${who}, but ${first.content} for ${first.who}`
    }
    return undefined
  }

  /** G1: what is live, over all rooms of a client. What it comes back to is told room by room. */
  private inOrder(who: string, { room, seq, n }: Extract<ClientFact, { what: 'hears' }>): string | undefined {
    if (n === undefined || seq <= this.subscriber(who, room).liveFrom) return undefined
    const latest = this.latestN.get(who)
    this.latestN.set(who, n)
    if (latest === undefined || n > latest) return undefined
    return `${who} heard ${room}#${seq} with commit number ${n} after ${latest}`
  }

  private excuse(heads: ReadonlyMap<string, number>): void {
    for (const said of this.said.values()) {
      if (!said.answer) continue
      const { seq } = said.answer
      if (seq !== undefined && seq <= (heads.get(said.rooms[0] as string) ?? 0)) continue
      said.isExcused = true
      said.answer = undefined
    }
  }

  private checkRoom(room: string, events: readonly LoggedEvent[], stored: Map<string, Place[]>): string[] {
    const wrong: string[] = []
    for (const [index, { seq, key }] of events.entries()) {
      if (index > 0 && seq !== (events[index - 1] as LoggedEvent).seq + 1) {
        wrong.push(`the log of ${room} goes from #${(events[index - 1] as LoggedEvent).seq} to #${seq}`)
      }
      if (key === undefined) continue
      const places = stored.get(key) ?? []
      const twice = places.find((place) => place.room === room)
      if (twice) wrong.push(`${key} is in the log twice: ${room}#${twice.seq} and #${seq}`)
      stored.set(key, [...places, { room, seq }])
    }
    return wrong
  }

  private checkSubscriber(subscriber: Subscriber, { epoch, first, events }: LoggedRoom): string[] {
    const { who, room, position, gaps } = subscriber
    const wrong = gaps.flatMap((gap) => {
      const isOfThisLog = epoch === undefined || gap.epoch === undefined || gap.epoch === epoch
      return isOfThisLog ? this.checkGap(gap, first) : []
    })
    const head = events.at(-1)?.seq ?? 0
    if (position && position.seq !== head)
      wrong.push(`${who} stands at ${room}#${position.seq}, and the log at #${head}`)
    return wrong
  }

  /** Nothing that could have been had may be called missing. */
  private checkGap({ who, room, after, from, to, reason }: ToldGap, first: number): string[] {
    const oldest = Math.max(first, to - this.replayMax + 1)
    if (from <= oldest || from === after + 1) return []
    return [`${who} was told (${reason}) that ${room} goes on from #${from}, and #${oldest} was to be had`]
  }

  private subscriber(who: string, room: string): Subscriber {
    const name = `${who}\n${room}`
    const known = this.subscribers.get(name)
    if (known) return known
    const subscriber = new Subscriber(who, room)
    this.subscribers.set(name, subscriber)
    return subscriber
  }
}

/** Whoever does not know the log's epoch heard of the one that there is. */
function checkHeard({ who, room, epoch, seq, content }: Heard, log: LoggedRoom | undefined): string | undefined {
  const [first] = log?.events ?? []
  if (!log || !first || (log.epoch !== undefined && epoch !== undefined && log.epoch !== epoch)) return undefined
  const event = log.events[seq - first.seq]
  if (!event) return `${who} heard ${room}#${seq}, which is not in the log`
  if (content === undefined) {
    const isGone = log.emptied === undefined || log.emptied.has(seq) || seq < log.first
    return isGone ? undefined : `${who} heard that ${room}#${seq} was taken back, and it was not`
  }
  const logged = `${event.key ?? ''} ${event.content}`
  return logged === content ? undefined : `${room}#${seq} is ${logged} in the log, and was ${content} for ${who}`
}
