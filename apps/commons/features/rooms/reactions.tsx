/** The reactions to a message: how many of each, whether one's own is among them; pressing one joins in. */
import type { SentMessage, useMessages } from '@roomful/react'
import clsx from 'clsx'
import type { ReactElement } from 'react'
import { toastError } from '../../web/ui/toast.tsx'

export interface ReactionsProps {
  readonly message: SentMessage
  readonly room: Pick<ReturnType<typeof useMessages>, 'react'>
  readonly ownId: string | undefined
}

export function Reactions({ message, room, ownId }: ReactionsProps): ReactElement {
  const react = (emoji: string): void => {
    room.react(message.id, emoji).catch((error: unknown) => toastError('That reaction did not arrive', error))
  }
  return (
    <ul aria-label="Reactions" className="mt-1 flex flex-wrap gap-1.5">
      {message.reactions.map(({ emoji, userIds }) => {
        const isOwn = ownId !== undefined && userIds.includes(ownId)
        const people = userIds.length === 1 ? '1 person' : `${userIds.length} people`
        return (
          <li key={emoji}>
            <button
              type="button"
              aria-pressed={isOwn}
              aria-label={`${emoji} by ${people}`}
              onClick={() => !isOwn && react(emoji)}
              className={clsx(
                'inline-flex h-7 items-center gap-1.5 rounded-full border px-2 text-sm tabular-nums transition-colors',
                isOwn ? 'border-accent bg-accent-soft text-accent-strong' : 'border-line bg-raised hover:border-edge',
              )}
            >
              <span aria-hidden>{emoji}</span>
              <span aria-hidden className="text-xs">
                {userIds.length}
              </span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
