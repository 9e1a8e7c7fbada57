/** What time takes from a memory log: rows and keys that are too old, sessions that expired, rooms that are not needed. */
import type { Clock } from '../../../../core/ports/system.ts'
import type { LogLimits } from '../log.ts'
import type { MemoryKeys } from './keys.ts'
import type { IdleRooms, MemoryRoom, MemoryRows } from './rows.ts'
import type { MemorySessions } from './sessions.ts'

const SWEEP_MS = 60_000
/** Rows, keys or rooms that one sweep looks at most, about 2 ms; the next comes soon when that was not enough. */
const SLICE = 10_000
const NEXT_SLICE_MS = 10

export interface Swept {
  readonly clock: Clock
  readonly limits: LogLimits
  readonly rows: MemoryRows
  readonly keys: MemoryKeys
  readonly sessions: MemorySessions
  readonly idleRooms: IdleRooms
}

/** @returns what ends it */
export function startSweep(log: Swept): () => void {
  let cancel = log.clock.after(SWEEP_MS, sweep)
  let walk = log.idleRooms.entries()

  function sweep(): void {
    const nowMs = log.clock.now()
    log.sessions.dropExpired(nowMs)
    const isDone = [dropOld(log, nowMs), walkRooms(nowMs)].every(Boolean)
    cancel = log.clock.after(isDone ? SWEEP_MS : NEXT_SLICE_MS, sweep)
  }

  /** Goes on where the last slice ended. @returns whether it came to the end */
  function walkRooms(nowMs: number): boolean {
    for (let i = 0; i < SLICE; i++) {
      const step = walk.next()
      if (step.done) {
        walk = log.idleRooms.entries()
        return true
      }
      const [room, forget] = step.value
      if (isForgettable(room, log.limits, nowMs)) forget()
    }
    return false
  }

  return () => cancel()
}

function dropOld({ rows, keys, limits }: Swept, nowMs: number): boolean {
  for (let i = 0; i < SLICE; i++) {
    const isRowOld = rows.oldestTs < nowMs - limits.retentionMs
    const isKeyOld = keys.oldestTs < nowMs - limits.dedupeWindowMs
    if (isRowOld) rows.dropOldest()
    if (isKeyOld) keys.dropOldest()
    if (!isRowOld && !isKeyOld) return true
  }
  return false
}

function isForgettable(room: MemoryRoom, limits: LogLimits, nowMs: number): boolean {
  if (room.count > 0 || room.fv > 0 || nowMs - room.idleSinceMs < limits.emptyRoomMs) return false
  return room.seq === 0 || nowMs - room.lastTs >= limits.retentionMs
}
