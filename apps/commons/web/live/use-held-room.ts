/** A room that is held as long as the component is there, and what can be seen of it. */
import type { AnyContract, Room, RoomSnapshot } from '@roomful/client'
import { useClient } from '@roomful/react'
import { useEffect, useState, useSyncExternalStore } from 'react'

const NOT_YET: RoomSnapshot = { status: 'waiting', members: [], count: 0, typists: [], error: undefined }
const nothing = (): (() => void) => () => undefined

/** @returns no room in the first moment, before the component is mounted */
export function useHeldRoom<C extends AnyContract = undefined>(
  roomId: string,
): { room: Room<C> | undefined; snapshot: RoomSnapshot } {
  const client = useClient<C>()
  const [room, setRoom] = useState<Room<C>>()
  useEffect(() => {
    const held = client.room(roomId)
    setRoom(held)
    return () => {
      held.release()
      setRoom(undefined)
    }
  }, [client, roomId])
  const snapshot = useSyncExternalStore(room?.subscribe ?? nothing, room?.getSnapshot ?? (() => NOT_YET))
  return { room, snapshot }
}
