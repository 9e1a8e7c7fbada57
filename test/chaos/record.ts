/** What a long run of chaos has done so far, one line of JSON for every ten rounds, so that it can be stopped and go on. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { root } from '../../scripts/lib/command.ts'

interface Leg {
  readonly commit: string
  readonly nodes: number
  /** Of these rounds. */
  readonly seed: number
  /** Which one of the run was the first. */
  readonly first: number
  readonly rounds: number
  readonly violations: number
}

export class ChaosRecord {
  private readonly file: string
  private readonly legs: readonly Leg[]

  constructor(file: string, { commit, nodes }: Pick<Leg, 'commit' | 'nodes'>) {
    this.file = file
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
    this.legs = lines
      .map((line) => JSON.parse(line) as Leg)
      .filter((leg) => leg.commit === commit && leg.nodes === nodes)
  }

  /** Of the run that stands there for this commit and number of nodes. */
  get seed(): number | undefined {
    const [leg] = this.legs
    return leg && leg.seed - leg.first
  }

  find(seed: number): Leg | undefined {
    return this.legs.find((leg) => leg.seed === seed)
  }

  add(leg: Leg): void {
    appendFileSync(this.file, `${JSON.stringify(leg)}\n`)
  }
}

/** The commit of the sources, with a plus where they are changed. */
export function commitNow(): string {
  const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim()
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+')
}
