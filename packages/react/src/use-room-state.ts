/** The state of a room, and what a user has not read, for a page. */
import type { AnyContract } from '@roomful/client'
import { type RoomState, type StateActions, stateOf, type Unread, unreadOf } from '@roomful/client/state'
import { useMemo, useSyncExternalStore } from 'react'
import { useClient } from './provider.tsx'

/** What `useRoomState` returns: the state, and what can be done with it. */
export type RoomStateView<C extends AnyContract = undefined> = RoomState<C> & StateActions<C>

/**
 * The state of a room, which is joined while the component is mounted: names with values that belong to the room, stored, and
 * the same for every member. What this client writes is shown at once, and taken back if the server refuses it.
 * @throws Error outside a provider
 * @example
 * const { state, set, add } = useRoomState('board:1')
 * return <button onClick={() => add('votes')}>{String(state.votes ?? 0)} votes</button>
 */
export function useRoomState<C extends AnyContract = undefined>(roomId: string): RoomStateView<C> {
  const client = useClient<C>()
  const store = useMemo(() => stateOf(client, roomId), [client, roomId])
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => {
    const { set, remove, add, update } = store
    return { ...snapshot, set, remove, add, update }
  }, [store, snapshot])
}

/** What `useUnread` returns. */
export interface UnreadView {
  /** By room; a room is missing until it was counted. */
  readonly rooms: ReadonlyMap<string, Unread>
  /** This user has read a room: up to the event with this number, or all of it. */
  markRead(roomId: string, seq?: number): Promise<void>
  /** Counts again; messages of rooms that this client is not in are not noticed otherwise. */
  refresh(): void
}

/**
 * How many messages of others this user has not read, in a list of rooms: counted by the server in one answer, kept up to date
 * by the messages of rooms that this client is in, and by what the user reads here and on other devices.
 * @throws Error outside a provider
 * @example
 * const { rooms, markRead } = useUnread(['lobby', 'plans'])
 * const badge = rooms.get('lobby')?.unread ?? 0
 */
export function useUnread(roomIds: readonly string[]): UnreadView {
  const client = useClient()
  const list = JSON.stringify(roomIds)
  const store = useMemo(() => unreadOf(client, JSON.parse(list) as string[]), [client, list])
  const rooms = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => ({ rooms, markRead: store.markRead, refresh: store.refresh }), [store, rooms])
}
