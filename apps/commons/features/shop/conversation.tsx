/** What two people say to each other in a room of `/customer`. */
import type { WithChat } from '@roomful/client'
import { createHooks, type Message, useMessages } from '@roomful/react'
import clsx from 'clsx'
import { CircleCheck, SendHorizontal } from 'lucide-react'
import { type FormEvent, type ReactElement, useEffect, useRef, useState } from 'react'
import { AwayNote } from '../../web/live/away.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { sentenceOf } from '../../web/ui/error-sentence.ts'
import { Field } from '../../web/ui/field.tsx'
import { isolated } from '../../web/ui/isolated.ts'
import { toastError } from '../../web/ui/toast.tsx'
import type { customerContract } from './contract.ts'

const { useClient, useRoom } = createHooks<WithChat<typeof customerContract>>()

export interface ConversationProps {
  readonly roomId: string
  readonly title: string
  /** Shown as long as the other side is not there. */
  readonly emptyText: string
  /** The conversation is over. */
  readonly onClose: () => void
}

export function Conversation({ roomId, title, emptyText, onClose }: ConversationProps): ReactElement {
  const client = useClient()
  const me = useMe()?.sub
  const { members, typists, typing } = useRoom(roomId)
  const { messages, send, retry } = useMessages(roomId)
  const end = useRef<HTMLLIElement>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the newest line comes into view
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [messages])

  const close = (): void => {
    client
      .request('help:close', { roomId })
      .then(onClose, (error: unknown) => toastError('Couldn’t close the conversation', error))
  }

  const others = members.filter(({ userId }) => userId !== me)
  const writing = typists.filter(({ userId }) => userId !== me)
  const solved = (
    <Button size="small" icon={CircleCheck} className="shrink-0" onClick={close}>
      Mark as resolved
    </Button>
  )
  return (
    <Card className="flex h-[min(36rem,70dvh)] min-w-0 flex-col">
      <div className="flex items-center justify-between gap-4 border-line border-b px-4 py-3">
        <div className="min-w-0">
          <h2 className="font-medium">
            <bdi>{title}</bdi>
          </h2>
          <p role="status" className="break-words text-muted text-sm">
            {others.length > 0 ? `${namesOf(others)} ${others.length === 1 ? 'is' : 'are'} online` : emptyText}
          </p>
        </div>
        {solved}
      </div>
      <ul
        aria-label="Conversation"
        aria-live="polite"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="flex min-h-0 grow flex-col gap-2 overflow-y-auto p-4"
      >
        {messages.length === 0 && <li className="m-auto text-muted text-sm">No messages yet. Say hello!</li>}
        {messages.map((message) => (
          <Said key={message.localId} message={message} isMine={message.userId === me} onRetry={retry} />
        ))}
        <li ref={end} aria-hidden />
      </ul>
      <p className="h-5 px-4 text-muted text-xs">
        {writing.length > 0 && `${namesOf(writing)} ${writing.length === 1 ? 'is' : 'are'} typing…`}
      </p>
      <div className="px-4 [&>p]:mt-0 [&>p]:mb-2">
        <AwayNote>You’re offline. Messages will be sent when you’re back.</AwayNote>
      </div>
      <SayForm onSay={send} onTyping={typing} />
    </Card>
  )
}

interface SaidProps {
  readonly message: Message
  readonly isMine: boolean
  readonly onRetry: (localId: string) => void
}

function Said({ message, isMine, onRetry }: SaidProps): ReactElement {
  const { status, name, content, localId } = message
  return (
    <li
      dir="auto"
      className={clsx(
        'max-w-[85%] whitespace-pre-wrap break-words rounded-2xl px-3.5 py-2 text-sm',
        isMine ? 'self-end' : 'self-start bg-sunken',
        isMine && (status === 'pending' ? 'bg-accent-soft text-accent-strong' : 'bg-accent text-on-accent'),
      )}
    >
      {!isMine && <bdi className="block font-medium text-muted text-xs">{name}</bdi>}
      {content}
      {status === 'pending' && <span className="sr-only"> (sending…)</span>}
      {status === 'failed' && (
        <span className="mt-1 block text-xs">
          Couldn’t send: {sentenceOf(message.error)}{' '}
          <button type="button" className="underline" onClick={() => onRetry(localId)}>
            Try again
          </button>
        </span>
      )}
    </li>
  )
}

function SayForm({ onSay, onTyping }: { onSay: (content: string) => void; onTyping: () => void }): ReactElement {
  const [text, setText] = useState('')
  const handleSubmit = (event: FormEvent): void => {
    event.preventDefault()
    const content = text.trim()
    if (content === '') return
    onSay(content)
    setText('')
  }
  return (
    <form onSubmit={handleSubmit} className="flex items-center gap-2 border-line border-t p-3">
      <Field
        label="Message"
        hideLabel
        placeholder="Message"
        className="grow"
        dir="auto"
        autoComplete="off"
        maxLength={4_000}
        value={text}
        onChange={({ target }) => {
          setText(target.value)
          onTyping()
        }}
      />
      <IconButton type="submit" icon={SendHorizontal} label="Send" tone="primary" />
    </form>
  )
}

function namesOf(people: readonly { readonly name: string }[]): string {
  return people.map(({ name }) => isolated(name)).join(', ')
}
