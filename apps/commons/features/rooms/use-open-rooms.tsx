/** The rooms with people in them: asked for again while the page is visible, since no event announces all rooms. */
import { useClient, useConnection } from '@roomful/react'
import { useEffect, useState } from 'react'
import { isForTalking } from './room-names.ts'

export interface OpenRoom {
  readonly roomId: string
  readonly count: number
}

const EVERY_MS = 5_000

/** @returns `undefined` until the first answer */
export function useOpenRooms(): readonly OpenRoom[] | undefined {
  const client = useClient()
  const isOpen = useConnection().status === 'open'
  const [rooms, setRooms] = useState<readonly OpenRoom[]>()
  useEffect(() => {
    if (!isOpen) return
    const ask = async (): Promise<void> => {
      if (document.visibilityState === 'hidden') return
      try {
        const { rooms: told } = await client.request('room:list', {})
        setRooms(told.filter(({ roomId }) => isForTalking(roomId)))
      } catch {
        // The list stays as it was; the connection says for itself how it is.
      }
    }
    ask() // never rejects
    const timer = setInterval(ask, EVERY_MS)
    return () => clearInterval(timer)
  }, [client, isOpen])
  return rooms
}
