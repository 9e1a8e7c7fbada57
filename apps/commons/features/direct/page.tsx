/** Direct messages: conversations and people beside the one that is open; on a phone one after the other. */
import clsx from 'clsx'
import { MessageCircle } from 'lucide-react'
import type { ReactElement } from 'react'
import { useRoute } from 'wouter'
import { useSegment } from '../../web/layout/segments.ts'
import { useSession } from '../../web/session/session-gate.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { ConversationView } from './conversation-view.tsx'
import { PeopleList } from './people-list.tsx'
import { usePeople } from './use-people.tsx'

export function Page(): ReactElement | null {
  const session = useSession()
  const people = usePeople()
  const [isOpen] = useRoute('/:userId')
  const peerId = useSegment(1)
  if (session?.kind !== 'user') return null
  const ownId = session.user.sub
  return (
    <div className="flex h-full">
      <div className={clsx('w-full shrink-0 border-line bg-surface md:block md:w-72 md:border-r', isOpen && 'hidden')}>
        <PeopleList people={people} ownId={ownId} openId={peerId} />
      </div>
      <div className={clsx('min-w-0 grow md:block', !isOpen && 'hidden')}>
        {peerId === '' ? (
          <EmptyState icon={MessageCircle} title="Start a conversation">
            Messages are delivered when they’re back.
          </EmptyState>
        ) : (
          <ConversationView
            key={peerId}
            peerId={peerId}
            person={people && (people.find(({ userId }) => userId === peerId) ?? null)}
            ownId={ownId}
          />
        )}
      </div>
    </div>
  )
}
