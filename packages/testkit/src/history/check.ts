/**
 * Checks a history against the guarantees (D2, R1): every acknowledged event is in the log once, every other at most once.
 * Each member of a room received every event once and in order, or a notice of a gap that was real. All clients agree on
 * numbers and contents. Some problems show at once, the others when the history is compared with the log at the end.
 */
import type { ClientFact, Fact } from './fact.ts'
import { checkRedacted, checkSent, type LoggedEvent, type LoggedRoom, type Place, type Sent } from './sent.ts'
import { type ReportedGap, Subscriber } from './subscriber.ts'

export interface CheckOptions {
  /** Most events that a resume may ask for; a longer gap is a true one. Default: any. */
  readonly replayMax?: number
}

interface Received {
  readonly who: string
  readonly room: string
  readonly epoch: string | undefined
  readonly seq: number
  /** Undefined for an event that was redacted before it was sent. */
  readonly content: string | undefined
}

export class HistoryCheck {
  private readonly replayMax: number
  private readonly sent = new Map<string, Sent>()
  private readonly subscribers = new Map<string, Subscriber>()
  /** The content of each number of a room's log, as its first receiver saw it. */
  private readonly received = new Map<string, Received>()
  /** Private messages that each client received, by its life. */
  private readonly receivedPrivately = new Set<string>()
  /** Number of each message that the log lost, by key. */
  private readonly lost = new Map<string, number>()
  /** Up to where the log of a room was kept, when it last lost its end without a new epoch. */
  private readonly cuts = new Map<string, number>()
  /** By client, the commit number of the latest live event. */
  private readonly latestN = new Map<string, number>()

  constructor({ replayMax = Number.POSITIVE_INFINITY }: CheckOptions = {}) {
    this.replayMax = replayMax
  }

  /** @returns the problem with it, if there is one */
  take(who: string, fact: Fact): string | undefined {
    switch (fact.what) {
      case 'says':
        this.sends(who, fact)
        return undefined
      case 'receives privately':
        return this.receivesPrivately(who, fact)
      case 'answered':
        return this.answered(fact)
      case 'refused':
        return this.refused(fact)
      case 'receives':
        return this.subscriber(who, fact.room).receives(fact) ?? this.compares(who, fact)
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
        this.receivedPrivately.clear()
        this.excuse(fact.heads)
        if (fact.lost) this.forget(fact.heads, fact.lost)
        return undefined
      case 'note':
        return undefined
      default:
        return fact satisfies never
    }
  }

  /** A client's position in a room, as far as its facts show. */
  positionOf(who: string, room: string): Subscriber['position'] {
    return this.subscriber(who, room).position
  }

  /** Compares with the log once everything is quiet. @returns every problem */
  finish(log: ReadonlyMap<string, LoggedRoom>): string[] {
    const stored = new Map<string, Place[]>()
    const wrong: string[] = []
    for (const [room, { events }] of log) wrong.push(...this.checkRoom(room, events, stored))
    for (const [key, sent] of this.sent) {
      const [oldest] = log.get(sent.rooms[0] as string)?.events ?? []
      const isUnknown = oldest !== undefined && (sent.answer?.seq ?? oldest.seq) < oldest.seq
      const problem = isUnknown ? undefined : checkSent(key, sent, stored.get(key))
      if (problem) wrong.push(problem)
    }
    for (const subscriber of this.subscribers.values()) {
      const room = log.get(subscriber.room)
      const problems = room ? this.checkSubscriber(subscriber, room) : []
      wrong.push(...problems)
    }
    wrong.push(...checkRedacted(this.sent, stored, log))
    for (const received of this.received.values()) {
      const problem = checkReceived(received, log.get(received.room))
      if (problem) wrong.push(problem)
    }
    return wrong
  }

  private sends(who: string, { room, key, also, revises, takesBack }: Extract<ClientFact, { what: 'says' }>): void {
    const rooms = also === undefined ? [room] : [room, also]
    this.sent.set(key, { who, rooms, revises, takesBack, answer: undefined, refusal: undefined, isExcused: false })
  }

  private answered({ room, key, seq }: Extract<ClientFact, { what: 'answered' }>): string | undefined {
    const sent = this.sent.get(key)
    if (!sent) return `${key} is acknowledged, but no client sent it`
    const lost = this.lost.get(key)
    if (lost !== undefined && (seq === undefined || lost === seq)) {
      sent.isExcused = true // it was on its way when the log lost it
      return undefined
    }
    const before = sent.answer
    sent.answer ??= { seq }
    sent.isExcused = false
    if (before && before.seq !== seq) return `${key} was first acknowledged as ${room}#${before.seq}, now as #${seq}`
    return undefined
  }

  private refused({ key, code }: Extract<ClientFact, { what: 'refused' }>): string | undefined {
    const sent = this.sent.get(key)
    if (sent?.answer && !sent.isExcused) return `${key} was acknowledged, and is refused now: ${code}`
    if (sent) sent.refusal = code
    return undefined
  }

  private receivesPrivately(
    who: string,
    { key, life }: Extract<ClientFact, { what: 'receives privately' }>,
  ): string | undefined {
    const name = `${who}\n${life}\n${key}`
    if (this.receivedPrivately.has(name)) return `${who} received ${key} twice`
    this.receivedPrivately.add(name)
    return this.sent.has(key) ? undefined : `${who} received ${key}, but no client sent it`
  }

  /** With what others received, and with what it received before. */
  private compares(who: string, fact: Extract<ClientFact, { what: 'receives' }>): string | undefined {
    // It was on its way when the log lost it.
    if (fact.key !== undefined && this.lost.get(fact.key) === fact.seq) return undefined
    return this.agrees(who, fact) ?? this.inOrder(who, fact)
  }

  private agrees(who: string, fact: Extract<ClientFact, { what: 'receives' }>): string | undefined {
    const { room, seq, epoch = this.positionOf(who, room)?.epoch } = fact
    const isEmpty = fact.content === undefined
    const name = `${room}\n${epoch ?? ''}\n${seq}${isEmpty ? ' empty' : ''}`
    const content = isEmpty ? undefined : `${fact.key ?? ''} ${fact.content}`
    const first = this.received.get(name)
    if (!first) this.received.set(name, { who, room, epoch, seq, content })
    else if (first.content !== content) {
      return `${fact.room}#${fact.seq} is ${content} for ${who}, but ${first.content} for ${first.who}`
    }
    return undefined
  }

  /** G1: live events, over all rooms of a client. After a reconnect missed events arrive room by room. */
  private inOrder(who: string, { room, seq, n }: Extract<ClientFact, { what: 'receives' }>): string | undefined {
    if (n === undefined || seq <= this.subscriber(who, room).liveFrom) return undefined
    const latest = this.latestN.get(who)
    this.latestN.set(who, n)
    if (latest === undefined || n > latest) return undefined
    return `${who} received ${room}#${seq} with commit number ${n} after ${latest}`
  }

  private excuse(heads: ReadonlyMap<string, number>): void {
    for (const sent of this.sent.values()) {
      if (!sent.answer) continue
      const { seq } = sent.answer
      if (seq !== undefined && seq <= (heads.get(sent.rooms[0] as string) ?? 0)) continue
      sent.isExcused = true
      sent.answer = undefined
    }
  }

  /** What is gone without a new epoch, where no node is left that has sent it. */
  private forget(heads: ReadonlyMap<string, number>, lost: ReadonlyMap<string, number>): void {
    for (const [name, { room, seq }] of this.received) {
      if (seq > (heads.get(room) ?? Number.POSITIVE_INFINITY)) this.received.delete(name)
    }
    for (const [room, head] of heads) this.cuts.set(room, Math.min(head, this.cuts.get(room) ?? head))
    for (const subscriber of this.subscribers.values()) subscriber.logWasCut(heads.get(subscriber.room))
    for (const [key, seq] of lost) this.lost.set(key, seq)
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

  /** An event that is still stored must not be reported as missing. */
  private checkGap({ who, room, after, from, to, reason }: ReportedGap, first: number): string[] {
    const oldest = Math.max(first, to - this.replayMax + 1)
    if (from <= oldest || from === after + 1) return []
    return [`${who} was sent a gap (${reason}) up to #${from} in ${room}, but #${oldest} was still stored`]
  }

  private subscriber(who: string, room: string): Subscriber {
    const name = `${who}\n${room}`
    const known = this.subscribers.get(name)
    if (known) return known
    const subscriber = new Subscriber(who, room)
    // What it is sent first may be from before.
    const cut = this.cuts.get(room)
    if (cut !== undefined) subscriber.logWasCut(cut)
    this.subscribers.set(name, subscriber)
    return subscriber
  }
}

/** A client that does not know the log's epoch received events of the current log. */
function checkReceived({ who, room, epoch, seq, content }: Received, log: LoggedRoom | undefined): string | undefined {
  const [first] = log?.events ?? []
  if (!log || !first || seq < first.seq) return undefined
  const isEarlier = log.epoch !== undefined && epoch !== undefined && log.epoch !== epoch
  if (isEarlier && seq > (log.earlier?.get(epoch) ?? 0)) return undefined
  const event = log.events[seq - first.seq]
  if (!event) return `${who} received ${room}#${seq}, which is not in the log`
  if (content === undefined) {
    const isGone = log.emptied === undefined || log.emptied.has(seq) || seq < log.first
    return isGone ? undefined : `${who} received ${room}#${seq} as redacted, but it was not`
  }
  const logged = `${event.key ?? ''} ${event.content}`
  return logged === content ? undefined : `${room}#${seq} is ${logged} in the log, and was ${content} for ${who}`
}
