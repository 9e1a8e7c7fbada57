/** Listens to an event while a component is mounted. */
import type { AnyContract, DownEvent, DownListener } from '@roomful/client'
import { useEffect, useEffectEvent } from 'react'
import { useClient } from './provider.tsx'

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
  const onEvent = useEffectEvent(listener as (...args: unknown[]) => void)
  useEffect(() => {
    const latest = ((...args: unknown[]) => onEvent(...args)) as DownListener<C, Name>
    if (roomId === undefined) return client.on(event, latest)
    const room = client.room(roomId)
    room.on(event, latest)
    return () => room.release()
  }, [client, event, roomId])
}
