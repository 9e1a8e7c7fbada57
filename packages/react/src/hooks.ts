/** The hooks with a contract's types. D5. */
import type { AnyContract, Client, DownEvent, DownListener } from '@roomful/client'
import { useClient } from './provider.tsx'
import { type UseEventOptions, useEvent } from './use-event.ts'
import { type RoomView, useRoom } from './use-room.ts'

export interface Hooks<C extends AnyContract> {
  useClient(): Client<C>
  useRoom(roomId: string): RoomView<C>
  useEvent<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>, options?: UseEventOptions): void
}

/**
 * The hooks that name events or hand out what does, typed by a contract: the same functions, so that it costs nothing and any number of
 * contracts may share a provider.
 *
 * ```ts
 * const { useClient, useRoom, useEvent } = createHooks<typeof contract>()
 * ```
 */
export function createHooks<C extends AnyContract>(): Hooks<C> {
  return { useClient: useClient<C>, useRoom: useRoom<C>, useEvent: useEvent as Hooks<C>['useEvent'] }
}
