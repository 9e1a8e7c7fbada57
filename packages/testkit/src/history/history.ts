/** A history that is being written: keeps the story, and what was wrong with it. */
import { type CheckOptions, HistoryCheck, type LoggedRoom } from './check.ts'
import { type Fact, type ToldFact, tell } from './fact.ts'

/** Most violations kept: after the first ones they only repeat each other. */
const VIOLATIONS_MAX = 20

export interface HistoryOptions extends CheckOptions {
  /** Milliseconds since the beginning. */
  readonly nowMs: () => number
}

export class History {
  readonly facts: ToldFact[] = []
  /** What was wrong, in the order in which it was noticed. */
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

  /** Something that must not be was seen. */
  violate(problem: string): void {
    this.facts.push({ atMs: this.nowMs(), who: '!', fact: { what: 'note', text: problem } })
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(problem)
  }

  /** Where a client stands in a room, as far as its facts tell. */
  positionOf(who: string, room: string): { epoch: string | undefined; seq: number } | undefined {
    return this.check.positionOf(who, room)
  }

  /** Everything is quiet: compares with the log. */
  finish(log: ReadonlyMap<string, LoggedRoom>): void {
    for (const problem of this.check.finish(log)) this.violate(problem)
  }

  /** What happened, a line each. @param lines how many of the latest; all without it */
  story(lines = this.facts.length): string {
    return this.facts.slice(-lines).map(tell).join('\n')
  }
}
