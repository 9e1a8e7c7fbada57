/** Listening to an event while a component is mounted; and the hooks with the types of a contract (D5). */
import type { AnyContract, Client, DownEvent, DownListener, PresenceGivenBy } from '@roomful/client'
import { useEffect, useInsertionEffect, useRef } from 'react'
import { useClient } from './provider.tsx'
import { type Presence, type RoomView, usePresence, useRoom } from './use-room.ts'
import { type RoomStateView, useRoomState } from './use-room-state.ts'

/** Which events `useEvent` listens to. */
export interface UseEventOptions {
  /** Only those of this room, which is joined for them. Default: those of every room. */
  readonly roomId?: string
}

/**
 * Calls `listener` for each such event while the component is mounted, always that of the latest render.
 * @param event of the room vocabulary, of the contract, or any name without a contract
 * @throws Error outside a provider
 * @example
 * useEvent('message:new', ({ name, content }) => notify(`${name}: ${content}`), { roomId: 'lobby' })
 */
export function useEvent<Name extends DownEvent<undefined>>(
  event: Name,
  listener: DownListener<undefined, Name>,
  options?: UseEventOptions,
): void
/** The same, with the types of a contract. */
export function useEvent<C extends AnyContract, Name extends DownEvent<C>>(
  event: Name,
  listener: DownListener<C, Name>,
  { roomId }: UseEventOptions = {},
): void {
  const client = useClient<C>()
  // React 18 has no `useEffectEvent`. Insertion effects run before all others of a commit.
  const current = useRef(listener as (...args: unknown[]) => void)
  useInsertionEffect(() => {
    current.current = listener as (...args: unknown[]) => void
  })
  useEffect(() => {
    const latest = ((...args: unknown[]) => current.current(...args)) as DownListener<C, Name>
    if (roomId === undefined) return client.on(event, latest)
    const room = client.room(roomId)
    room.on(event, latest)
    return () => room.release()
  }, [client, event, roomId])
}

/** What `createHooks` returns. */
export interface Hooks<C extends AnyContract> {
  /** The client of the nearest provider. */
  useClient(): Client<C>
  /** Joins a room while the component is mounted. */
  useRoom(roomId: string, state?: PresenceGivenBy<C>): RoomView<C>
  /** The members of a room, with what they say of themselves. */
  usePresence(roomId: string, state?: PresenceGivenBy<C>): Presence<C>
  /** The state of a room, and how to change it. */
  useRoomState(roomId: string): RoomStateView<C>
  /** Calls `listener` for each such event while the component is mounted. */
  useEvent<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>, options?: UseEventOptions): void
}

/**
 * Gives the hooks that depend on event names the types of a contract. They are the same functions, so that it costs nothing
 * and contracts can share a provider.
 * @example
 * const { useClient, useRoom, usePresence, useRoomState, useEvent } = createHooks<typeof contract>()
 */
export function createHooks<C extends AnyContract>(): Hooks<C> {
  return {
    useClient: useClient<C>,
    useRoom: useRoom<C>,
    usePresence: usePresence<C>,
    useRoomState: useRoomState<C>,
    useEvent: useEvent as Hooks<C>['useEvent'],
  }
}
