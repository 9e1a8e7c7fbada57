/**
 * What an application runs while its server is open: a timer that publishes, a database of its own. Each begins once the
 * storage is there and ends, last one first, before it is closed.
 */

/**
 * Begins something; what it returns ends it.
 * @param closing aborted when the server begins to close: from then on people leave because of it, not by themselves
 */
export type Run = (closing: AbortSignal) => (() => void | Promise<void>) | void

export class Lifetime {
  private readonly runs: Run[] = []
  private readonly ends: (() => void | Promise<void>)[] = []
  private readonly closing = new AbortController()

  add(run: Run): void {
    this.runs.push(run)
  }

  /** @throws what a run throws; those before it can be ended */
  begin(): void {
    for (const run of this.runs.splice(0)) {
      const end = run(this.closing.signal)
      if (end) this.ends.push(end)
    }
  }

  /** The server begins to close. */
  close(): void {
    this.closing.abort()
  }

  /** Ends all, whatever one of them throws. @throws AggregateError (rejects) of what they threw */
  async end(): Promise<void> {
    const errors: unknown[] = []
    for (const end of this.ends.splice(0).reverse()) {
      try {
        await end()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Not everything that ran in the server could be ended')
  }
}
