/** Everything that was appended, including what the log has trimmed since: a history is compared with it. */
import type { Append, Appended } from '@roomful/server/ports'
import { contentOf } from '../history/fact.ts'
import type { LoggedEvent } from '../history/sent.ts'
import { StoredFacts } from './facts/stored-facts.ts'

export class StoredRooms {
  /** What was appended beside events. */
  readonly facts = new StoredFacts()
  private readonly rooms = new Map<string, LoggedEvent[]>()

  add(namespace: string, entries: readonly Append[], results: readonly Appended[]): void {
    for (const [index, entry] of entries.entries()) {
      const { roomId, argsJson, key } = entry
      const result = results[index]
      if (result) this.facts.add(namespace, entry, result)
      if (result?.status !== 'stored') continue
      const [data] = JSON.parse(argsJson) as unknown[]
      this.events(namespace, roomId).push({ seq: result.seq, key: key?.key, content: contentOf(data) })
    }
  }

  /** Number of the latest one, 0 for none. */
  head(namespace: string, roomId: string): number {
    return this.events(namespace, roomId).at(-1)?.seq ?? 0
  }

  /** What is here and not in a later state of the same log: number of each message by its key. */
  lostIn(later: StoredRooms): Map<string, number> {
    const lost = new Map<string, number>()
    for (const [name, events] of this.rooms) {
      const kept = later.rooms.get(name)?.length ?? 0
      for (const { key, seq } of events.slice(kept)) if (key !== undefined) lost.set(key, seq)
    }
    return lost
  }

  /** Oldest first. */
  events(namespace: string, roomId: string): LoggedEvent[] {
    const name = `${namespace}\n${roomId}`
    const known = this.rooms.get(name)
    if (known) return known
    const events: LoggedEvent[] = []
    this.rooms.set(name, events)
    return events
  }
}
