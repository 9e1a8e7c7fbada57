/** All that one was told, the latest first. B9. */
import { BellOff } from 'lucide-react'
import { type ReactElement, useEffect, useState } from 'react'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { Loading } from '../../web/ui/spinner.tsx'
import { NotificationList } from './notification-list.tsx'
import { notifications as store } from './notifications.ts'
import { useNotifications } from './use-notifications.ts'

export function Page(): ReactElement {
  return (
    <PageBody>
      <PageHeader
        title="Notifications"
        description="What happened to what is yours. It waits here while you are away."
      />
      <Told />
    </PageBody>
  )
}

function Told(): ReactElement {
  const { notifications, readUntil, isLoaded, hasMore } = useNotifications()
  // What was new when the page was opened stays marked while it is looked at.
  const [seenUntil, setSeenUntil] = useState<number>()
  useEffect(() => {
    if (!isLoaded) return
    setSeenUntil((before) => before ?? readUntil)
    const look = (): void => {
      if (document.visibilityState === 'visible') store.markAllRead()
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [isLoaded, readUntil])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each one that comes is read
  useEffect(() => {
    if (document.visibilityState === 'visible') store.markAllRead()
  }, [notifications])
  if (!isLoaded) return <Loading what="Looking what happened…" />
  if (notifications.length === 0) {
    return (
      <Card>
        <EmptyState icon={BellOff} title="Nothing yet">
          Here you read when an order of yours is on its way, or somebody did a task of yours.
        </EmptyState>
      </Card>
    )
  }
  return (
    <>
      <Card className="overflow-hidden">
        <NotificationList notifications={notifications} readUntil={seenUntil ?? readUntil} />
      </Card>
      {hasMore && (
        <div className="mt-4 text-center">
          <Button onClick={store.loadOlder}>Show older ones</Button>
        </div>
      )}
    </>
  )
}
