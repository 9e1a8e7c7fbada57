/** What was said in a room, with what can be done about each message, and how far it was read. */
import type { Message, SentMessage, useMessages } from '@roomful/react'
import { Hash, TriangleAlert } from 'lucide-react'
import { memo, type ReactElement, useEffect, useMemo, useRef, useState } from 'react'
import { MessageList } from '../../web/chat/message-list.tsx'
import { MessageRow } from '../../web/chat/message-row.tsx'
import { toRows } from '../../web/chat/rows.ts'
import { useUnread } from '../../web/chat/use-unread.ts'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { MessageActions } from './message-actions.tsx'
import { Reactions } from './reactions.tsx'
import { useMyRooms } from './use-my-rooms.tsx'

/** What the next words are about. */
export interface Subject {
  readonly kind: 'edit' | 'reply'
  readonly message: SentMessage
}

export interface RoomMessagesProps {
  readonly roomId: string
  readonly room: ReturnType<typeof useMessages>
  readonly ownId: string | undefined
  readonly onSubject: (subject: Subject) => void
}

export function RoomMessages({ roomId, room, ownId, onSubject }: RoomMessagesProps): ReactElement {
  const { messages, loading, hasMore, error } = room
  const { react, removeReaction, redact, retry, discard } = room
  const { rooms } = useMyRooms()
  const [readUntil] = useState(() => rooms.readUntil(roomId))
  const unread = useUnread(messages, { isLoaded: loading !== 'first', readUntil, ownId })
  const rows = useMemo(() => toRows(messages, { isWhole: !hasMore, unread }), [messages, hasMore, unread])
  const byId = useMemo(
    () => new Map(messages.flatMap((each) => (each.status === 'sent' ? [[each.id, each]] : []))),
    [messages],
  )
  const { setAtEnd } = useReading(roomId, messages)

  if (loading === 'first') {
    return error ? (
      <EmptyState icon={TriangleAlert} title="What was said cannot be shown">
        {error.message}
      </EmptyState>
    ) : (
      <div className="min-h-0 grow">
        <NotLoaded what="what was said" error={undefined} onRetry={() => undefined} />
      </div>
    )
  }
  return (
    <MessageList
      label={`Messages in ${roomId}`}
      rows={rows}
      isLoadingOlder={loading === 'older'}
      onTop={room.loadOlder}
      onEnd={setAtEnd}
      start={<Beginning roomId={roomId} isEmpty={messages.length === 0} />}
    >
      {({ message, isFirst }) => (
        <RoomRow
          message={message}
          isFirst={isFirst}
          answered={message.replyTo === undefined ? undefined : (byId.get(message.replyTo) as SentMessage | undefined)}
          {...{ ownId, onSubject, react, removeReaction, redact, retry, discard }}
        />
      )}
    </MessageList>
  )
}

type RoomRowProps = Pick<RoomMessagesProps, 'ownId' | 'onSubject'> &
  Pick<RoomMessagesProps['room'], 'react' | 'removeReaction' | 'redact' | 'retry' | 'discard'> & {
    readonly message: Message
    readonly isFirst: boolean
    readonly answered: SentMessage | undefined
  }

/** Drawn anew only for what is told of its own message: in a room that is busy the others stay as they are. */
const RoomRow = memo(function RoomRow(props: RoomRowProps): ReactElement {
  const { message, isFirst, answered, ownId, onSubject, retry, discard, ...room } = props
  return (
    <MessageRow
      message={message}
      isFirst={isFirst}
      answered={answered}
      actions={isAlive(message) && <MessageActions {...{ message, room, ownId, onSubject }} />}
      below={isAlive(message) && message.reactions.length > 0 && <Reactions {...{ message, room, ownId }} />}
      onRetry={retry}
      onDiscard={discard}
    />
  )
})

function isAlive(message: Message): message is SentMessage {
  return message.status === 'sent' && !message.isRedacted
}

function Beginning({ roomId, isEmpty }: { roomId: string; isEmpty: boolean }): ReactElement {
  return (
    <div className="pb-2">
      <span className="mb-3 grid size-12 place-items-center rounded-2xl bg-accent-soft text-accent-strong">
        <Hash aria-hidden size={22} />
      </span>
      <p className="font-semibold text-lg">
        <bdi>{roomId}</bdi>
      </p>
      <p className="text-muted text-sm">{isEmpty ? 'Nothing was said here yet. Begin!' : 'This is where it begins.'}</p>
    </div>
  )
}

/** What is at the end and looked at counts as read; so does keeping the room. */
function useReading(roomId: string, messages: readonly Message[]): { setAtEnd: (isAtEnd: boolean) => void } {
  const { rooms } = useMyRooms()
  const isAtEnd = useRef(true)
  const last = messages.findLast((message) => message.status === 'sent')
  const seq = last?.status === 'sent' ? last.seq : undefined
  useEffect(() => {
    rooms.keep(roomId)
    const mark = (): void => {
      if (isAtEnd.current && document.visibilityState === 'visible') rooms.markRead(roomId, seq ?? 0)
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [rooms, roomId, seq])
  return {
    setAtEnd(next) {
      isAtEnd.current = next
      if (next && seq !== undefined) rooms.markRead(roomId, seq)
    },
  }
}
