/** Who is writing, in both directions. B19. */
import type { Typist } from '@roomful/client'
import { useMemo } from 'react'
import { useConnection } from './use-connection.ts'
import { useRoom } from './use-room.ts'

export interface Typing {
  /** The others; oneself in another tab is not told. */
  readonly typists: readonly Typist[]
  /** Call it at each keystroke: the others see it until 2 s pass without one, or something is sent. */
  typing(): void
  /** What was written is gone. */
  stopTyping(): void
}

/** Joins the room with the component, as `useRoom` does. */
export function useTyping(roomId: string): Typing {
  const state = useConnection()
  const { typists, typing, stopTyping } = useRoom(roomId)
  const self = 'user' in state ? state.user.sub : undefined
  return useMemo(() => {
    return { typists: typists.filter(({ userId }) => userId !== self), typing, stopTyping }
  }, [typists, self, typing, stopTyping])
}
