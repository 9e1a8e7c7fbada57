/** Counters behind the limits: per connection, per link, per address. state/limits.ts says what is counted. */

/**
 * An exact sliding window: the times of the last `limit` accepted events. A refusal is not recorded, so asking again and
 * again does not extend the wait. B34, C12.
 */
export class RateWindow {
  private readonly times: Float64Array
  private next = 0

  constructor(limit: number) {
    this.times = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY)
  }

  /** @returns 0 when taken, else ms until one is free. */
  take(now: number, windowMs: number): number {
    const oldest = this.times[this.next] as number
    const wait = oldest + windowMs - now
    if (wait > 0) return wait
    this.add(now)
    return 0
  }

  /** What was taken turned out to count for more: the next ones wait for it. */
  charge(now: number, count: number): void {
    for (let i = 0; i < Math.min(count, this.times.length); i++) this.add(now)
  }

  private add(now: number): void {
    this.times[this.next] = now
    this.next = (this.next + 1) % this.times.length
  }
}

/** Ten times the allowed rate, kept up for this long, is abuse and closes with 1008. */
export const ABUSE_FACTOR = 10
export const ABUSE_WINDOW_MS = 5_000

/** Counts attempts, allowed or not, in windows of {@link ABUSE_WINDOW_MS}. */
export class AbuseCounter {
  private windowStart = Number.NEGATIVE_INFINITY
  private attempts = 0

  /** @returns true when these attempts are too many. */
  isAbuse(now: number, ratePerSecond: number, attempts = 1): boolean {
    if (now - this.windowStart >= ABUSE_WINDOW_MS) {
      this.windowStart = now
      this.attempts = 0
    }
    this.attempts += attempts
    return this.attempts > ratePerSecond * ABUSE_FACTOR * (ABUSE_WINDOW_MS / 1000)
  }
}

/** How many links an address has. B33: counted from the first byte to the last, freed on every kind of end. */
export class Addresses {
  private readonly counts = new Map<string, number>()

  /** @returns false when the address has `limit` already; 0 = off */
  take(ip: string, limit: number): boolean {
    const count = this.counts.get(ip) ?? 0
    if (limit > 0 && count >= limit) return false
    this.counts.set(ip, count + 1)
    return true
  }

  free(ip: string): void {
    const count = this.counts.get(ip) ?? 0
    if (count > 1) this.counts.set(ip, count - 1)
    else this.counts.delete(ip)
  }

  get size(): number {
    return this.counts.size
  }
}

export function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.') || ip.startsWith('::ffff:127.')
}

/** What is counted as one: an IPv4 address, and of IPv6 the /64 that a customer has all of. */
export function addressGroup(ip: string): string {
  if (!ip.includes(':')) return ip
  const [head = '', tail] = ip.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  if (tail !== undefined) {
    const after = tail.split(':').filter((group) => group !== '')
    while (groups.length + after.length < 8) groups.push('0')
    groups.push(...after)
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}
