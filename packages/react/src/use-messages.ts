/** The messages of a room, for a page that shows and sends them. */
import { type MessageActions, type MessagesSnapshot, messagesOf } from '@roomful/client/messages'
import { useMemo, useSyncExternalStore } from 'react'
import { useClient } from './provider.tsx'

/**
 * The messages of a room, newest page first, with edits, reactions and redactions applied. A sent message is in the list at
 * once as `pending`, and becomes `sent` or, with its error, `failed`. Components that show the same room share what they
 * load.
 * @returns the messages, whether older ones exist or load, the last error, and what can be done
 * @throws Error outside a provider
 * @example
 * const { messages, send, hasMore, loadOlder } = useMessages('lobby')
 * return <ol>{messages.map((message) => <li key={message.localId}>{message.content}</li>)}</ol>
 */
export function useMessages(roomId: string): MessagesSnapshot & MessageActions {
  const client = useClient()
  const store = useMemo(() => messagesOf(client, roomId), [client, roomId])
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => {
    const { send, retry, discard, edit, redact, react, removeReaction, loadOlder } = store
    return { ...snapshot, send, retry, discard, edit, redact, react, removeReaction, loadOlder }
  }, [store, snapshot])
}
