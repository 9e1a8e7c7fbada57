/**
 * Sessions that connections of this node are about to have, between the takeover and the moment in which they open: another
 * node may take them over in between. Bound: connections that are opening.
 */
interface Takeover {
  connections: number
  /** The latest takeover by another node. */
  lostAt: number
}

export class Takeovers {
  private readonly underWay = new Map<string, Takeover>()

  /** @returns ends it */
  begin(namespace: string, id: string): () => void {
    const name = nameOf(namespace, id)
    const takeover = this.underWay.get(name) ?? { connections: 0, lostAt: 0 }
    this.underWay.set(name, takeover)
    takeover.connections++
    return () => {
      takeover.connections--
      if (takeover.connections === 0) this.underWay.delete(name)
    }
  }

  /** Another node took it over. */
  lost(namespace: string, id: string, fence: number): void {
    const takeover = this.underWay.get(nameOf(namespace, id))
    if (takeover) takeover.lostAt = Math.max(takeover.lostAt, fence)
  }

  isLost(namespace: string, id: string, fence: number): boolean {
    return (this.underWay.get(nameOf(namespace, id))?.lostAt ?? 0) > fence
  }
}

function nameOf(namespace: string, id: string): string {
  return `${namespace.length} ${namespace}${id}`
}
