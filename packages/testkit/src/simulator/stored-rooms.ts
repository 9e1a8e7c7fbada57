/** Everything that was appended, also what the log has trimmed since: what a history is compared with. */
import type { Append, Appended } from '@roomful/server/ports'
import type { LoggedEvent } from '../history/check.ts'
import { contentOf } from '../history/content.ts'

export class StoredRooms {
  private readonly rooms = new Map<string, LoggedEvent[]>()

  add(namespace: string, entries: readonly Append[], results: readonly Appended[]): void {
    for (const [index, { roomId, argsJson, key }] of entries.entries()) {
      const result = results[index]
      if (result?.status !== 'stored') continue
      const [data] = JSON.parse(argsJson) as unknown[]
      this.events(namespace, roomId).push({ seq: result.seq, key: key?.key, content: contentOf(data) })
    }
  }

  /** Number of the latest one, 0 for none. */
  head(namespace: string, roomId: string): number {
    return this.events(namespace, roomId).at(-1)?.seq ?? 0
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
