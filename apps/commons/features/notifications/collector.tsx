/** Holds the connection to `/notifications` while somebody with an account is here, and says what comes. */
import type { ClientOptions } from '@roomful/client'
import { RoomfulProvider, useClient } from '@roomful/react'
import { type ReactElement, useEffect, useMemo } from 'react'
import { tokenSource } from '../../web/session/renewal.ts'
import { useSession } from '../../web/session/session-gate.tsx'
import { toast } from '../../web/ui/toast.tsx'
import { type Notification, notifications } from './notifications.ts'

export function NotificationCollector(): ReactElement | null {
  const session = useSession()
  const options = useMemo<ClientOptions>(
    // Troubles of the network are the main connection's to tell.
    () => ({ namespace: '/notifications', token: tokenSource(), onError: () => undefined }),
    [],
  )
  if (session?.kind !== 'user') return null
  return (
    <RoomfulProvider url={location.origin} options={options}>
      <Collecting userId={session.user.sub} />
    </RoomfulProvider>
  )
}

function Collecting({ userId }: { userId: string }): null {
  const client = useClient()
  useEffect(() => notifications.collect(client, userId, tell), [client, userId])
  return null
}

/** Shown and read aloud in the tab that is looked at; on the very page that it is about there is nothing to say. */
function tell({ title, message, link }: Notification): void {
  if (document.visibilityState !== 'visible') return
  if (link === location.pathname) {
    if (notifications.getSnapshot().unread === 1) notifications.markAllRead()
  } else if (title === undefined) toast(message)
  else toast(title, message)
}
