/** What two people wrote to each other, and writing more: also while either is offline. B23. */
import type { Message } from '@roomful/react'
import clsx from 'clsx'
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
import type { Conversation, InboxSnapshot } from './inbox.ts'
import { useInbox } from './use-inbox.tsx'

export interface ConversationViewProps {
  readonly peerId: string
  /** The other person; `undefined` while that is loading, `null` when no account has this id. */
  readonly person: Person | null | undefined
  readonly ownId: string
}

export function ConversationView({ peerId, person, ownId }: ConversationViewProps): ReactElement {
  const { inbox, conversations, hasMore, loading, deliveries } = useInbox()
  const isAway = useIsAway()
  const conversation = conversations.find((each) => each.peerId === peerId)
  const messages = useMemo(() => conversation?.messages ?? [], [conversation])
  const name = person?.name ?? conversation?.name ?? 'Unknown user'
  const [readUntil] = useState(() => inbox.readUntil(peerId))
  const unread = useUnread(messages, { isLoaded: loading !== 'first', readUntil, ownId })
  const rows = useMemo(() => toRows(messages, { isWhole: !hasMore, unread }), [messages, hasMore, unread])
  const last = messages.findLast((message) => message.status === 'sent')
  const latest = last?.status === 'sent' ? last : undefined
  const isAtEnd = useRef(true)

  useEffect(() => {
    const mark = (): void => {
      if (latest && isAtEnd.current && document.visibilityState === 'visible') inbox.markRead(peerId, latest)
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [inbox, peerId, latest])

  if (person === null && !conversation && loading !== 'first') {
    return (
      <EmptyState
        isPage
        icon={UserX}
        title="Person not found"
        action={<LinkButton to="/">All conversations</LinkButton>}
      >
        Check the address. The account may have been deleted.
      </EmptyState>
    )
  }
  return (
    <section aria-label={`Conversation with ${name}`} className="flex h-full flex-col bg-surface [&>form]:pt-2">
      <ConversationHeader peerId={peerId} name={name} isOnline={isAway ? undefined : person?.isOnline} />
      {loading === 'first' ? (
        <div className="min-h-0 grow">
          <NotLoaded what="messages" error={undefined} onRetry={() => undefined} />
        </div>
      ) : (
        <MessageList
          label={`Messages with ${name}`}
          rows={rows}
          isLoadingOlder={loading === 'older'}
          onTop={inbox.loadOlder}
          onEnd={(next) => {
            isAtEnd.current = next
            if (next && latest) inbox.markRead(peerId, latest)
          }}
          start={<Beginning peerId={peerId} name={name} />}
        >
          {({ message, isFirst }) => (
            <MessageRow
              message={message}
              isFirst={isFirst}
              below={
                message.userId === ownId &&
                message === last &&
                peerId !== ownId && <Receipt state={receiptOf(message, conversation, person, deliveries)} />
              }
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
        notice={isAway ? 'You’re offline. Messages will be sent when you reconnect.' : undefined}
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
      <Avatar id={peerId} name={name} status={isOnline === undefined ? undefined : isOnline ? 'online' : 'offline'} />
      <div className="min-w-0">
        <h1 className="truncate font-semibold">
          <bdi>{name}</bdi>
        </h1>
        {isOnline !== undefined && <p className="text-muted text-xs">{isOnline ? 'Online' : 'Offline'}</p>}
      </div>
    </header>
  )
}

type ReceiptState = 'read' | 'delivered' | 'queued'

const RECEIPTS = {
  read: { icon: CheckCheck, words: 'Read', className: 'text-accent' },
  delivered: { icon: CheckCheck, words: 'Delivered', className: 'text-muted' },
  queued: { icon: Check, words: 'Will be delivered when they’re back', className: 'text-muted' },
} as const

/** How far a message of one's own got, by the latest that is known: read, then delivered, then what the server said first. */
function receiptOf(
  { localId, ts, status }: Message,
  conversation: Conversation | undefined,
  person: Person | null | undefined,
  deliveries: InboxSnapshot['deliveries'],
): ReceiptState | undefined {
  if (status !== 'sent') return undefined
  if (conversation && conversation.readByPeerAt >= ts) return 'read'
  if (person) return person.isOnline || person.seenAt >= ts ? 'delivered' : 'queued'
  return deliveries.get(localId)
}

/** Under the latest message of one's own. */
function Receipt({ state }: { state: ReceiptState | undefined }): ReactElement | null {
  if (state === undefined) return null
  const { icon: Icon, words, className } = RECEIPTS[state]
  return (
    <p className={clsx('flex items-center gap-1 text-xs', className)}>
      <Icon aria-hidden size={13} />
      {words}
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
      <p className="text-muted text-sm">This is the beginning of your conversation. Only the two of you can read it.</p>
    </div>
  )
}
