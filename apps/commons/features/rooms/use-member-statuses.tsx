/**
 * Members with their connection status. A snapshot of the room shows members whose connection broke, so one is requested now and
 * then while the list is visible. A member who left stays listed for a moment. D10.
 */
import type { Member } from '@roomful/client'
import { type Presence, useClient, useEvent } from '@roomful/react'
import { useEffect, useMemo, useState } from 'react'

export interface Person {
  readonly userId: string
  readonly name: string
  readonly status: 'online' | 'reconnecting' | 'left'
}

const SNAPSHOT_EVERY_MS = 2_000
/** Presence of larger rooms comes in batches, and so many names would not be read. */
const SNAPSHOT_MAX_MEMBERS = 200
const GONE_SHOWN_MS = 20_000

const names = new Intl.Collator(undefined, { numeric: true })

export function useMemberStatuses(roomId: string, { members, count, status }: Presence): readonly Person[] {
  const reconnecting = useReconnecting(roomId, status === 'joined' && count <= SNAPSHOT_MAX_MEMBERS)
  const gone = useGone(roomId, members)
  return useMemo(() => {
    const here = new Set(members.map(({ userId }) => userId))
    const people: Person[] = members.map(({ userId, name }) => {
      return { userId, name, status: reconnecting.has(userId) ? 'reconnecting' : 'online' }
    })
    for (const { userId, name } of gone) if (!here.has(userId)) people.push({ userId, name, status: 'left' })
    return people.sort((a, b) => rank(a) - rank(b) || names.compare(a.name, b.name))
  }, [members, reconnecting, gone])
}

function rank({ status }: Person): number {
  return status === 'left' ? 1 : 0
}

function useReconnecting(roomId: string, isWanted: boolean): ReadonlySet<string> {
  const client = useClient()
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => {
    if (!isWanted) return
    const timer = setInterval(async () => {
      if (document.visibilityState === 'hidden') return
      try {
        const { users } = await client.request('presence:get', { roomId })
        const found = users.filter((user) => user.status === 'reconnecting').map(({ userId }) => userId)
        setIds((known) => (known.size === 0 && found.length === 0 ? known : new Set(found)))
      } catch {
        // Not allowed, or no connection: the list of members is shown as it is.
      }
    }, SNAPSHOT_EVERY_MS)
    return () => clearInterval(timer)
  }, [client, roomId, isWanted])
  return ids
}

/** Who left within the last moments. */
function useGone(roomId: string, members: readonly Member[]): readonly Member[] {
  const [gone, setGone] = useState<readonly Member[]>([])
  useEvent(
    'user:left',
    ({ userId }) => {
      const known = members.find((member) => member.userId === userId)
      if (!known) return
      setGone((list) => [...list.filter((each) => each.userId !== userId), known])
      setTimeout(() => setGone((list) => list.filter((each) => each !== known)), GONE_SHOWN_MS)
    },
    { roomId },
  )
  return gone
}
