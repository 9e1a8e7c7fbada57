/** One line for each connection: who, where from, since when, and a way to its history. */
import { ScrollText } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { Ago } from '../../web/live/ago.tsx'
import { Badge } from '../../web/ui/badge.tsx'
import { IconButton } from '../../web/ui/button.tsx'
import { roleName } from './administration.ts'
import type { ConnectionInfo, EndedConnection } from './contract.ts'
import { closing } from './story-steps.ts'

interface RowProps<Connection> {
  readonly connection: Connection
  /** By the server's clock. */
  readonly now: number
  readonly onOpen: () => void
  /** What else can be done about it. */
  readonly children?: ReactNode
}

export function OpenRow({ connection, now, onOpen, children }: RowProps<ConnectionInfo>): ReactElement {
  const { dialect, userAgent, ip, rooms, openedAt } = connection
  return (
    <Row connection={connection} badge={<Badge>{dialect}</Badge>} onOpen={onOpen} actions={children}>
      {ip} · {rooms === 1 ? '1 room' : `${rooms} rooms`} · <Ago at={openedAt} now={now} /> ·{' '}
      {userAgent || 'No user agent'}
    </Row>
  )
}

export function EndedRow({ connection, now, onOpen }: RowProps<EndedConnection>): ReactElement {
  const { ip, endedAt, reason } = connection
  return (
    <Row connection={connection} onOpen={onOpen}>
      <Ago at={endedAt} now={now} /> · {closing(reason)} · {ip}
    </Row>
  )
}

interface Parts {
  readonly connection: Pick<ConnectionInfo & EndedConnection, 'name' | 'role' | 'namespace' | 'userAgent'>
  /** After those that every connection has. */
  readonly badge?: ReactNode
  readonly onOpen: () => void
  readonly actions?: ReactNode
  readonly children: ReactNode
}

function Row({ connection, badge, onOpen, actions, children }: Parts): ReactElement {
  const { name, role, namespace, userAgent } = connection
  return (
    <li className="flex items-center gap-1 border-line border-b py-2.5 pr-2 pl-4 text-sm last:border-b-0">
      <div className="mr-3 min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <bdi className="font-medium">{name}</bdi>
          {role !== 'user' && <Badge tone="soft">{roleName(role)}</Badge>}
          <Badge>{namespace}</Badge>
          {badge}
        </p>
        <p className="mt-0.5 truncate text-muted" title={userAgent}>
          {children}
        </p>
      </div>
      <IconButton icon={ScrollText} size="small" label={`Connection history of ${name}`} onClick={onOpen} />
      {actions}
    </li>
  )
}
