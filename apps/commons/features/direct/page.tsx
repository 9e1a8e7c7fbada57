/** Direct messages: conversations and people beside the one that is open; on a phone one after the other. */
import clsx from 'clsx'
import { MessageCircle } from 'lucide-react'
import type { ReactElement } from 'react'
import { Route, Switch, useRoute } from 'wouter'
import { useSession } from '../../web/session/session-gate.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { ConversationView } from './conversation-view.tsx'
import { PeopleList } from './people-list.tsx'
import { InboxProvider } from './use-inbox.tsx'
import { usePeople } from './use-people.tsx'

export function Page(): ReactElement | null {
  const session = useSession()
  const people = usePeople()
  const [isOpen] = useRoute('/:userId')
  if (session?.kind !== 'user') return null
  return (
    <InboxProvider account={session.user}>
      <div className="flex h-full">
        <div
          className={clsx('w-full shrink-0 border-line bg-surface md:block md:w-72 md:border-r', isOpen && 'hidden')}
        >
          <PeopleList people={people} ownId={session.user.sub} />
        </div>
        <div className={clsx('min-w-0 grow md:block', !isOpen && 'hidden')}>
          <Switch>
            <Route path="/:userId">
              {({ userId }) => (
                <ConversationView
                  key={userId}
                  peerId={decodeURIComponent(userId)}
                  person={people && (people.find((person) => person.userId === decodeURIComponent(userId)) ?? null)}
                  ownId={session.user.sub}
                />
              )}
            </Route>
            <Route>
              <EmptyState icon={MessageCircle} title="Write to somebody">
                What you write waits for them while they are away.
              </EmptyState>
            </Route>
          </Switch>
        </div>
      </div>
    </InboxProvider>
  )
}
