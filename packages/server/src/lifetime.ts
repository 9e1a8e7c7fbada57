/**
 * Runs parts of an application while its server is open, such as a timer or a database. Each begins when the storage is
 * open, and ends before it is closed, the last one first.
 */

/**
 * Begins something, and returns a function that ends it. The server waits for a promise before it serves, and does not start
 * if that rejects.
 * @param closing aborted when the server begins to close; users who leave after that leave because of it
 * @example
 * roomful.whileOpen((closing) => {
 *   const timer = setInterval(() => closing.aborted || publishPrices(), 1_000)
 *   return () => clearInterval(timer)
 * })
 */
export type Run = (closing: AbortSignal) => Begun | Promise<Begun>

type Begun = (() => void | Promise<void>) | void

/** The parts of one server. */
export class Lifetime {
  private readonly runs: Run[] = []
  private readonly ends: (() => void | Promise<void>)[] = []
  private readonly closing = new AbortController()

  /** Adds a part, before the server starts. */
  add(run: Run): void {
    this.runs.push(run)
  }

  /** Begins all parts, one after another. @throws what a part throws (rejects); those before it can be ended */
  async begin(): Promise<void> {
    for (const run of this.runs.splice(0)) {
      const end = await run(this.closing.signal)
      if (end) this.ends.push(end)
    }
  }

  /** Signals that the server begins to close. */
  close(): void {
    this.closing.abort()
  }

  /** Ends all parts, even if one throws. @throws AggregateError (rejects) with what they threw */
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
