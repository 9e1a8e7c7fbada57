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
