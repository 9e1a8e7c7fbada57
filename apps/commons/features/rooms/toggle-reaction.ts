/** A reaction of one's own: added when it is not there, else removed. */
import type { SentMessage, useMessages } from '@roomful/react'
import { toastError } from '../../web/ui/toast.tsx'

export function hasReacted({ reactions }: SentMessage, emoji: string, ownId: string | undefined): boolean {
  const given = reactions.find((each) => each.emoji === emoji)
  return ownId !== undefined && given?.userIds.includes(ownId) === true
}

export function toggleReaction(
  room: Pick<ReturnType<typeof useMessages>, 'react' | 'removeReaction'>,
  message: SentMessage,
  emoji: string,
  ownId: string | undefined,
): void {
  if (hasReacted(message, emoji, ownId)) {
    room.removeReaction(message.id, emoji).catch((error: unknown) => toastError('Couldn’t remove the reaction', error))
  } else {
    room.react(message.id, emoji).catch((error: unknown) => toastError('Couldn’t add the reaction', error))
  }
}
