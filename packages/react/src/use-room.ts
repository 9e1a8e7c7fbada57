/** The hooks for one room: the room itself, who is in it, and who is writing. B19, B21. */
import type {
  AnyContract,
  ChatMethods,
  HasChat,
  MemberOf,
  PresenceGivenBy,
  PresenceOf,
  PresenceState,
  Room,
  RoomSnapshot,
  Typist,
} from '@roomful/client'
import { useEffect, useInsertionEffect, useMemo, useSyncExternalStore } from 'react'
import { useClient, useConnection } from './provider.tsx'
import { type RoomActions, RoomHandle } from './room-handle.ts'

/** What `useRoom` returns: the room's snapshot, its actions, and the room itself. */
export type RoomView<C extends AnyContract = undefined> = RoomSnapshot<PresenceOf<C>> &
  Omit<RoomActions, 'setPresence' | (HasChat<C> extends true ? never : ChatMethods)> & {
    /** Says something of this user in the room, such as a cursor. Call it as often as you like: members get the latest. */
    setPresence(state: PresenceGivenBy<C>): void
    /**
     * The room itself, for an effect that listens to it or reads its log. Its listeners end with the component.
     * `undefined` until the component is mounted.
     */
    readonly room: Room<C> | undefined
  }

/**
 * Joins a room while the component is mounted. The room is left shortly after the last component that uses it.
 * @param roomId another one leaves the room before
 * @param state what this user says of themselves when the room is joined; `usePresence` follows its changes too
 * @returns its status, members and typists, its actions, and the room itself
 * @throws Error outside a provider
 * @example
 * const { status, count, send } = useRoom('lobby')
 */
export function useRoom<C extends AnyContract = undefined>(roomId: string, state?: PresenceGivenBy<C>): RoomView<C> {
  const client = useClient()
  const handle = useMemo(() => new RoomHandle(client, roomId), [client, roomId])
  // Read when the room is joined, which is after this render.
  useInsertionEffect(() => {
    handle.state = state as PresenceState | undefined
  })
  // A context has no type parameter: the caller names the contract.
  return useSyncExternalStore(handle.subscribe, handle.getSnapshot, handle.getSnapshot) as unknown as RoomView<C>
}

/** Who is in a room. */
export interface Presence<C extends AnyContract = undefined> {
  /** One entry per user, whatever the number of tabs; at most 1,000. Each has what the user says of themselves in `state`. */
  readonly members: readonly MemberOf<PresenceOf<C>>[]
  /** Number of all members, listed or not. */
  readonly count: number
  /** Unless it is `joined`, the list may be out of date. */
  readonly status: RoomSnapshot['status']
  /** Why the room is not joined. */
  readonly error: RoomSnapshot['error']
  /** Says something of this user in the room, such as a cursor. Call it as often as you like: members get the latest. */
  setPresence(state: PresenceGivenBy<C>): void
}

/**
 * The members of a room, which is joined while the component is mounted, as by `useRoom`.
 * @param state what this user says of themselves, from the join on; another value replaces it
 * @throws Error outside a provider
 * @example
 * const { members, setPresence } = usePresence('board:1', { cursor: null })
 */
export function usePresence<C extends AnyContract = undefined>(
  roomId: string,
  state?: PresenceGivenBy<C>,
): Presence<C> {
  const { members, count, status, error, setPresence, room } = useRoom<C>(roomId, state)
  const json = JSON.stringify(state)
  useEffect(() => {
    if (json !== undefined) room?.setPresence(JSON.parse(json) as PresenceGivenBy<C>)
  }, [room, json])
  return useMemo(() => ({ members, count, status, error, setPresence }), [members, count, status, error, setPresence])
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
