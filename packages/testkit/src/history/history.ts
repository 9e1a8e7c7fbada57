/** Records a history: every fact as a line of its story, and every violation of a guarantee. */
import { type CheckOptions, HistoryCheck } from './check.ts'
import { type Fact, formatFact, type RecordedFact } from './fact.ts'
import type { LoggedRoom } from './sent.ts'

/** Most violations kept: after the first ones they only repeat each other. */
const VIOLATIONS_MAX = 20

export interface HistoryOptions extends CheckOptions {
  /** Milliseconds since the beginning. */
  readonly nowMs: () => number
}

export class History {
  readonly facts: RecordedFact[] = []
  /** Problems in the order in which they were found. */
  readonly violations: string[] = []
  private readonly nowMs: () => number
  private readonly check: HistoryCheck

  constructor({ nowMs, ...options }: HistoryOptions) {
    this.nowMs = nowMs
    this.check = new HistoryCheck(options)
  }

  /** After the first violation nothing is added: the story ends there. */
  record(who: string, fact: Fact): void {
    if (this.violations.length > 0) return
    this.facts.push({ atMs: this.nowMs(), who, fact })
    const problem = this.check.take(who, fact)
    if (problem) this.violate(problem)
  }

  note(who: string, text: string): void {
    this.record(who, { what: 'note', text })
  }

  /** Records a problem that was found elsewhere. */
  violate(problem: string): void {
    this.facts.push({ atMs: this.nowMs(), who: '!', fact: { what: 'note', text: problem } })
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(problem)
  }

  /** A client's position in a room, as far as its facts show. */
  positionOf(who: string, room: string): { epoch: string | undefined; seq: number } | undefined {
    return this.check.positionOf(who, room)
  }

  /** Compares with the log once everything is quiet. */
  finish(log: ReadonlyMap<string, LoggedRoom>): void {
    for (const problem of this.check.finish(log)) this.violate(problem)
  }

  /** What happened, a line each. @param lines how many of the latest; all without it */
  story(lines = this.facts.length): string {
    return this.facts.slice(-lines).map(formatFact).join('\n')
  }
}
