/** Rounds of faults with clients of one kind: what they do is a {@link Play}, where they do it is a stage. */
import { SeededRandom } from '@roomful/testkit'
import { openStage, type Stage, type StageOptions } from './stage.ts'

/** Clients, and the check of what happens to them. */
export interface Play {
  readonly program: StageOptions['program']
  readonly env: Readonly<Record<string, string>>
  readonly room: string
  /** What was wrong, in the order in which it was found. */
  readonly violations: readonly string[]
  note(text: string): void
  violate(problem: string): void
  enter(stage: Stage): Promise<void>
  /** Resolves when every client got something through. */
  goOn(after: string): Promise<void>
  /** The log of the room lost what came after this. */
  lose(head: number): void
  /** Resolves when every client has everything. */
  settle(after: string): Promise<void>
  /** Ends what clients do, and compares. @returns figures of the run */
  finish(): Promise<Record<string, number>>
  close(): void
  /** What happened, a line each. */
  story(): string
}

export interface PlayOptions {
  readonly nodes?: number | undefined
  /** One for each round. */
  readonly faults: readonly string[]
  readonly seed: number
  readonly onRound?: (line: string) => void
}

export interface PlayOutcome {
  readonly rounds: number
  readonly figures: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  readonly seconds: number
  readonly story: string
}

export async function runPlay(play: Play, { nodes, faults, seed, onRound }: PlayOptions): Promise<PlayOutcome> {
  const startedMs = performance.now()
  const { program, env } = play
  const stage = await openStage({ nodes, program, env, onOutput: (line) => play.note(line) })
  const random = new SeededRandom(seed)
  let rounds = 0
  let figures: Record<string, number> = {}
  try {
    await play.enter(stage)
    await play.goOn('the start')
    for (const fault of faults) {
      const beganMs = performance.now()
      play.note(`round ${++rounds}: ${fault}`)
      await stage.commit(fault, {
        random: random.fork(`round ${rounds}`),
        room: play.room,
        note: (text) => play.note(text),
        onLoss: (head) => play.lose(head),
      })
      play.note('over')
      await play.goOn(fault)
      await play.settle(fault)
      onRound?.(
        `round ${rounds} of ${faults.length}: ${fault}, ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`,
      )
      if (play.violations.length > 0) break
    }
    figures = await play.finish()
  } catch (error) {
    play.violate(`In round ${rounds}: ${String(error)}`)
  } finally {
    play.close()
    await stage.close()
  }
  const { violations } = play
  return { rounds, figures, violations, seconds: (performance.now() - startedMs) / 1_000, story: play.story() }
}
