/**
 * Members of a chat on Socket.IO's interface with durable events, through faults: nothing that was acknowledged is lost, doubled,
 * out of order or sent to the socket that it leaves out, and who is recovered has missed nothing. D2, N11.
 */
import { History } from '@roomful/testkit/history'
import { SECRET } from '../../outside/lib/token.ts'
import { until } from '../../outside/lib/wait.ts'
import type { Play } from '../play.ts'
import type { Stage } from '../stage.ts'
import { type Entry, judge, type LoggedSaid, type Loss } from './judge.ts'
import { Member, type MemberFact, type Said } from './member.ts'

const ROOM = 'chaos'
const REST_MS = 40_000
const EVERY_MS = 50
const STORY_LINES = 20_000
const BEFORE_LINES = 200

const TRANSPORTS = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
}

export interface ChatOptions {
  /** Messages of each member that have to go through before and after each fault. */
  readonly calm: number
  readonly perKind: number
  readonly paceMs: number
  /** Whether who is recovered has also missed nothing that is not durable. */
  readonly transient: 'required' | 'best-effort'
}

export class ChatPlay implements Play {
  readonly program = [new URL('app.ts', import.meta.url).pathname] as const
  readonly env: Record<string, string>
  readonly room = ROOM
  readonly violations: string[] = []
  private readonly options: ChatOptions
  private readonly startedMs = performance.now()
  private readonly entries: Entry[] = []
  private readonly members: Member[] = []
  private readonly losses: Loss[] = []
  private readonly answered = new Map<string, number>()
  /** Said, answered, and not lost. */
  private readonly keys = new Map<string, string>()
  /** All of it, also what is trimmed by now. */
  private log: LoggedSaid[] = []
  private hasLost = false
  /** In this round Redis is full, and its oldest events go. */
  private isFull = false
  /** Some were gone before they were read, so this run says nothing. */
  private hasHole = false
  private servers: readonly string[] = []
  private seqs: ReadonlyMap<string, number> = new Map()

  constructor(options: ChatOptions) {
    this.options = options
    this.env = { JWT_SECRET: SECRET, TRANSIENT: options.transient }
  }

  async enter({ url, servers }: Stage): Promise<void> {
    this.servers = servers
    const { perKind, paceMs, transient } = this.options
    for (const [kind, transports] of Object.entries(TRANSPORTS)) {
      for (let i = 1; i <= perKind; i++) {
        const member = new Member({
          ...{ url, transports, paceMs, room: ROOM, name: `${kind}-${i}`, needsNotices: transient === 'required' },
          record: (name, fact) => this.record(name, fact),
        })
        this.members.push(member)
      }
    }
    await this.until(() => this.members.every(({ isThere }) => isThere), 'every member is in the room')
  }

  note(text: string): void {
    if (text.startsWith('round ')) this.isFull = text.endsWith('maxmemory')
    this.entries.push({ atMs: this.nowMs, who: 'chaos', fact: { what: 'note', text } })
  }

  violate(problem: string): void {
    this.note(problem)
    this.violations.push(problem)
  }

  async goOn(after: string): Promise<void> {
    const goals = this.members.map(({ name }) => [name, this.count(name) + this.options.calm] as const)
    const behind = () => goals.filter(([name, goal]) => this.count(name) < goal).map(([name]) => name)
    await this.until(
      () => behind().length === 0,
      () => `${behind().join()} can say something after ${after}`,
    )
  }

  lose(head: number): void {
    this.losses.push({ atMs: this.nowMs })
    this.hasLost = true
    this.log = this.log.filter(({ seq }) => seq <= head)
  }

  async settle(after: string): Promise<void> {
    await this.readLog()
    if (this.hasLost) {
      const kept = new Set(this.log.map(({ key }) => key))
      for (const key of this.keys.keys()) if (!kept.has(key)) this.keys.delete(key)
      this.hasLost = false
    }
    const expected = [...this.keys]
    const behind = () =>
      this.members.flatMap(({ name, known }) => {
        const missing = expected.filter(([key, by]) => by !== name && !known.has(key))
        return missing.length > 0 ? [`${name} (${missing.length}, ${missing[0]?.[0]})`] : []
      })
    await this.until(
      () => behind().length === 0,
      () => `${behind().join()} has everything after ${after}`,
    )
  }

  async finish(): Promise<Record<string, number>> {
    await Promise.all(this.members.map((member) => member.finish()))
    await this.settle('the end').catch((error: unknown) => this.violate(String(error)))
    const { log } = this
    const history = new History({ nowMs: () => this.judgedMs })
    const names = this.members.map(({ name }) => name)
    if (!this.hasHole)
      judge({
        history,
        room: ROOM,
        names,
        log,
        losses: this.losses,
        entries: this.entries,
        at: (ms) => {
          this.judgedMs = ms
        },
      })
    this.violations.push(...history.violations)
    this.seqs = new Map(log.map(({ key, seq }) => [key, seq]))
    const countOf = (what: string): number => this.entries.filter(({ fact }) => fact.what === what).length
    return {
      acknowledged: countOf('answered'),
      unanswered: countOf('unanswered'),
      stored: log.length,
      received: countOf('receives'),
      recovered: countOf('recovers'),
      afresh: countOf('begins again'),
      losses: this.losses.length,
      ...(this.hasHole && { unjudged: 1 }),
    }
  }

  close(): void {
    for (const member of this.members) member.close()
  }

  story(): string {
    const round = this.entries.findLastIndex(({ fact }) => fact.what === 'note' && fact.text.startsWith('round '))
    const from = this.violations.length > 0 && this.seqs.size === 0 ? Math.max(0, round - BEFORE_LINES) : 0
    return this.entries
      .slice(from, from + STORY_LINES)
      .map((entry) => formatEntry(entry, this.seqs))
      .join('\n')
  }

  private judgedMs = 0

  private get nowMs(): number {
    return performance.now() - this.startedMs
  }

  private record(name: string, fact: MemberFact): void {
    this.entries.push({ atMs: this.nowMs, who: name, fact })
    if (fact.what === 'is wrong') this.violations.push(`${name} ${fact.problem}`)
    if (fact.what !== 'answered') return
    this.answered.set(name, this.count(name) + 1)
    this.keys.set(fact.key, name)
  }

  private count(name: string): number {
    return this.answered.get(name) ?? 0
  }

  private async until(isSo: () => boolean, what: string | (() => string)): Promise<void> {
    try {
      await until(() => this.violations.length > 0 || isSo(), { timeoutMs: REST_MS, everyMs: EVERY_MS })
    } catch {
      throw new Error(`Not within ${REST_MS} ms: ${typeof what === 'string' ? what : what()}`)
    }
  }

  /** What came since it was read last: where Redis is full the oldest events go. */
  private async readLog(): Promise<void> {
    for (;;) {
      const response = await fetch(`${this.servers[0]}/log?room=${ROOM}&after=${this.log.at(-1)?.seq ?? 0}`)
      const page = (await response.json()) as { events: { args: [Said]; seq: number }[]; more: boolean }
      for (const { args, seq } of page.events) {
        if (seq !== (this.log.at(-1)?.seq ?? 0) + 1 && this.isFull) this.hasHole = true
        this.log.push({ ...args[0], seq })
      }
      if (!page.more) return
    }
  }
}

function formatEntry({ atMs, who, fact }: Entry, seqs: ReadonlyMap<string, number>): string {
  const numbered = (key: string): string => `${key} (#${seqs.get(key) ?? '?'})`
  const about =
    fact.what === 'receives'
      ? `${numbered(fact.said.key)} of ${fact.said.name}`
      : fact.what === 'enters'
        ? `after ${fact.history.length}, the last ${numbered(fact.history.at(-1)?.key ?? '')}`
        : 'key' in fact
          ? numbered(fact.key)
          : ''
  const more = 'text' in fact ? fact.text : 'problem' in fact ? fact.problem : ''
  return `${(atMs / 1_000).toFixed(3).padStart(9)}  ${who.padEnd(12)} ${fact.what} ${about}${more}`
}
