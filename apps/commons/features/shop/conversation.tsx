/** What two people say to each other in a room of `/customer`. */
import type { ReceivedEvent } from '@roomful/client'
import { createHooks, useConnection } from '@roomful/react'
import clsx from 'clsx'
import { CircleCheck, SendHorizontal } from 'lucide-react'
import { type FormEvent, type ReactElement, useEffect, useRef, useState } from 'react'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Field } from '../../web/ui/field.tsx'
import { isolated } from '../../web/ui/isolated.ts'
import { toastError } from '../../web/ui/toast.tsx'
import type { customerContract } from './contract.ts'

const { useClient, useRoom } = createHooks<typeof customerContract>()

interface Line {
  readonly seq: number
  readonly userId: string
  readonly name: string
  readonly content: string
}

export interface ConversationProps {
  readonly roomId: string
  readonly title: string
  /** Shown as long as the other side is not there. */
  readonly nobody: string
  /** The conversation is over. */
  readonly onClose: () => void
}

const HISTORY = 100

export function Conversation({ roomId, title, nobody, onClose }: ConversationProps): ReactElement {
  const client = useClient()
  const state = useConnection()
  const me = state.status === 'open' || state.status === 'draining' ? state.user.sub : undefined
  const { room, members, typists, send, typing } = useRoom(roomId)
  const [lines, setLines] = useState<readonly Line[]>([])
  const [waiting, setWaiting] = useState<readonly string[]>([])
  const end = useRef<HTMLLIElement>(null)

  useEffect(() => {
    if (!room) return
    const put = (more: readonly Line[]): void =>
      setLines((before) => {
        const known = new Set(before.map(({ seq }) => seq))
        return [...before, ...more.filter(({ seq }) => !known.has(seq))].sort((a, b) => a.seq - b.seq)
      })
    const load = (): void => {
      room.ready
        .then(() => room.history({ limit: HISTORY }))
        .then(
          ({ events }) => put(events.flatMap(lineOf)),
          () => undefined, // why we are not in it is in the snapshot
        )
    }
    room.on('message:new', ({ seq, userId, name, content }) => put([{ seq, userId, name, content }]))
    room.onReset(load)
    load()
  }, [room])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the newest line comes into view
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [lines, waiting])

  const say = (content: string): void => {
    setWaiting((before) => [...before, content])
    send(content)
      .catch((error: unknown) => toastError('Not sent', error))
      .finally(() => setWaiting((before) => before.filter((_, index) => index !== before.indexOf(content))))
  }
  const close = (): void => {
    client.request('help:close', { roomId }).then(onClose, (error: unknown) => toastError('It is still open', error))
  }

  const others = members.filter(({ userId }) => userId !== me)
  const writing = typists.filter(({ userId }) => userId !== me)
  const solved = (
    <Button size="small" icon={CircleCheck} className="shrink-0" onClick={close}>
      It is solved
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
            {others.length > 0 ? `${others.map(({ name }) => name).join(', ')} is here` : nobody}
          </p>
        </div>
        {solved}
      </div>
      <ul
        aria-label="What was said"
        aria-live="polite"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="flex min-h-0 grow flex-col gap-2 overflow-y-auto p-4"
      >
        {lines.map((line) => (
          <Said key={line.seq} line={line} isMine={line.userId === me} />
        ))}
        {waiting.map((content, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what waits has no number yet
          <Said key={`waiting ${index}`} line={{ seq: 0, userId: me ?? '', name: '', content }} isMine isWaiting />
        ))}
        <li ref={end} aria-hidden />
      </ul>
      <p className="h-5 px-4 text-muted text-xs">
        {writing.length > 0 && `${writing.map(({ name }) => isolated(name)).join(', ')} is typing…`}
      </p>
      <SayForm onSay={say} onTyping={typing} />
    </Card>
  )
}

function Said({ line, isMine, isWaiting = false }: { line: Line; isMine: boolean; isWaiting?: boolean }): ReactElement {
  return (
    <li
      dir="auto"
      className={clsx(
        'max-w-[85%] whitespace-pre-wrap break-words rounded-2xl px-3.5 py-2 text-sm',
        isMine ? 'self-end bg-accent text-on-accent' : 'self-start bg-sunken',
        isWaiting && 'opacity-60',
      )}
    >
      {!isMine && <bdi className="block font-medium text-muted text-xs">{line.name}</bdi>}
      {line.content}
      {isWaiting && <span className="sr-only"> (not sent yet)</span>}
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
        placeholder="Write a message"
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

function lineOf({ event, args, meta }: ReceivedEvent): Line[] {
  const data = args[0] as Partial<Line> | undefined
  if ((event !== 'message:new' && event !== 'chat:message') || meta.seq === undefined) return []
  return [{ seq: meta.seq, userId: data?.userId ?? '', name: data?.name ?? '', content: data?.content ?? '' }]
}
