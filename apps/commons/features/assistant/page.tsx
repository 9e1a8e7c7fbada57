/** The assistant: a room in which people ask, and answers grow for everyone in it. D17. */
import { type Message, type SentMessage, useMessages, useMessageText, usePresence } from '@roomful/react'
import { Bot, Square, Users } from 'lucide-react'
import { type ReactElement, useMemo } from 'react'
import { Announcer } from '../../web/chat/announcer.tsx'
import { Composer } from '../../web/chat/composer.tsx'
import { MessageList } from '../../web/chat/message-list.tsx'
import { MessageRow } from '../../web/chat/message-row.tsx'
import { RichText } from '../../web/chat/rich-text.tsx'
import { toRows } from '../../web/chat/rows.ts'
import { useIsAway } from '../../web/live/away.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { InPublic } from '../../web/session/public-connection.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { Button } from '../../web/ui/button.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import { ASSISTANT_ROOM } from './assistant-room.ts'

export function Page(): ReactElement {
  return (
    <InPublic>
      <Assistant />
    </InPublic>
  )
}

function Assistant(): ReactElement {
  const room = useMessages(ASSISTANT_ROOM)
  const { count } = usePresence(ASSISTANT_ROOM)
  const isAway = useIsAway()
  const ownId = useMe()?.sub
  const { messages, loading, hasMore, error, stop, retry, discard } = room
  const rows = useMemo(() => toRows(messages, { isWhole: !hasMore }), [messages, hasMore])
  const byId = useMemo(
    () => new Map(messages.flatMap((each) => (each.status === 'sent' ? [[each.id, each]] : []))),
    [messages],
  )
  return (
    <section aria-label="Assistant" className="flex h-full flex-col bg-surface">
      <header className="flex h-14 shrink-0 items-center gap-2 border-line border-b px-4 md:h-16 md:px-6">
        <Bot aria-hidden size={18} className="shrink-0 text-muted" />
        <h1 className="min-w-0 grow truncate font-semibold">Assistant</h1>
        <p className="inline-flex items-center gap-1.5 text-muted text-sm tabular-nums">
          <Users aria-hidden size={15} />
          {count}
          <span className="sr-only">{count === 1 ? 'person' : 'people'} here</span>
        </p>
      </header>
      {loading === 'first' ? (
        <div className="min-h-0 grow">
          <NotLoaded what="messages" error={error} onRetry={() => undefined} />
        </div>
      ) : (
        <MessageList
          label="Questions and answers"
          rows={rows}
          isLoadingOlder={loading === 'older'}
          onTop={room.loadOlder}
          onEnd={() => undefined}
          start={<Beginning />}
        >
          {({ message, isFirst }) => (
            <MessageRow
              message={message}
              isFirst={isFirst}
              answered={
                message.replyTo === undefined ? undefined : (byId.get(message.replyTo) as SentMessage | undefined)
              }
              content={isAnswer(message) && <Answer message={message} />}
              below={isAnswer(message) && <AnswerState message={message} onStop={stop} />}
              onRetry={retry}
              onDiscard={discard}
            />
          )}
        </MessageList>
      )}
      <Announcer messages={messages.filter((message) => !isGrowing(message))} ownId={ownId} />
      <Composer
        label="Ask something"
        draftKey="assistant"
        notice={isAway ? 'You’re offline. Your question will be sent when you reconnect.' : undefined}
        onSend={(text) => room.send(text)}
      />
    </section>
  )
}

function isAnswer(message: Message): message is SentMessage {
  return message.status === 'sent' && message.state !== undefined && !message.isRedacted
}

function isGrowing(message: Message): boolean {
  return message.status === 'sent' && message.state === 'streaming'
}

/** Renders with each piece, and the list does not. */
function Answer({ message }: { message: SentMessage }): ReactElement {
  return <RichText text={useMessageText(ASSISTANT_ROOM, message)} />
}

function AnswerState({
  message,
  onStop,
}: {
  message: SentMessage
  onStop: (seq: number) => Promise<void>
}): ReactElement | null {
  if (message.state === 'streaming') {
    return (
      <Button
        size="small"
        icon={Square}
        onClick={() => onStop(message.seq).catch((error: unknown) => toastError('Couldn’t stop the answer', error))}
      >
        Stop
      </Button>
    )
  }
  const words = message.state === 'cancelled' ? 'Stopped' : message.state === 'interrupted' ? 'Interrupted' : undefined
  return words === undefined ? null : <p className="text-muted text-xs">{words}</p>
}

function Beginning(): ReactElement {
  return (
    <div className="pb-2">
      <span className="mb-3 grid size-12 place-items-center rounded-2xl bg-accent-soft text-accent-strong">
        <Bot aria-hidden size={22} />
      </span>
      <p className="font-semibold text-lg">Ask anything</p>
      <p className="max-w-prose text-muted text-sm">
        A small text generator on this server answers, so don’t expect sense. Everyone here sees each answer grow, and
        anyone can stop it.
      </p>
    </div>
  )
}
