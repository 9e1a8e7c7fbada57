/** Keeps the connection to `/notifications` while a user is signed in, and shows what arrives. */
import type { Client } from '@roomful/client'
import { RoomfulProvider, useClient } from '@roomful/react'
import { type ReactElement, useEffect } from 'react'
import { useReadsStore } from '../../web/reads/use-reads.tsx'
import { useReconnectWith } from '../../web/session/follow.ts'
import { useSession } from '../../web/session/session-gate.tsx'
import { closeMessageToast, toast, toastMessage } from '../../web/ui/toast.tsx'
import { type Notification, notifications } from './notifications.ts'

/** Network trouble is for the main connection to report. */
const QUIET = { onError: () => undefined }

export function NotificationCollector(): ReactElement | null {
  const main = useClient()
  const session = useSession()
  if (session?.kind !== 'user') return null
  return (
    <RoomfulProvider namespace="/notifications" options={QUIET}>
      <Collecting main={main} userId={session.user.sub} />
    </RoomfulProvider>
  )
}

function Collecting({ main, userId }: { main: Client; userId: string }): null {
  const client = useClient()
  useReconnectWith(client, main)
  const reads = useReadsStore()
  useEffect(() => notifications.collect(client, reads, userId, show), [client, reads, userId])
  useEffect(
    () =>
      reads.subscribe(() => {
        for (const [about, seq] of shown) {
          if (reads.until(about) < seq) continue
          shown.delete(about)
          closeMessageToast(about)
        }
      }),
    [reads],
  )
  return null
}

/** Number of the latest message that a toast was shown of, by place, until it is read there. Bound: places with unread messages. */
const shown = new Map<string, number>()

/** Shown and announced in the tab that is looked at; not on the very page that it is about, where it is seen anyway. */
function show({ title, message, link, about, aboutSeq = 0 }: Notification): void {
  if (document.visibilityState !== 'visible') return
  if (link === location.pathname) {
    if (notifications.getSnapshot().unread === 1) notifications.markAllRead()
  } else if (title === undefined) toast(message)
  else {
    if (about !== undefined) shown.set(about, aboutSeq)
    toastMessage(title, message, about, link?.startsWith('/') ? link : undefined)
  }
}
