/** A room, held for as long as the component is there. B21. */
import type { AnyContract, ChatMethods, HasChat, Room } from '@roomful/client'
import { useMemo, useSyncExternalStore } from 'react'
import { useClient } from './provider.tsx'
import { type HeldRoom, RoomHold } from './room-hold.ts'

/** {@link HeldRoom}, whose room has a contract's types. */
export type RoomView<C extends AnyContract = undefined> = Omit<
  HeldRoom,
  HasChat<C> extends true ? 'room' : 'room' | ChatMethods
> & {
  /**
   * The room itself, for an effect that listens to it or reads its log; what the effect attaches goes with the hold.
   * `undefined` in the first moment, before the component is mounted.
   */
  readonly room: Room<C> | undefined
}

/**
 * Joins a room with the component and leaves it shortly after, with the last one that uses it.
 * @returns its status, members and typists, what can be done in it, and the room itself
 */
export function useRoom<C extends AnyContract = undefined>(roomId: string): RoomView<C> {
  const client = useClient()
  const hold = useMemo(() => new RoomHold(client, roomId), [client, roomId])
  // The context cannot carry the contract; whoever reads it says which one it is.
  return useSyncExternalStore(hold.subscribe, hold.getSnapshot, hold.getSnapshot) as unknown as RoomView<C>
}
