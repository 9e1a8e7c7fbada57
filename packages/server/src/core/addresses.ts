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
