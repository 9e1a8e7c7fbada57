/** A bell with how many are unread; behind it the latest ones. Opening it marks them as read. */
import { Popover } from '@base-ui/react/popover'
import { Bell } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Link } from 'wouter'
import { useSession } from '../../web/session/session-gate.tsx'
import { NotificationList } from './notification-list.tsx'
import { notifications as store } from './notifications.ts'
import { useNotifications } from './use-notifications.ts'

const SHOWN = 8
const COUNTED = 99

export function NotificationBell(): ReactElement | null {
  const session = useSession()
  const { entries, unread } = useNotifications()
  const [isOpen, setOpen] = useState(false)
  /** Those that were new when the list was opened. */
  const [shownAsNew, setShownAsNew] = useState<ReadonlySet<string>>(new Set())
  if (session?.kind !== 'user') return null
  const label = unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`
  const change = (next: boolean): void => {
    setOpen(next)
    if (next) setShownAsNew(new Set(entries.filter(({ isUnread }) => isUnread).map(({ id }) => id)))
    store.markAllRead()
  }
  return (
    <Popover.Root open={isOpen} onOpenChange={change}>
      <Popover.Trigger
        aria-label={label}
        title={label}
        className="relative grid size-10 shrink-0 place-items-center rounded-lg text-ink transition-colors hover:bg-ink/8"
      >
        <Bell aria-hidden size={18} />
        {unread > 0 && (
          <span
            aria-hidden
            className="absolute top-0.5 right-0.5 min-w-4 rounded-full bg-accent px-1 text-center font-semibold text-2xs text-on-accent tabular-nums leading-4"
          >
            {unread > COUNTED ? `${COUNTED}+` : unread}
          </span>
        )}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner side="bottom" align="start" sideOffset={6} collisionPadding={8} className="z-50">
          <Popover.Popup className="flex max-h-[min(32rem,80vh)] w-80 max-w-[calc(100vw-1rem)] animate-appear flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-float outline-none">
            <Popover.Title className="shrink-0 border-line border-b px-4 py-3 font-semibold text-sm">
              Notifications
            </Popover.Title>
            <div className="min-h-0 grow overflow-y-auto">
              {entries.length === 0 ? (
                <p className="px-4 py-6 text-center text-muted text-sm">You’re all caught up.</p>
              ) : (
                <NotificationList
                  entries={entries.slice(0, SHOWN)}
                  shownAsNew={shownAsNew}
                  onFollow={() => change(false)}
                />
              )}
            </div>
            <Link
              href="~/notifications"
              onClick={() => change(false)}
              className="shrink-0 border-line border-t px-4 py-3 text-center font-medium text-accent-strong text-sm hover:bg-ink/6"
            >
              See all
            </Link>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  )
}
