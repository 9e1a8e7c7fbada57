/** Hearing an event for as long as the component is there. */
import type { AnyContract, DownEvent, DownListener } from '@roomful/client'
import { useEffect, useEffectEvent } from 'react'
import { useClient } from './provider.tsx'

export interface UseEventOptions {
  /** Only the events of this room, which is joined for them. */
  readonly roomId?: string
}

/**
 * Calls `listener` for each such event, always the one of the latest render.
 * @param event of the room vocabulary, of the contract, or any name where there is none
 */
export function useEvent<Name extends DownEvent<undefined>>(
  event: Name,
  listener: DownListener<undefined, Name>,
  options?: UseEventOptions,
): void
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
