/** Notifications one below the other: what happened, when, and a link to it. */
import { useClient } from '@roomful/react'
import clsx from 'clsx'
import type { ReactElement, ReactNode } from 'react'
import { Link } from 'wouter'
import { Ago } from '../../web/live/ago.tsx'
import type { Entry } from './notifications.ts'

export interface NotificationListProps {
  readonly entries: readonly Entry[]
  /** Ids of those that are marked as new although they were read meanwhile: since the list was opened. */
  readonly shownAsNew: ReadonlySet<string>
  readonly onFollow?: () => void
}

export function NotificationList({ entries, shownAsNew, onFollow }: NotificationListProps): ReactElement {
  const client = useClient()
  return (
    <ul aria-label="Notifications" className="divide-y divide-line">
      {entries.map(({ id, ts, title, message, link, isUnread, count }) => {
        const isNew = isUnread || shownAsNew.has(id)
        return (
          <li key={id}>
            <Way link={link} onFollow={onFollow}>
              <span
                aria-hidden
                className={clsx('mt-1.5 size-2 shrink-0 rounded-full', isNew ? 'bg-accent' : 'bg-transparent')}
              />
              <span className="min-w-0 grow">
                {isNew && <span className="sr-only">New: </span>}
                <span className="block break-words font-medium text-sm">
                  <bdi>{title ?? message}</bdi>
                  {count > 1 && <span className="font-normal text-muted"> · {count} messages</span>}
                </span>
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
