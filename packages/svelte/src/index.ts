/** Svelte stores over the client's `subscribe` and `getSnapshot`; with runes, `fromStore` of `svelte/store` reads them. */
import {
  type AnyContract,
  type Client,
  type ConnectionState,
  type PresenceGivenBy,
  type Room,
  type RoomSnapshot,
  UNJOINED_ROOM,
} from '@roomful/client'
import { type MessageActions, type MessagesSnapshot, messagesOf } from '@roomful/client/messages'
import {
  type RoomState,
  type StateActions,
  stateOf,
  type Unread,
  type UnreadStore,
  unreadOf,
} from '@roomful/client/state'
import { getContext, setContext } from 'svelte'
import { type Readable, readable } from 'svelte/store'

const CLIENT = Symbol('roomful')

/** Gives this component and those inside it a client. Call it while the component is initialised. */
export function setClient<C extends AnyContract>(client: Client<C>): Client<C> {
  return setContext(CLIENT, client)
}

/** The client of the nearest component that called {@link setClient}. @throws Error without one */
export function getClient<C extends AnyContract = undefined>(): Client<C> {
  const client = getContext<Client<C> | undefined>(CLIENT)
  if (!client) throw new Error('There is no client: call setClient(client) in a component around this one')
  return client
}

/** What the connection is doing. */
export function connection<C extends AnyContract>(client: Client<C>): Readable<ConnectionState> {
  return storeOf(client)
}

/**
 * A room that is joined while the store has a subscriber, and the room itself in `current`.
 * @param presence what this user says of themselves from the join on; `current.setPresence` replaces it
 */
export function room<C extends AnyContract>(
  client: Client<C>,
  roomId: string,
  presence?: PresenceGivenBy<C>,
): Readable<RoomSnapshot> & { readonly current: Room | undefined } {
  let current: Room | undefined
  const { subscribe } = readable<RoomSnapshot>(UNJOINED_ROOM, (set) => {
    const joined = client.room(roomId, { state: presence }) as unknown as Room
    const read = (): void => set(joined.getSnapshot())
    current = joined
    joined.subscribe(read)
    read()
    return () => {
      joined.release()
      current = undefined
    }
  })
  return {
    subscribe,
    get current() {
      return current
    },
  }
}

/** The messages of a room, with pending and refused ones, and what can be done with them. */
export function messages<C extends AnyContract>(
  client: Client<C>,
  roomId: string,
): Readable<MessagesSnapshot> & MessageActions {
  const store = messagesOf(client, roomId)
  const { send, retry, discard, edit, redact, react, removeReaction, stream, stop, loadOlder } = store
  const actions = { send, retry, discard, edit, redact, react, removeReaction, stream, stop, loadOlder }
  return { ...storeOf(store), ...actions }
}

/** The state of a room, which is joined while the store has a subscriber, and what can be done with it. */
export function roomState<C extends AnyContract>(
  client: Client<C>,
  roomId: string,
): Readable<RoomState<C>> & StateActions<C> {
  const store = stateOf(client, roomId)
  const { set, remove, add, update } = store
  return { ...storeOf(store), set, remove, add, update }
}

/** How many messages of others this user has not read, by room; a room is missing until it was counted. */
export function unread<C extends AnyContract>(
  client: Client<C>,
  roomIds: readonly string[],
): Readable<ReadonlyMap<string, Unread>> & Pick<UnreadStore, 'markRead' | 'refresh'> {
  const store = unreadOf(client, roomIds)
  const { markRead, refresh } = store
  return { ...storeOf(store), markRead, refresh }
}

interface Source<T> {
  subscribe(onChange: () => void): () => void
  getSnapshot(): T
}

function storeOf<T>(source: Source<T>): Readable<T> {
  return readable(source.getSnapshot(), (set) => {
    const read = (): void => set(source.getSnapshot())
    read()
    return source.subscribe(read)
  })
}
