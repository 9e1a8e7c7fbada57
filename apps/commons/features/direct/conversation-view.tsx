/** What two people wrote to each other, and writing more: also while the other is away, or oneself. B23. */
import { ArrowLeft, Check, CheckCheck, UserX } from 'lucide-react'
import { type ReactElement, useEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { Announcer } from '../../web/chat/announcer.tsx'
import { Composer } from '../../web/chat/composer.tsx'
import { MessageList } from '../../web/chat/message-list.tsx'
import { MessageRow } from '../../web/chat/message-row.tsx'
import { toRows } from '../../web/chat/rows.ts'
import { useUnread } from '../../web/chat/use-unread.ts'
import { useIsAway } from '../../web/live/away.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { Avatar } from '../../web/ui/avatar.tsx'
import { LinkButton } from '../../web/ui/button.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import type { Person } from './contract.ts'
import type { Delivery } from './inbox.ts'
import { useInbox } from './use-inbox.tsx'

export interface ConversationViewProps {
  readonly peerId: string
  /** What is known of the other; `undefined` while that is asked, `null` when there is nobody of this id. */
  readonly person: Person | null | undefined
  readonly ownId: string
}

export function ConversationView({ peerId, person, ownId }: ConversationViewProps): ReactElement {
  const { inbox, conversations, hasMore, loading, deliveries } = useInbox()
  const isAway = useIsAway()
  const conversation = conversations.find((each) => each.peerId === peerId)
  const messages = useMemo(() => conversation?.messages ?? [], [conversation])
  const name = person?.name ?? conversation?.name ?? 'Somebody'
  const [readUntil] = useState(() => inbox.readUntil(peerId))
  const unread = useUnread(messages, { isLoaded: loading !== 'first', readUntil, ownId })
  const rows = useMemo(() => toRows(messages, { isWhole: !hasMore, unread }), [messages, hasMore, unread])
  const last = messages.findLast((message) => message.status === 'sent')
  const seq = last?.status === 'sent' ? last.seq : undefined
  const isAtEnd = useRef(true)

  useEffect(() => {
    const mark = (): void => {
      if (seq !== undefined && isAtEnd.current && document.visibilityState === 'visible') inbox.markRead(peerId, seq)
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [inbox, peerId, seq])

  if (person === null && !conversation && loading !== 'first') {
    return (
      <EmptyState
        isPage
        icon={UserX}
        title="There is nobody here"
        action={<LinkButton to="/">All conversations</LinkButton>}
      >
        The address may be mistyped, or its account is no more.
      </EmptyState>
    )
  }
  return (
    <section aria-label={`Conversation with ${name}`} className="flex h-full flex-col bg-surface [&>form]:pt-2">
      <ConversationHeader peerId={peerId} name={name} isOnline={isAway ? undefined : person?.isOnline} />
      {loading === 'first' ? (
        <div className="min-h-0 grow">
          <NotLoaded what="the conversation" error={undefined} onRetry={() => undefined} />
        </div>
      ) : (
        <MessageList
          label={`Messages with ${name}`}
          rows={rows}
          isLoadingOlder={loading === 'older'}
          onTop={inbox.loadOlder}
          onEnd={(next) => {
            isAtEnd.current = next
            if (next && seq !== undefined) inbox.markRead(peerId, seq)
          }}
          start={<Beginning peerId={peerId} name={name} />}
        >
          {({ message, isFirst }) => (
            <MessageRow
              message={message}
              isFirst={isFirst}
              below={message.userId === ownId && message === last && <Delivered as={deliveries.get(message.localId)} />}
              onRetry={inbox.retry}
              onDiscard={inbox.discard}
            />
          )}
        </MessageList>
      )}
      <Announcer messages={messages} ownId={ownId} />
      <Composer
        label={`Message ${name}`}
        draftKey={`direct ${peerId}`}
        notice={isAway ? 'You are offline. What you write is sent when you are back.' : undefined}
        onSend={(text) => inbox.send(peerId, text)}
      />
    </section>
  )
}

interface ConversationHeaderProps {
  readonly peerId: string
  readonly name: string
  readonly isOnline: boolean | undefined
}

function ConversationHeader({ peerId, name, isOnline }: ConversationHeaderProps): ReactElement {
  return (
    <header className="mb-2 flex h-14 shrink-0 items-center gap-3 border-line border-b px-2 sm:px-4 md:h-16 md:px-6">
      <Link
        href="/"
        aria-label="All conversations"
        className="grid size-10 place-items-center rounded-lg hover:bg-ink/8 md:hidden"
      >
        <ArrowLeft aria-hidden size={18} />
      </Link>
      <Avatar id={peerId} name={name} standing={isOnline === undefined ? undefined : isOnline ? 'online' : 'offline'} />
      <div className="min-w-0">
        <h1 className="truncate font-semibold">
          <bdi>{name}</bdi>
        </h1>
        {isOnline !== undefined && <p className="text-muted text-xs">{isOnline ? 'Online' : 'Away'}</p>}
      </div>
    </header>
  )
}

/** Under the latest of one's own: whether the other was there to get it. */
function Delivered({ as }: { as: Delivery | undefined }): ReactElement | null {
  if (as === undefined) return null
  const Icon = as === 'delivered' ? CheckCheck : Check
  return (
    <p className="flex items-center gap-1 text-muted text-xs">
      <Icon aria-hidden size={13} />
      {as === 'delivered' ? 'Delivered' : 'Waits until they are back'}
    </p>
  )
}

function Beginning({ peerId, name }: { peerId: string; name: string }): ReactElement {
  return (
    <div className="pb-2">
      <Avatar id={peerId} name={name} size="large" />
      <p className="mt-3 font-semibold text-lg">
        <bdi>{name}</bdi>
      </p>
      <p className="text-muted text-sm">Only the two of you can read this.</p>
    </div>
  )
}
