/** Writing a message in a room, a reply, or another wording of an earlier one. */
import type { SentMessage, useMessages } from '@roomful/react'
import { type ReactElement, useMemo } from 'react'
import { Composer } from '../../web/chat/composer.tsx'
import { useIsAway } from '../../web/live/away.tsx'
import { isolated } from '../../web/ui/isolated.ts'
import { toastError } from '../../web/ui/toast.tsx'
import type { Subject } from './room-messages.tsx'
import { roomTitle } from './room-names.ts'

export interface RoomComposerProps {
  readonly roomId: string
  readonly room: ReturnType<typeof useMessages>
  readonly subject: Subject | undefined
  readonly ownId: string | undefined
  readonly typing: () => void
  readonly stopTyping: () => void
  readonly onSubject: (subject: Subject | undefined) => void
}

export function RoomComposer(props: RoomComposerProps): ReactElement {
  const { roomId, room, subject, ownId, typing, stopTyping, onSubject } = props
  const isAway = useIsAway()
  const context = useMemo(() => {
    if (!subject) return undefined
    const { kind, message } = subject
    return { kind, title: kind === 'edit' ? 'Editing' : `Replying to ${isolated(message.name)}`, text: message.content }
  }, [subject])

  const send = (text: string): void => {
    onSubject(undefined)
    if (!subject) return room.send(text)
    if (subject.kind === 'reply') return room.send(text, { replyTo: subject.message.id })
    if (text === subject.message.content) return
    room.edit(subject.message.seq, text).catch((error: unknown) => toastError('Couldn’t save your edit', error))
  }
  const editLast = (): void => {
    const isMine = (each: { status: string; userId: string }): boolean =>
      each.status === 'sent' && each.userId === ownId
    const message = room.messages.findLast((each) => isMine(each)) as SentMessage | undefined
    if (message && !message.isRedacted) onSubject({ kind: 'edit', message })
  }
  return (
    <Composer
      label={`Message #${roomTitle(roomId)}`}
      draftKey={`room ${roomId}`}
      context={context}
      notice={isAway ? 'You’re offline. Messages will be sent when you reconnect.' : undefined}
      onCancel={() => onSubject(undefined)}
      onType={typing}
      onEmpty={stopTyping}
      onSend={send}
      onEditLast={editLast}
    />
  )
}
