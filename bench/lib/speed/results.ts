/** What a run of `npm run bench -- speed` leaves behind. */

export interface Results {
  readonly at: string
  readonly commit: string
  /** Of the older build that was measured beside this one. */
  readonly before?: string
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly figures: readonly Figure[]
}

/** One metric of one server under one workload. */
export interface Figure {
  /** In docs/requirements.md. */
  readonly row: string
  readonly workload: string
  readonly title: string
  readonly peer: string
  readonly metric: string
  readonly runs: readonly number[]
}

/** Of two in the middle, what is between them. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}
