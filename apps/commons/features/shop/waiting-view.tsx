/** Who waits for help, and the conversation with one of them. B27. */
import { useClient } from '@roomful/react'
import clsx from 'clsx'
import { ArrowLeft, Coffee } from 'lucide-react'
import { type ReactElement, useEffect } from 'react'
import { Link, useLocation, useParams } from 'wouter'
import { Ago } from '../../web/live/ago.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { InNamespace } from '../../web/session/in-namespace.tsx'
import { Avatar } from '../../web/ui/avatar.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { isolated } from '../../web/ui/isolated.ts'
import type { HelpRequest, supportContract } from './contract.ts'
import { Conversation } from './conversation.tsx'

export function WaitingView(): ReactElement {
  return (
    <InNamespace name="/support">
      <Waiting />
    </InNamespace>
  )
}

function Waiting(): ReactElement {
  const client = useClient<typeof supportContract>()
  const { user } = useParams<{ user?: string }>()
  const [, go] = useLocation()
  const {
    data: requests,
    error,
    change,
    reload,
  } = useLoaded<readonly HelpRequest[]>(async () => (await client.request('help:list')).requests)
  useEffect(
    () =>
      client.on('help:asked', (request) =>
        change((all) => [...all.filter((each) => each.roomId !== request.roomId), request]),
      ),
    [client, change],
  )
  useEffect(
    () => client.on('help:closed', ({ roomId }) => change((all) => all.filter((each) => each.roomId !== roomId))),
    [client, change],
  )
  if (!requests) return <NotLoaded what="support requests" error={error} onRetry={reload} />
  const chosen = requests.find(({ userId }) => userId === user)
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 md:grid-cols-[16rem_minmax(0,1fr)]">
      <Card className={clsx('self-start overflow-hidden', chosen && 'max-md:hidden')}>
        {requests.length === 0 ? (
          <EmptyState icon={Coffee} title="No one is waiting" />
        ) : (
          <ul aria-label="Waiting">
            {requests.map(({ roomId, userId, name, askedAt }) => (
              <li key={roomId} className="border-line border-b last:border-b-0">
                <Link
                  href={`/support/${encodeURIComponent(userId)}`}
                  aria-current={userId === user}
                  className="flex items-center gap-3 px-4 py-3 hover:bg-ink/6 aria-[current=true]:bg-accent-soft"
                >
                  <Avatar id={userId} name={name} size="small" />
                  <span className="min-w-0">
                    <bdi className="block truncate font-medium text-sm">{name}</bdi>
                    <span className="block text-muted text-xs">
                      <Ago at={askedAt} now={client.serverNow()} />
                    </span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </Card>
      {chosen ? (
        <div className="min-w-0">
          <Link
            href="/support"
            className="mb-3 inline-flex h-10 items-center gap-2 text-muted text-sm hover:text-ink md:hidden"
          >
            <ArrowLeft aria-hidden size={16} />
            Waiting
          </Link>
          <InNamespace name="/customer">
            <Conversation
              key={chosen.roomId}
              roomId={chosen.roomId}
              title={chosen.name}
              emptyText={`${isolated(chosen.name)} is offline and will see your reply later.`}
              onClose={() => go('/support')}
            />
          </InNamespace>
        </div>
      ) : (
        requests.length > 0 && (
          <Card className="max-md:hidden">
            <EmptyState icon={Coffee} title="Select a conversation" />
          </Card>
        )
      )}
    </div>
  )
}
