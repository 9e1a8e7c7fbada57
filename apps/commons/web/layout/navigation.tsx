/** All pages that this person may see, by group; below them the connection, how many people are online, and the account. */
import clsx from 'clsx'
import type { ReactElement } from 'react'
import { Link, useLocation } from 'wouter'
import { useUnreadConversations } from '../../features/direct/use-inbox.tsx'
import { NotificationBell } from '../../features/notifications/bell.tsx'
import { GROUPS, type PageEntry, pages } from '../pages.ts'
import { useSession } from '../session/session-gate.tsx'
import { Badge } from '../ui/badge.tsx'
import { ConnectionBadge } from '../ui/connection-badge.tsx'
import { Logo } from '../ui/logo.tsx'
import { mayOpen } from './audience.ts'
import { PeopleCount } from './people-count.tsx'
import { UserMenu } from './user-menu.tsx'

const COUNTED = 99

export function Navigation({ onNavigate }: { onNavigate?: () => void }): ReactElement {
  const session = useSession()
  const shown = pages.filter((page) => session !== undefined && mayOpen(page, session))
  return (
    <div className="flex h-full flex-col">
      <div className="flex h-16 shrink-0 items-center pr-3">
        <Link
          href="/"
          {...(onNavigate && { onClick: onNavigate })}
          className="flex h-full grow items-center gap-3 px-5 font-semibold text-lg tracking-tight"
        >
          <Logo />
          Commons
        </Link>
        {!onNavigate && <NotificationBell />}
      </div>
      <nav aria-label="Pages" className="min-h-0 grow overflow-y-auto px-3 pb-4">
        {GROUPS.map((group) => {
          const entries = shown.filter((page) => page.group === group)
          if (entries.length === 0) return null
          return (
            <div key={group} className="mt-4 first:mt-1">
              <p aria-hidden className="px-3 pb-1 font-medium text-muted text-xs">
                {group}
              </p>
              <ul aria-label={group} className="flex flex-col gap-0.5">
                {entries.map((page) => (
                  <Entry key={page.path} page={page} onNavigate={onNavigate} />
                ))}
              </ul>
            </div>
          )
        })}
      </nav>
      <div className="shrink-0 border-line border-t p-3">
        <div className="flex items-center justify-between gap-2 px-2 pb-2">
          <ConnectionBadge />
          <PeopleCount />
        </div>
        <UserMenu />
      </div>
    </div>
  )
}

function Entry({ page, onNavigate }: { page: PageEntry; onNavigate: (() => void) | undefined }): ReactElement {
  const [location] = useLocation()
  const isHere = location === page.path || location.startsWith(`${page.path}/`)
  const { icon: Icon } = page
  const conversations = useUnreadConversations()
  const unread = page.path === '/messages' ? conversations : 0
  return (
    <li>
      <Link
        href={page.path}
        {...(onNavigate && { onClick: onNavigate })}
        aria-current={isHere ? 'page' : undefined}
        className={clsx(
          'flex h-9 items-center gap-3 rounded-lg px-3 text-sm transition-colors pointer-coarse:h-11',
          isHere ? 'bg-accent-soft font-medium text-accent-strong' : 'text-ink hover:bg-ink/6',
        )}
      >
        <Icon aria-hidden size={17} />
        <span className="grow">{page.title}</span>
        {unread > 0 && (
          <Badge tone="accent">
            {unread > COUNTED ? `${COUNTED}+` : unread}
            <span className="sr-only"> unread</span>
          </Badge>
        )}
      </Link>
    </li>
  )
}
