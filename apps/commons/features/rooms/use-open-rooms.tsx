/** The rooms with people in them: asked for again while the page is visible, since no event announces all rooms. */
import type { Client } from '@roomful/client'
import { useClient, useConnection } from '@roomful/react'
import { useEffect, useState } from 'react'
import { isForTalking } from './room-names.ts'

export interface OpenRoom {
  readonly roomId: string
  readonly count: number
}

const EVERY_MS = 5_000
/** More than anyone reads; other rooms can be opened by name. */
const PAGES_MAX = 5
/** Between two pages, so that other requests of the page still get through. */
const PAGE_PAUSE_MS = 1_000

/** One page after the other, the first ones of very many. */
async function listRooms(client: Client): Promise<OpenRoom[]> {
  const found: OpenRoom[] = []
  for (let page = 1; ; page++) {
    const last = found.at(-1)
    const { rooms, more } = await client.request('room:list', last ? { after: last.roomId } : {})
    found.push(...rooms)
    if (!more || page === PAGES_MAX) return found
    await new Promise((resolve) => setTimeout(resolve, PAGE_PAUSE_MS))
  }
}

/** @returns `undefined` until the first answer */
export function useOpenRooms(): readonly OpenRoom[] | undefined {
  const client = useClient()
  const isOpen = useConnection().status === 'open'
  const [rooms, setRooms] = useState<readonly OpenRoom[]>()
  useEffect(() => {
    if (!isOpen) return
    let isAsking = false
    const ask = async (): Promise<void> => {
      if (isAsking || document.visibilityState === 'hidden') return
      isAsking = true
      try {
        const listed = await listRooms(client)
        setRooms(listed.filter(({ roomId }) => isForTalking(roomId)))
      } catch {
        // The list stays as it was; the connection says for itself how it is.
      } finally {
        isAsking = false
      }
    }
    ask() // never rejects
    const timer = setInterval(ask, EVERY_MS)
    return () => clearInterval(timer)
  }, [client, isOpen])
  return rooms
}
