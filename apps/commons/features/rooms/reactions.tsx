/** The reactions to a message: how many of each, whether one's own is among them; pressing one adds or removes it. */
import type { Reaction, SentMessage, useMessages } from '@roomful/react'
import clsx from 'clsx'
import type { MouseEvent, ReactElement } from 'react'
import { toggleReaction } from './toggle-reaction.ts'

export interface ReactionsProps {
  readonly message: SentMessage
  readonly room: Pick<ReturnType<typeof useMessages>, 'react' | 'removeReaction'>
  readonly ownId: string | undefined
}

export function Reactions({ message, room, ownId }: ReactionsProps): ReactElement {
  const press = ({ currentTarget, detail }: MouseEvent<HTMLButtonElement>, { emoji, userIds }: Reaction): void => {
    toggleReaction(room, message, emoji, ownId)
    // The last one takes its button with it: by keyboard one goes on from the message's menu.
    if (detail > 0 || userIds.length > 1 || userIds[0] !== ownId) return
    currentTarget.closest('article')?.querySelector<HTMLElement>('[aria-haspopup="menu"]')?.focus()
  }
  return (
    <ul aria-label="Reactions" className="mt-1 flex flex-wrap gap-1.5">
      {message.reactions.map((reaction) => {
        const { emoji, userIds } = reaction
        const isOwn = ownId !== undefined && userIds.includes(ownId)
        const people = userIds.length === 1 ? '1 person' : `${userIds.length} people`
        return (
          <li key={emoji}>
            <button
              type="button"
              aria-pressed={isOwn}
              aria-label={`${emoji}, ${people}`}
              onClick={(event) => press(event, reaction)}
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
