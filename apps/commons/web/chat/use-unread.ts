/** The message before which the line “New” stands: as it was when the conversation was opened, so that it stays while one reads. */
import type { Message } from '@roomful/react'
import { useState } from 'react'

export interface UnreadOptions {
  /** The first page is there. */
  readonly isLoaded: boolean
  /** Number of the last message that was read; `undefined` when there is nothing to compare with. */
  readonly readUntil: number | undefined
  /** Own messages are never news. */
  readonly ownId: string | undefined
}

/** @returns its `localId`, if there is one */
export function useUnread(
  messages: readonly Message[],
  { isLoaded, readUntil, ownId }: UnreadOptions,
): string | undefined {
  const [found, setFound] = useState<{ readonly localId: string | undefined }>()
  if (!isLoaded || found) return found?.localId
  const isNews = (message: Message): boolean =>
    message.status === 'sent' && readUntil !== undefined && message.seq > readUntil && message.userId !== ownId
  const first = { localId: messages.find(isNews)?.localId }
  setFound(first)
  return first.localId
}
