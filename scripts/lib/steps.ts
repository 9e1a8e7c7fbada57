/**
 * A step is one named thing that can pass, fail or be skipped for a reason. `npm test` and `npm run check` are lists
 * of steps; this file runs such a list and counts. On CI a skip is a failure: there, everything must have been seen.
 */
export type Outcome =
  | { readonly kind: 'passed'; readonly note?: string }
  | { readonly kind: 'failed'; readonly output: string }
  | { readonly kind: 'skipped'; readonly reason: string }

export interface Step {
  readonly name: string
  run(): Promise<Outcome>
}

export interface Tally {
  passed: number
  failed: number
}

export function onCI(): boolean {
  return process.env.CI === 'true' || process.env.CI === '1'
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

export async function runSteps(steps: readonly Step[], tally: Tally): Promise<void> {
  for (const step of steps) {
    const startedAt = performance.now()
    const outcome = await runStep(step)
    count(step.name, outcome, tally, `${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
}

export function count(name: string, outcome: Outcome, tally: Tally, took = ''): void {
  switch (outcome.kind) {
    case 'passed':
      tally.passed += 1
      say(` ✓ ${[name, outcome.note, took].filter(Boolean).join(' · ')}`)
      return
    case 'skipped':
      if (onCI()) tally.failed += 1
      say(` ${onCI() ? '✗' : '-'} ${name} SKIPPED: ${outcome.reason}`)
      return
    case 'failed':
      tally.failed += 1
      say(` ✗ ${name}\n${outcome.output.trimEnd()}\n`)
      return
    default:
      outcome satisfies never
  }
}

/** Ends the run with the line that everyone reads, and nothing after it. */
export function finish(tally: Tally): never {
  say(`${tally.passed} passed, ${tally.failed} failed`)
  process.exit(tally.failed === 0 ? 0 : 1)
}

async function runStep(step: Step): Promise<Outcome> {
  try {
    return await step.run()
  } catch (error) {
    return { kind: 'failed', output: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
