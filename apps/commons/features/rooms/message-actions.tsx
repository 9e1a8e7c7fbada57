/** What can be done with a message: react, reply, copy, and for its author (and moderators) edit or delete. */
import type { SentMessage, useMessages } from '@roomful/react'
import { Copy, Ellipsis, Pencil, Reply, Trash2 } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { useSession } from '../../web/session/session-gate.tsx'
import { IconButton } from '../../web/ui/button.tsx'
import { Confirm } from '../../web/ui/confirm.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../web/ui/menu.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import type { Subject } from './room-messages.tsx'
import { hasReacted, toggleReaction } from './toggle-reaction.ts'

const EMOJIS = ['👍', '❤️', '😂', '🎉', '👀'] as const
const NAMES: Readonly<Record<(typeof EMOJIS)[number], string>> = {
  '👍': 'thumbs up',
  '❤️': 'heart',
  '😂': 'laughing',
  '🎉': 'party',
  '👀': 'eyes',
}
/** The server lets them change messages of others. */
const MODERATORS: ReadonlySet<string> = new Set(['admin', 'support'])

export interface MessageActionsProps {
  readonly message: SentMessage
  readonly room: Pick<ReturnType<typeof useMessages>, 'react' | 'removeReaction' | 'redact'>
  readonly ownId: string | undefined
  readonly onSubject: (subject: Subject) => void
}

export function MessageActions({ message, room, ownId, onSubject }: MessageActionsProps): ReactElement {
  const session = useSession()
  const isOwn = message.userId === ownId
  /** Undefined: it was never asked, and there need be no dialog for it. */
  const [isDeleting, setDeleting] = useState<boolean>()
  const mayDelete = isOwn || (session?.kind === 'user' && MODERATORS.has(session.user.role))
  const copy = (): void => {
    navigator.clipboard.writeText(message.content).then(
      () => toast('Copied'),
      () => toast('Couldn’t copy', 'Your browser doesn’t allow it.', 'bad'),
    )
  }
  const redact = (): void => {
    setDeleting(false)
    room.redact(message.seq).catch((error: unknown) => toastError('Couldn’t delete the message', error))
  }
  const trigger = (
    <IconButton
      icon={Ellipsis}
      label={`Actions for message from ${message.name}`}
      size="small"
      tone="plain"
      className="pointer-coarse:border-none pointer-coarse:bg-transparent pointer-coarse:shadow-none"
    />
  )
  return (
    <>
      <Menu trigger={trigger}>
        <div className="flex gap-0.5">
          {EMOJIS.map((emoji) => (
            <MenuItem key={emoji} onSelect={() => toggleReaction(room, message, emoji, ownId)}>
              <span aria-hidden className="text-base">
                {emoji}
              </span>
              <span className="sr-only">
                {hasReacted(message, emoji, ownId) ? 'Remove' : 'React with'} {NAMES[emoji]}
              </span>
            </MenuItem>
          ))}
        </div>
        <MenuSeparator />
        <MenuItem icon={Reply} onSelect={() => onSubject({ kind: 'reply', message })}>
          Reply
        </MenuItem>
        <MenuItem icon={Copy} onSelect={copy}>
          Copy text
        </MenuItem>
        {isOwn && (
          <MenuItem icon={Pencil} onSelect={() => onSubject({ kind: 'edit', message })}>
            Edit
          </MenuItem>
        )}
        {mayDelete && (
          <MenuItem icon={Trash2} danger onSelect={() => setDeleting(true)}>
            Delete…
          </MenuItem>
        )}
      </Menu>
      {isDeleting !== undefined && (
        <Confirm
          open={isDeleting}
          onOpenChange={setDeleting}
          title="Delete this message?"
          description="It’s deleted for everyone. This can’t be undone."
          action="Delete"
          icon={Trash2}
          onConfirm={redact}
        />
      )}
    </>
  )
}
