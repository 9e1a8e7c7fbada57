/** Svelte stores over the client's `subscribe` and `getSnapshot`; with runes, `fromStore` of `svelte/store` reads them. */
import {
  type AnyContract,
  type Client,
  type ConnectionState,
  type Room,
  type RoomSnapshot,
  UNJOINED_ROOM,
} from '@roomful/client'
import { type MessageActions, type MessagesSnapshot, messagesOf } from '@roomful/client/messages'
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

/** A room that is joined while the store has a subscriber, and the room itself in `current`. */
export function room<C extends AnyContract>(
  client: Client<C>,
  roomId: string,
): Readable<RoomSnapshot> & { readonly current: Room | undefined } {
  let current: Room | undefined
  const { subscribe } = readable<RoomSnapshot>(UNJOINED_ROOM, (set) => {
    const joined = client.room(roomId) as unknown as Room
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
