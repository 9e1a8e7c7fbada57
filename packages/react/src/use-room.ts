/** The hooks for one room: the room itself, who is in it, and who is writing. B19, B21. */
import type { AnyContract, ChatMethods, HasChat, Member, Room, RoomSnapshot, Typist } from '@roomful/client'
import { useMemo, useSyncExternalStore } from 'react'
import { useClient, useConnection } from './provider.tsx'
import { type RoomActions, RoomHandle } from './room-handle.ts'

/** What `useRoom` returns: the room's snapshot, its actions, and the room itself. */
export type RoomView<C extends AnyContract = undefined> = RoomSnapshot &
  Omit<RoomActions, HasChat<C> extends true ? never : ChatMethods> & {
    /**
     * The room itself, for an effect that listens to it or reads its log. Its listeners end with the component.
     * `undefined` until the component is mounted.
     */
    readonly room: Room<C> | undefined
  }

/**
 * Joins a room while the component is mounted. The room is left shortly after the last component that uses it.
 * @param roomId another one leaves the room before
 * @returns its status, members and typists, its actions, and the room itself
 * @throws Error outside a provider
 * @example
 * const { status, count, send } = useRoom('lobby')
 */
export function useRoom<C extends AnyContract = undefined>(roomId: string): RoomView<C> {
  const client = useClient()
  const handle = useMemo(() => new RoomHandle(client, roomId), [client, roomId])
  // A context has no type parameter: the caller names the contract.
  return useSyncExternalStore(handle.subscribe, handle.getSnapshot, handle.getSnapshot) as unknown as RoomView<C>
}

/** Who is in a room. */
export interface Presence {
  /** One entry per user, whatever the number of tabs; at most 1,000. */
  readonly members: readonly Member[]
  /** Number of all members, listed or not. */
  readonly count: number
  /** Unless it is `joined`, the list may be out of date. */
  readonly status: RoomSnapshot['status']
  /** Why the room is not joined. */
  readonly error: RoomSnapshot['error']
}

/**
 * The members of a room, which is joined while the component is mounted, as by `useRoom`.
 * @throws Error outside a provider
 */
export function usePresence(roomId: string): Presence {
  const { members, count, status, error } = useRoom(roomId)
  return useMemo(() => ({ members, count, status, error }), [members, count, status, error])
}

/** Who is writing in a room, and how to show that this user is. */
export interface Typing {
  /** Other users who are writing. This user is not listed, also when writing in another tab. */
  readonly typists: readonly Typist[]
  /** Call it at each keystroke: other users see that this one is writing until 2 s pass without a call, or a message is sent. */
  typing(): void
  /** Ends it at once, for instance when the input is empty again. */
  stopTyping(): void
}

/**
 * Typing notices of a room, which is joined while the component is mounted, as by `useRoom`.
 * @throws Error outside a provider
 */
export function useTyping(roomId: string): Typing {
  const state = useConnection()
  const { typists, typing, stopTyping } = useRoom(roomId)
  const self = 'user' in state ? state.user.sub : undefined
  return useMemo(() => {
    return { typists: typists.filter(({ userId }) => userId !== self), typing, stopTyping }
  }, [typists, self, typing, stopTyping])
}
