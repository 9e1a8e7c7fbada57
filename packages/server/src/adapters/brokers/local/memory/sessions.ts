/** Sessions of the memory log: the one saved longest ago is the first in the map, and the first to go when there are too many. */
import type { SessionRecord } from '../../../../core/ports/broker.ts'

interface Saved {
  readonly session: SessionRecord
  readonly expiresAtMs: number
}

export class MemorySessions {
  private readonly saved = new Map<string, Saved>()
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  save(session: SessionRecord, expiresAtMs: number): void {
    const name = nameOf(session.namespace, session.id)
    this.saved.delete(name)
    this.saved.set(name, { session, expiresAtMs })
    if (this.saved.size <= this.max) return
    for (const oldest of this.saved.keys()) {
      this.saved.delete(oldest)
      return
    }
  }

  find(namespace: string, id: string, nowMs: number): SessionRecord | undefined {
    const saved = this.saved.get(nameOf(namespace, id))
    return saved !== undefined && saved.expiresAtMs > nowMs ? saved.session : undefined
  }

  drop(namespace: string, id: string): void {
    this.saved.delete(nameOf(namespace, id))
  }

  dropExpired(nowMs: number): void {
    for (const [name, { expiresAtMs }] of this.saved) if (expiresAtMs <= nowMs) this.saved.delete(name)
  }
}

function nameOf(namespace: string, id: string): string {
  return `${namespace.length} ${namespace}${id}`
}
