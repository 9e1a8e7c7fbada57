/** Conversations first, then everyone else. */
import clsx from 'clsx'
import type { ReactElement } from 'react'
import { Link } from 'wouter'
import { useIsAway } from '../../web/live/away.tsx'
import { Avatar } from '../../web/ui/avatar.tsx'
import type { Person } from './contract.ts'
import { useInbox } from './use-inbox.tsx'

export interface PeopleListProps {
  readonly people: readonly Person[] | undefined
  readonly ownId: string
  /** With whom the conversation is that is shown; `''` for none. */
  readonly openId: string
}

export function PeopleList({ people, ownId, openId }: PeopleListProps): ReactElement {
  const { conversations } = useInbox()
  const isAway = useIsAway()
  const byId = new Map(people?.map((person) => [person.userId, person]))
  const talkedTo = new Set(conversations.map(({ peerId }) => peerId))
  const others = people
    ?.filter(({ userId }) => userId !== ownId && !talkedTo.has(userId))
    .sort((a, b) => Number(b.isOnline) - Number(a.isOnline) || a.name.localeCompare(b.name))
  return (
    <div className="flex h-full flex-col">
      <header className="flex h-14 shrink-0 items-center px-4 md:h-16 md:px-5">
        <h1 className="font-semibold text-lg tracking-tight">Direct messages</h1>
      </header>
      <div className="min-h-0 grow overflow-y-auto px-2 pb-4">
        {conversations.length > 0 && <h2 className="px-3 pb-1 font-medium text-muted text-xs">Conversations</h2>}
        <ul className="flex flex-col gap-0.5 pb-4">
          {conversations.map(({ peerId, name, messages, hasNews }) => (
            <Entry
              key={peerId}
              person={byId.get(peerId) ?? { userId: peerId, name: name ?? 'Unknown user', isOnline: false }}
              isHere={peerId === openId}
              last={messages.at(-1)?.content}
              hasNews={hasNews}
            />
          ))}
        </ul>
        <h2 className="px-3 pb-1 font-medium text-muted text-xs">People</h2>
        {others === undefined && (
          <p role="status" className="px-3 py-1 text-muted text-sm">
            {isAway ? 'Available when you’re back online.' : 'Loading…'}
          </p>
        )}
        {others?.length === 0 && (
          <p className="px-3 py-1 text-muted text-sm">
            {conversations.length === 0 ? 'No one else has signed up yet.' : 'You have conversations with everyone.'}
          </p>
        )}
        <ul className="flex flex-col gap-0.5">
          {others?.map((person) => (
            <Entry key={person.userId} person={person} isHere={person.userId === openId} />
          ))}
        </ul>
      </div>
    </div>
  )
}

interface EntryProps {
  readonly person: Pick<Person, 'userId' | 'name' | 'isOnline'>
  /** Its conversation is the one that is shown. */
  readonly isHere: boolean
  /** The latest message. */
  readonly last?: string | undefined
  readonly hasNews?: boolean
}

function Entry({ person, isHere, last, hasNews = false }: EntryProps): ReactElement {
  const { userId, name, isOnline } = person
  // Offline, nothing is known about others.
  const isUnknown = useIsAway()
  return (
    <li>
      <Link
        href={`/${encodeURIComponent(userId)}`}
        aria-current={isHere ? 'page' : undefined}
        className={clsx(
          'flex min-h-12 items-center gap-3 rounded-lg px-3 py-1.5 text-sm transition-colors',
          isHere ? 'bg-accent-soft text-accent-strong' : 'hover:bg-ink/6',
        )}
      >
        <Avatar id={userId} name={name} status={isUnknown ? undefined : isOnline ? 'online' : 'offline'} />
        <span className="min-w-0 grow">
          <span className={clsx('block truncate', hasNews ? 'font-semibold' : 'font-medium')}>
            <bdi>{name}</bdi>
            {!isUnknown && <span className="sr-only"> {isOnline ? 'online' : 'offline'}</span>}
          </span>
          {last !== undefined && (
            <span dir="auto" className={clsx('block truncate text-xs', !isHere && 'text-muted')}>
              {last}
            </span>
          )}
        </span>
        {hasNews && !isHere && (
          <span className="size-2 shrink-0 rounded-full bg-accent">
            <span className="sr-only">Unread messages</span>
          </span>
        )}
      </Link>
    </li>
  )
}
