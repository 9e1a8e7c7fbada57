/** The messages of a room, for a page that shows and sends them. */
import { type Message, type MessageActions, type MessagesSnapshot, messagesOf } from '@roomful/client/messages'
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
    const { send, retry, discard, edit, redact, react, removeReaction, stream, stop, loadOlder } = store
    return { ...snapshot, send, retry, discard, edit, redact, react, removeReaction, stream, stop, loadOlder }
  }, [store, snapshot])
}

/**
 * The text of a message, as long as it is now: for one that is `streaming` it grows with each piece, and only the component
 * that uses this renders again, not the list.
 * @param message of `useMessages` of the same room
 * @throws Error outside a provider
 * @example
 * const Row = ({ message }: { message: Message }) => <li>{useMessageText('lobby', message)}</li>
 */
export function useMessageText(roomId: string, message: Message): string {
  const client = useClient()
  const seq = message.status === 'sent' && message.state === 'streaming' ? message.seq : undefined
  const text = useMemo(
    () => (seq === undefined ? undefined : messagesOf(client, roomId).textOf(seq)),
    [client, roomId, seq],
  )
  const grown = useSyncExternalStore(
    text?.subscribe ?? never,
    text?.getSnapshot ?? nothing,
    text?.getSnapshot ?? nothing,
  )
  return grown ?? message.content
}

function never(): () => void {
  return () => undefined
}

function nothing(): undefined {
  return undefined
}
