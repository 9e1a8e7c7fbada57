/** The hooks with the types of a contract. D5. */
import type { AnyContract, Client, DownEvent, DownListener } from '@roomful/client'
import { useClient } from './provider.tsx'
import { type UseEventOptions, useEvent } from './use-event.ts'
import { type RoomView, useRoom } from './use-room.ts'

/** What `createHooks` returns. */
export interface Hooks<C extends AnyContract> {
  /** The client of the nearest provider. */
  useClient(): Client<C>
  /** Joins a room while the component is mounted. */
  useRoom(roomId: string): RoomView<C>
  /** Calls `listener` for each such event while the component is mounted. */
  useEvent<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>, options?: UseEventOptions): void
}

/**
 * Gives the hooks that depend on event names the types of a contract. They are the same functions, so that it costs nothing
 * and contracts can share a provider.
 * @example
 * const { useClient, useRoom, useEvent } = createHooks<typeof contract>()
 */
export function createHooks<C extends AnyContract>(): Hooks<C> {
  return { useClient: useClient<C>, useRoom: useRoom<C>, useEvent: useEvent as Hooks<C>['useEvent'] }
}
