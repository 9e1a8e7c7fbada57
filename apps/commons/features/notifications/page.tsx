/** All notifications, the latest first. B9. */
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
      <PageHeader title="Notifications" description="Messages, mentions, and updates on your orders and tasks." />
      <All />
    </PageBody>
  )
}

function All(): ReactElement {
  const { entries, isLoaded, hasMore } = useNotifications()
  // What is new while the page is open stays marked until it is left.
  const [shownAsNew, setShownAsNew] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => {
    if (!isLoaded) return
    const look = (): void => {
      if (document.visibilityState !== 'visible') return
      const unread = entries.filter(({ isUnread }) => isUnread).map(({ id }) => id)
      if (unread.length === 0) return
      setShownAsNew((before) => new Set([...before, ...unread]))
      store.markAllRead()
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [isLoaded, entries])
  if (!isLoaded) return <Loading what="Loading notifications…" />
  if (entries.length === 0) {
    return (
      <Card>
        <EmptyState icon={BellOff} title="You’re all caught up">
          You’ll be notified here when someone messages or mentions you, an order ships, or someone completes your task.
        </EmptyState>
      </Card>
    )
  }
  return (
    <>
      <Card className="overflow-hidden">
        <NotificationList entries={entries} shownAsNew={shownAsNew} />
      </Card>
      {hasMore && (
        <div className="mt-4 text-center">
          <Button onClick={store.loadOlder}>Show older</Button>
        </div>
      )}
    </>
  )
}
