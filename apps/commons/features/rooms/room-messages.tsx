/** The messages of a room, with what can be done with each, and how far they were read. */
import type { Message, SentMessage, useMessages } from '@roomful/react'
import { Hash, TriangleAlert } from 'lucide-react'
import { memo, type ReactElement, useEffect, useMemo, useRef, useState } from 'react'
import { MessageList } from '../../web/chat/message-list.tsx'
import { MessageRow } from '../../web/chat/message-row.tsx'
import { toRows } from '../../web/chat/rows.ts'
import { useUnread } from '../../web/chat/use-unread.ts'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { sentenceOf } from '../../web/ui/error-sentence.ts'
import { MessageActions } from './message-actions.tsx'
import { Reactions } from './reactions.tsx'
import { whyRefused } from './refusals.ts'
import { roomTitle } from './room-names.ts'
import { useMyRooms } from './use-my-rooms.tsx'

/** What the next message is about. */
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
      <EmptyState icon={TriangleAlert} title="Couldn’t load messages">
        {sentenceOf(error)}
      </EmptyState>
    ) : (
      <div className="min-h-0 grow">
        <NotLoaded what="messages" error={undefined} onRetry={() => undefined} />
      </div>
    )
  }
  return (
    <MessageList
      label={`Messages in #${roomTitle(roomId)}`}
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
          {...{ roomId, ownId, onSubject, react, removeReaction, redact, retry, discard }}
        />
      )}
    </MessageList>
  )
}

type RoomRowProps = Pick<RoomMessagesProps, 'roomId' | 'ownId' | 'onSubject'> &
  Pick<RoomMessagesProps['room'], 'react' | 'removeReaction' | 'redact' | 'retry' | 'discard'> & {
    readonly message: Message
    readonly isFirst: boolean
    readonly answered: SentMessage | undefined
  }

/** Rendered again only when its own message changes: in a busy room the others stay as they are. */
const RoomRow = memo(function RoomRow(props: RoomRowProps): ReactElement {
  const { message, isFirst, answered, roomId, ownId, onSubject, retry, discard, ...room } = props
  return (
    <MessageRow
      message={message}
      isFirst={isFirst}
      answered={answered}
      actions={isAlive(message) && <MessageActions {...{ message, room, ownId, onSubject }} />}
      below={isAlive(message) && message.reactions.length > 0 && <Reactions {...{ message, room, ownId }} />}
      whyFailed={message.status === 'failed' ? whyRefused(message.error, roomId) : undefined}
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
        <bdi>{roomTitle(roomId)}</bdi>
      </p>
      <p className="text-muted text-sm">
        {isEmpty ? 'No messages yet. Say hello!' : `This is the beginning of #${roomTitle(roomId)}.`}
      </p>
    </div>
  )
}

/** What is at the end and looked at counts as read; so does keeping the room. */
function useReading(roomId: string, messages: readonly Message[]): { setAtEnd: (isAtEnd: boolean) => void } {
  const { rooms } = useMyRooms()
  const isAtEnd = useRef(true)
  // With every change of the messages: edits, reactions and redactions move the log on as well.
  useEffect(() => {
    rooms.keep(roomId)
    const seq = latestSeq(messages) ?? 0
    const mark = (): void => {
      if (isAtEnd.current && document.visibilityState === 'visible') rooms.markRead(roomId, seq)
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [rooms, roomId, messages])
  return {
    setAtEnd(next) {
      isAtEnd.current = next
      const seq = latestSeq(messages)
      if (next && seq !== undefined) rooms.markRead(roomId, seq)
    },
  }
}

function latestSeq(messages: readonly Message[]): number | undefined {
  const last = messages.findLast((message) => message.status === 'sent')
  return last?.status === 'sent' ? last.seq : undefined
}
