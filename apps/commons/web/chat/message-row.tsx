/** One message: author and time for the first of a group, its text, and whether it was sent. */
import type { Message, SentMessage } from '@roomful/react'
import clsx from 'clsx'
import { Clock, CornerUpLeft, RotateCw, Trash2 } from 'lucide-react'
import { memo, type ReactElement, type ReactNode } from 'react'
import { isGuest } from '../session/session.ts'
import { Avatar } from '../ui/avatar.tsx'
import { Button } from '../ui/button.tsx'
import { sentenceOf } from '../ui/error-sentence.ts'
import { RichText } from './rich-text.tsx'
import { clockTime, fullTime } from './time.ts'

export interface MessageRowProps {
  readonly message: Message
  readonly isFirst: boolean
  /** The message that it replies to, when that is loaded. */
  readonly answered?: SentMessage | undefined
  /** Instead of its text. */
  readonly content?: ReactNode
  /** The button with what can be done with it. */
  readonly actions?: ReactNode
  /** Below it: reactions, delivery. */
  readonly below?: ReactNode
  /** Instead of what the server said about one that failed. */
  readonly whyFailed?: string | undefined
  readonly onRetry: (localId: string) => void
  readonly onDiscard: (localId: string) => void
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps): ReactElement {
  const { message, isFirst, answered, content, actions, below } = props
  const { userId, name, ts, status } = message
  return (
    <article
      aria-label={`${name || (status === 'sent' ? 'Unknown user' : 'You')}, ${clockTime(ts)}`}
      className={clsx(
        'group relative flex gap-3 px-4 py-0.5 hover:bg-ink/3 has-data-popup-open:bg-ink/3 sm:px-6',
        isFirst && 'mt-3',
      )}
    >
      <div className="w-9 shrink-0">
        {isFirst ? (
          <Avatar id={userId} name={name} />
        ) : (
          <time
            dateTime={new Date(ts).toISOString()}
            title={fullTime(ts)}
            className="invisible block pt-1 text-right text-2xs text-muted tabular-nums group-hover:visible"
          >
            {clockTime(ts).replace(/\s?[AP]M$/i, '')}
          </time>
        )}
      </div>
      <div className="min-w-0 grow">
        {isFirst && (
          <div className="flex items-baseline gap-2">
            <bdi className="truncate font-semibold text-sm">{name || 'Unknown user'}</bdi>
            {isGuest(userId) && <span className="shrink-0 rounded bg-ink/8 px-1 text-2xs text-muted">Guest</span>}
            <time dateTime={new Date(ts).toISOString()} title={fullTime(ts)} className="shrink-0 text-muted text-xs">
              {clockTime(ts)}
            </time>
          </div>
        )}
        {message.replyTo !== undefined && <Answered answered={answered} />}
        <div className={clsx('text-[0.9375rem] leading-relaxed', status === 'pending' && 'text-muted')}>
          {content || <Content message={message} />}
        </div>
        <MessageStatus {...props} />
        {below}
      </div>
      {actions !== undefined && (
        <div className="absolute top-0 right-3 -translate-y-1/3 opacity-0 focus-within:opacity-100 group-hover:opacity-100 has-data-popup-open:opacity-100 pointer-coarse:static pointer-coarse:translate-y-0 pointer-coarse:opacity-100">
          {actions}
        </div>
      )}
    </article>
  )
})

function Content({ message }: { message: Message }): ReactElement {
  if (message.status !== 'sent') return <RichText text={message.content} />
  if (message.isRedacted) return <p className="text-muted italic">This message was deleted</p>
  return (
    <>
      <RichText text={message.content} />
      {message.editedAt !== undefined && (
        <span title={fullTime(message.editedAt)} className="text-muted text-xs">
          (edited)
        </span>
      )}
    </>
  )
}

function Answered({ answered }: { answered: SentMessage | undefined }): ReactElement {
  return (
    <p className="mb-0.5 flex min-w-0 items-center gap-1.5 text-muted text-xs">
      <CornerUpLeft aria-hidden size={12} className="shrink-0" />
      <span className="sr-only">In reply to</span>
      {answered ? (
        <>
          <bdi className="shrink-0 font-medium">{answered.name}</bdi>
          <span dir="auto" className="truncate">
            {answered.isRedacted ? 'a deleted message' : answered.content}
          </span>
        </>
      ) : (
        <span>an earlier message</span>
      )}
    </p>
  )
}

function MessageStatus({ message, whyFailed, onRetry, onDiscard }: MessageRowProps): ReactElement | null {
  if (message.status === 'pending') {
    return (
      <p className="flex items-center gap-1 text-muted text-xs">
        <Clock aria-hidden size={12} /> Sending…
      </p>
    )
  }
  if (message.status !== 'failed') return null
  return (
    <div role="alert" className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-bad text-sm">
      <span>Couldn’t send. {whyFailed ?? sentenceOf(message.error)}</span>
      <span className="flex gap-2">
        <Button size="small" icon={RotateCw} onClick={() => onRetry(message.localId)}>
          Retry
        </Button>
        <Button size="small" tone="quiet" icon={Trash2} onClick={() => onDiscard(message.localId)}>
          Delete
        </Button>
      </span>
    </div>
  )
}
