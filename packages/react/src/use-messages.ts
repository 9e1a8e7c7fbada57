/** What was said in a room, and saying something. */
import type { Client } from '@roomful/client'
import { useMemo, useSyncExternalStore } from 'react'
import { MessageStore, type MessagesSnapshot } from './messages/message-store.ts'
import { useClient } from './provider.tsx'

/** Each does nothing but what its name says; all are the same functions for as long as the component shows this room. */
export type MessageActions = Pick<
  MessageStore,
  'send' | 'retry' | 'discard' | 'edit' | 'redact' | 'react' | 'removeReaction' | 'loadOlder'
>

/**
 * The messages of a room, from the latest backwards, with edits, reactions and redactions folded in. What is sent is in the
 * list at once as `pending`, and stays there as `sent` or, with its error, as `failed`. Components share what they load.
 */
export function useMessages(roomId: string): MessagesSnapshot & MessageActions {
  const client = useClient()
  const store = useMemo(() => storeOf(client, roomId), [client, roomId])
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => {
    const { send, retry, discard, edit, redact, react, removeReaction, loadOlder } = store
    return { ...snapshot, send, retry, discard, edit, redact, react, removeReaction, loadOlder }
  }, [store, snapshot])
}

const stores = new WeakMap<Client, Map<string, MessageStore>>()

function storeOf(client: Client, roomId: string): MessageStore {
  const rooms = stores.get(client) ?? new Map<string, MessageStore>()
  stores.set(client, rooms)
  const store = rooms.get(roomId) ?? new MessageStore(client, roomId, () => rooms.delete(roomId))
  rooms.set(roomId, store)
  return store
}
