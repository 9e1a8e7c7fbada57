/** Solid primitives over the client's `subscribe` and `getSnapshot`. */
import {
  type AnyContract,
  type Client,
  type ConnectionState,
  type DownEvent,
  type DownListener,
  type PresenceGivenBy,
  type Room,
  type RoomSnapshot,
  UNJOINED_ROOM,
} from '@roomful/client'
import { type MessageActions, type MessagesSnapshot, messageActionsOf, messagesOf } from '@roomful/client/messages'
import {
  type RoomState,
  type StateActions,
  stateActionsOf,
  stateOf,
  type Unread,
  unreadOf,
} from '@roomful/client/state'
import {
  type Accessor,
  createContext,
  createEffect,
  createMemo,
  createSignal,
  type JSX,
  onCleanup,
  untrack,
  useContext,
} from 'solid-js'

const ClientContext = createContext<Client>()

/**
 * Gives the components inside it a client.
 * @example <RoomfulProvider client={client}><Chat /></RoomfulProvider>
 */
export function RoomfulProvider<C extends AnyContract>(props: {
  readonly client: Client<C>
  readonly children: JSX.Element
}): JSX.Element {
  return ClientContext.Provider({
    value: props.client as unknown as Client,
    get children() {
      return props.children
    },
  })
}

/** The client of the nearest provider. @throws Error outside of one */
export function useClient<C extends AnyContract = undefined>(): Client<C> {
  const client = useContext(ClientContext)
  if (!client) throw new Error('There is no <RoomfulProvider> around this component')
  return client as unknown as Client<C>
}

/** What the connection is doing. */
export function useConnection(): Accessor<ConnectionState> {
  const client = useClient()
  return readFrom(() => client)
}

/** Calls `listener` for each such event; of one room, which is joined for it, or of all. */
export function useEvent<C extends AnyContract = undefined, Name extends DownEvent<C> = DownEvent<C>>(
  event: Name,
  listener: DownListener<C, Name>,
  roomId?: Accessor<string>,
): void {
  const client = useClient<C>()
  createEffect(() => {
    if (roomId === undefined) {
      onCleanup(client.on(event, listener))
      return
    }
    const room = client.room(roomId())
    room.on(event, listener)
    onCleanup(() => room.release())
  })
}

/**
 * A room that is joined as long as the component lives: its snapshot, and the room itself.
 * @param presence what this user says of themselves, from the join on; another value replaces it
 */
export function useRoom(
  roomId: Accessor<string>,
  presence?: Accessor<PresenceGivenBy<undefined>>,
): {
  readonly state: Accessor<RoomSnapshot>
  readonly room: Accessor<Room | undefined>
} {
  const client = useClient()
  const [state, setState] = createSignal(UNJOINED_ROOM)
  const [current, setCurrent] = createSignal<Room>()
  createEffect(() => {
    const room = client.room(roomId(), { state: untrack(() => presence?.()) }) as Room
    const read = (): void => void setState(room.getSnapshot())
    setCurrent(room)
    read()
    room.subscribe(read)
    onCleanup(() => {
      room.release()
      setCurrent(undefined)
      setState(UNJOINED_ROOM)
    })
  })
  createEffect(() => {
    const now = presence?.()
    if (now !== undefined) untrack(current)?.setPresence(now)
  })
  return { state, room: current }
}

/** The messages of a room, with pending and refused ones, and what can be done with them. */
export function useMessages(roomId: Accessor<string>): MessageActions & { readonly state: Accessor<MessagesSnapshot> } {
  const client = useClient()
  const store = () => messagesOf(client, roomId())
  return {
    state: readFrom(store),
    ...messageActionsOf(store),
  }
}

/** The state of a room, which is joined as long as the component lives, and what can be done with it. */
export function useRoomState<C extends AnyContract = undefined>(
  roomId: Accessor<string>,
): StateActions<C> & { readonly state: Accessor<RoomState<C>> } {
  const client = useClient<C>()
  const store = () => stateOf(client, roomId())
  return { state: readFrom(store), ...stateActionsOf(store) }
}

/** How many messages of others this user has not read, in a list of rooms, and what can be done about it. */
export function useUnread(roomIds: Accessor<readonly string[]>): {
  /** By room; a room is missing until it was counted. */
  readonly rooms: Accessor<ReadonlyMap<string, Unread>>
  /** This user has read a room: up to the event with this number, or all of it. */
  markRead(roomId: string, seq?: number): Promise<void>
  /** Counts again; messages of rooms that this client is not in are not noticed otherwise. */
  refresh(): void
} {
  const client = useClient()
  const store = createMemo(() => unreadOf(client, roomIds()))
  return {
    rooms: readFrom(store),
    markRead: (...args) => store().markRead(...args),
    refresh: () => store().refresh(),
  }
}

interface Source<T> {
  subscribe(onChange: () => void): () => void
  getSnapshot(): T
}

/** Effects do not run on a server, so nothing is joined there. */
function readFrom<T>(source: () => Source<T>): Accessor<T> {
  const [value, setValue] = createSignal(untrack(() => source().getSnapshot()))
  createEffect(() => {
    const now = source()
    const read = (): void => void setValue(() => now.getSnapshot())
    read()
    onCleanup(now.subscribe(read))
  })
  return value
}
