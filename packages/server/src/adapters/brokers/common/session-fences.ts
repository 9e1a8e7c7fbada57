/** Who may still save a session: its takeovers are counted, and what an earlier holder says is left out. */
import type { SessionRecord } from '../../../core/ports/broker.ts'

/** Most sessions whose takeovers are remembered; of the others the record itself tells the latest that was saved. */
const FENCES_MAX = 100_000

export class SessionFences {
  /** The one taken over longest ago is the first. */
  private readonly latest = new Map<string, number>()

  /** The record as its next holder has it. */
  take(record: SessionRecord): SessionRecord & { fence: number } {
    const name = nameOf(record.namespace, record.id)
    const fence = (this.stamped(record).fence ?? 1) + 1
    this.latest.delete(name)
    this.latest.set(name, fence)
    if (this.latest.size > FENCES_MAX) this.latest.delete(this.latest.keys().next().value as string)
    return { ...record, fence }
  }

  /** The record with the fence of its latest takeover, which may not have been saved. */
  stamped(record: SessionRecord): SessionRecord {
    const fence = this.latest.get(nameOf(record.namespace, record.id))
    return fence === undefined ? record : { ...record, fence }
  }

  /** Whether a holder with this fence still holds it. */
  counts(namespace: string, id: string, fence: number | undefined): boolean {
    return fence === undefined || fence >= (this.latest.get(nameOf(namespace, id)) ?? 0)
  }

  forget(namespace: string, id: string): void {
    this.latest.delete(nameOf(namespace, id))
  }
}

function nameOf(namespace: string, id: string): string {
  return `${namespace.length} ${namespace}${id}`
}
