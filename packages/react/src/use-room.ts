/** A room, held for as long as the component is there. B21. */
import type { RoomSnapshot } from '@roomful/client'
import { useMemo, useSyncExternalStore } from 'react'
import { useClient } from './provider.tsx'
import { type RoomActions, RoomHold } from './room-hold.ts'

/**
 * Joins a room with the component and leaves it shortly after, with the last one that uses it.
 * @returns its status, members and typists, and what can be done in it
 */
export function useRoom(roomId: string): RoomSnapshot & RoomActions {
  const client = useClient()
  const hold = useMemo(() => new RoomHold(client, roomId), [client, roomId])
  const snapshot = useSyncExternalStore(hold.subscribe, hold.getSnapshot, hold.getSnapshot)
  return useMemo(() => ({ ...snapshot, ...hold.actions }), [snapshot, hold])
}
