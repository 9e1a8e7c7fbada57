/** Notifications one below the other: what happened, when, and the way there. */
import { useClient } from '@roomful/react'
import clsx from 'clsx'
import type { ReactElement, ReactNode } from 'react'
import { Link } from 'wouter'
import { Ago } from '../../web/live/ago.tsx'
import type { Notification } from './notifications.ts'

export interface NotificationListProps {
  readonly notifications: readonly Notification[]
  /** Those above this number are marked as new. */
  readonly readUntil: number
  readonly onFollow?: () => void
}

export function NotificationList({ notifications, readUntil, onFollow }: NotificationListProps): ReactElement {
  const client = useClient()
  return (
    <ul aria-label="Notifications" className="divide-y divide-line">
      {notifications.map(({ id, seq, ts, title, message, link }) => {
        const isNew = seq > readUntil
        return (
          <li key={id}>
            <Way link={link} onFollow={onFollow}>
              <span
                aria-hidden
                className={clsx('mt-1.5 size-2 shrink-0 rounded-full', isNew ? 'bg-accent' : 'bg-transparent')}
              />
              <span className="min-w-0 grow">
                {isNew && <span className="sr-only">New: </span>}
                <bdi className="block break-words font-medium text-sm">{title ?? message}</bdi>
                {title !== undefined && <bdi className="block break-words text-muted text-sm">{message}</bdi>}
                <span className="block text-muted text-xs">
                  <Ago at={ts} now={client.serverNow()} />
                </span>
              </span>
            </Way>
          </li>
        )
      })}
    </ul>
  )
}

const ROW = 'flex items-start gap-3 px-4 py-3'

/** Within Commons, to another site, or nowhere: what a backend writes there is not looked at before. */
function Way({
  link,
  onFollow,
  children,
}: {
  link: string | undefined
  onFollow: (() => void) | undefined
  children: ReactNode
}): ReactElement {
  if (link !== undefined && /^\/(?![/\\])/.test(link)) {
    return (
      <Link href={`~${link}`} {...(onFollow && { onClick: onFollow })} className={`${ROW} hover:bg-ink/6`}>
        {children}
      </Link>
    )
  }
  if (link !== undefined && /^https?:\/\//i.test(link)) {
    return (
      <a href={link} target="_blank" rel="noopener noreferrer" className={`${ROW} hover:bg-ink/6`}>
        {children}
      </a>
    )
  }
  return <div className={ROW}>{children}</div>
}
