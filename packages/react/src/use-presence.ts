/** Who is in a room. */
import type { Member, RoomSnapshot } from '@roomful/client'
import { useMemo } from 'react'
import { useRoom } from './use-room.ts'

export interface Presence {
  /** One entry per user, however many tabs they have; the first ones of a large room. */
  readonly members: readonly Member[]
  /** All of them, listed or not. */
  readonly count: number
  /** The list is what the server last said; while this is not `joined` it may be old. */
  readonly status: RoomSnapshot['status']
  /** Why we are not in it. */
  readonly error: RoomSnapshot['error']
}

/** Joins the room with the component, as `useRoom` does. */
export function usePresence(roomId: string): Presence {
  const { members, count, status, error } = useRoom(roomId)
  return useMemo(() => ({ members, count, status, error }), [members, count, status, error])
}
