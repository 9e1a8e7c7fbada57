/** What one way to the feed has cost so far, and how late its events were. */
export interface Cost {
  readonly events: number
  readonly requests: number
  /** Both directions, with headers and frames. */
  readonly bytes: number
  /** Of the latest events, oldest first. */
  readonly delaysMs: readonly number[]
  readonly error: string | undefined
}

export const NO_COST: Cost = { events: 0, requests: 0, bytes: 0, delaysMs: [], error: undefined }

const DELAYS_KEPT = 60

export class Meter {
  private cost = NO_COST
  private readonly serverNow: () => number

  /** @param serverNow the server's time, by which delays are measured whatever this device's clock says */
  constructor(serverNow: () => number) {
    this.serverNow = serverNow
  }

  get(): Cost {
    return this.cost
  }

  request(bytes: number): void {
    this.cost = { ...this.cost, requests: this.cost.requests + 1, bytes: this.cost.bytes + bytes, error: undefined }
  }

  received(bytes: number): void {
    this.cost = { ...this.cost, bytes: this.cost.bytes + bytes }
  }

  /** @param ts when the server stored it */
  event(ts: number): void {
    const delay = Math.max(0, this.serverNow() - ts)
    const delaysMs = [...this.cost.delaysMs, delay].slice(-DELAYS_KEPT)
    this.cost = { ...this.cost, events: this.cost.events + 1, delaysMs }
  }

  fail(error: unknown): void {
    // Each browser words an unanswered request differently.
    const isUnanswered = error instanceof TypeError
    const words = error instanceof Error ? error.message : String(error)
    this.cost = { ...this.cost, error: isUnanswered ? 'Can’t reach the server' : words }
  }
}

export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
