/**
 * What happened to the members of a chat, as a history of Roomful: live events of Socket.IO have no numbers, so they get
 * those of the log. Each member has a view of the room of its own, which lacks what it said itself.
 */
import type { History, LoggedEvent, LoggedRoom } from '@roomful/testkit/history'
import type { MemberFact, Said } from './member.ts'

export interface LoggedSaid extends Said {
  readonly seq: number
}

export interface Entry {
  readonly atMs: number
  readonly who: string
  readonly fact: MemberFact | { readonly what: 'note'; readonly text: string }
}

/** The log lost its end. */
export interface Loss {
  readonly atMs: number
}

export interface Trial {
  readonly history: History
  readonly room: string
  readonly names: readonly string[]
  readonly log: readonly LoggedSaid[]
  readonly losses: readonly Loss[]
  readonly entries: readonly Entry[]
  /** Called with the time of each entry. */
  at(ms: number): void
}

/** An acknowledgement or an event may be on its way when the log loses its end. */
const ON_ITS_WAY_MS = 5_000

export function judge(trial: Trial): void {
  const { history, room, names, log, entries } = trial
  const places = new Map(log.map(({ key, seq }) => [key, seq]))
  const isLost = lostOf(trial, places)
  const views = new Map(names.map((name) => [name, new View(name, room, log)]))
  for (const { atMs, who, fact } of entries) {
    trial.at(atMs)
    if (fact.what === 'note') history.note(who, fact.text)
    else if (fact.what === 'says') history.record(who, { what: 'says', room, key: fact.key })
    else if (fact.what === 'answered') {
      if (!isLost(fact.key, atMs))
        history.record(who, { what: 'answered', room, key: fact.key, seq: places.get(fact.key) })
    } else views.get(who)?.take(fact, atMs, history, isLost)
  }
  for (const problem of outOfOrder(trial, places)) history.violate(problem)
  const rooms = new Map<string, LoggedRoom>([[room, { epoch: undefined, first: 1, events: log.map(toLogged) }]])
  for (const view of views.values()) {
    rooms.set(view.room, { epoch: undefined, first: 1, events: view.events })
  }
  history.finish(rooms)
}

/** What the log had at one time, and has no more. */
function lostOf({ losses }: Trial, places: ReadonlyMap<string, number>): (key: string, atMs: number) => boolean {
  return (key, atMs) => !places.has(key) && losses.some((loss) => atMs < loss.atMs + ON_ITS_WAY_MS)
}

/** What a member said after it was answered comes later. */
function outOfOrder({ names, entries }: Trial, places: ReadonlyMap<string, number>): string[] {
  return names.flatMap((name) => {
    const answered = entries.flatMap(({ who, fact }) => (who === name && fact.what === 'answered' ? [fact.key] : []))
    const stored = answered.filter((key) => places.has(key))
    return stored.flatMap((key, index) => {
      const before = stored[index - 1]
      const isLate = before !== undefined && (places.get(before) ?? 0) > (places.get(key) ?? 0)
      return isLate ? [`${name} was answered ${before} before ${key}, and the log has them the other way round`] : []
    })
  })
}

function toLogged(said: LoggedSaid): LoggedEvent {
  return { seq: said.seq, key: said.key, content: contentOf(said) }
}

function contentOf({ key, name, from }: Said): string {
  return `${key} of ${name} from ${from}`
}

/** The room without what one member said. */
class View {
  readonly room: string
  readonly events: readonly LoggedEvent[]
  private readonly name: string
  private readonly places: ReadonlyMap<string, number>
  private readonly whole: readonly LoggedSaid[]
  private position = 0
  private isIn = false

  constructor(name: string, room: string, log: readonly LoggedSaid[]) {
    this.name = name
    this.room = `${room} for ${name}`
    this.whole = log
    const others = log.filter((said) => said.name !== name)
    // Keys are of the room itself.
    this.events = others.map((said, index) => ({ seq: index + 1, key: undefined, content: contentOf(said) }))
    this.places = new Map(others.map(({ key }, index) => [key, index + 1]))
  }

  take(fact: MemberFact, atMs: number, history: History, isLost: (key: string, atMs: number) => boolean): void {
    const { room, name } = this
    const common = { room, epoch: undefined }
    switch (fact.what) {
      case 'receives': {
        const { key, name: by } = fact.said
        if (isLost(key, atMs)) return
        const seq = this.places.get(key)
        if (seq === undefined) return history.violate(`${name} received ${key} of ${by}, which is not in the log`)
        this.position = Math.max(this.position, seq)
        return history.record(name, { ...common, what: 'receives', seq, key: undefined, content: contentOf(fact.said) })
      }
      case 'enters': {
        const kept = fact.history.filter(({ key }) => !isLost(key, atMs))
        const problem = this.holeIn(kept)
        if (problem) history.violate(`${name} was answered a history ${problem}`)
        const seq = kept.reduce((latest, { key }) => Math.max(latest, this.places.get(key) ?? 0), 0)
        if (seq < this.position && kept.length > 0)
          history.violate(`${name} was answered a history that ends before #${this.position} of its view`)
        this.position = Math.max(seq, this.position)
        if (this.isIn) history.record(name, { what: 'leaves', room })
        this.isIn = true
        return history.record(name, { ...common, what: 'enters', seq: this.position })
      }
      case 'recovers':
        return history.record(name, { ...common, what: 'resumes', seq: this.position })
      case 'is wrong':
        return history.violate(`${name} ${fact.problem}`)
      case 'begins again':
        return history.note(name, 'is another socket')
      case 'says':
      case 'answered':
        return
      case 'unanswered':
        return history.note(name, `gets no answer for ${fact.key}`)
      default:
        return fact satisfies never
    }
  }

  /** It is a piece of the log without a hole. */
  private holeIn(part: readonly Said[]): string | undefined {
    const [first] = part
    if (!first) return undefined
    const at = this.whole.findIndex(({ key }) => key === first.key)
    if (at < 0) return `with ${first.key}, which is not in the log`
    const index = part.findIndex(({ key }, i) => this.whole[at + i]?.key !== key)
    return index < 0 ? undefined : `with ${part[index]?.key} behind ${part[index - 1]?.key}, unlike the log`
  }
}
