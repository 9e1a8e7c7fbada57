/** Where a simulated world stores, and what a plan can do to it. */
import type { Broker } from '@roomful/server/ports'
import type { StoredRooms } from './stored-rooms.ts'

export interface SharedStorage {
  /** Everything that was ever appended and not lost again. */
  readonly stored: StoredRooms
  /** Calls wait. */
  stall(forMs: number): void
  /** Appends are refused. */
  fill(forMs: number): void
  /** All of that is over. */
  recover(): void
  /** Where the rooms of a namespace stand now. */
  heads(namespace: string, roomIds: readonly string[]): ReturnType<Broker['heads']>
  /** Numbers of what was taken back, by room. */
  emptied(namespace: string, roomIds: readonly string[]): Promise<Map<string, ReadonlySet<number>>>
  close(): void
}
