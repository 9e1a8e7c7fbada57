/** Vue composables over the client's `subscribe` and `getSnapshot`. */
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
  computed,
  getCurrentInstance,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  onMounted,
  type Plugin,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue'

const CLIENT: InjectionKey<Client> = Symbol('roomful')

/**
 * Gives every component of an app a client.
 * @example createApp(App).use(roomful(connect('https://example.org', { namespace: '/chat' }))).mount('#app')
 */
export function roomful<C extends AnyContract>(client: Client<C>): Plugin {
  return { install: (app) => void app.provide(CLIENT, client as unknown as Client) }
}

/** The client of the app. @throws Error without the plugin {@link roomful} */
export function useClient<C extends AnyContract = undefined>(): Client<C> {
  const client = inject(CLIENT, undefined)
  if (!client) throw new Error('There is no client: call app.use(roomful(client)) first')
  return client as unknown as Client<C>
}

/** Runs `start` for each value while the component is mounted, and what it returns after. Nothing is run on a server. */
function whileMounted<T>(value: () => T, start: (value: T) => () => void): void {
  const begin = (): void => void watch(value, (now, _before, onCleanup) => onCleanup(start(now)), { immediate: true })
  if (getCurrentInstance()) onMounted(begin)
  else begin()
}

/** What the connection is doing. */
export function useConnection(): Readonly<ShallowRef<ConnectionState>> {
  const client = useClient()
  return useSnapshot(() => client)
}

/** Calls `listener` for each such event while the component is mounted; of one room, which is joined for it, or of all. */
export function useEvent<C extends AnyContract = undefined, Name extends DownEvent<C> = DownEvent<C>>(
  event: Name,
  listener: DownListener<C, Name>,
  roomId?: MaybeRefOrGetter<string>,
): void {
  const client = useClient<C>()
  whileMounted(
    () => toValue(roomId),
    (id) => {
      if (id === undefined) return client.on(event, listener)
      const room = client.room(id)
      room.on(event, listener)
      return () => room.release()
    },
  )
}

/**
 * A room that is joined while the component is mounted: its snapshot, and the room itself once it is mounted.
 * @param presence what this user says of themselves, from the join on; another value replaces it
 */
export function useRoom(
  roomId: MaybeRefOrGetter<string>,
  presence?: MaybeRefOrGetter<PresenceGivenBy<undefined>>,
): {
  readonly state: Readonly<ShallowRef<RoomSnapshot>>
  readonly room: Readonly<ShallowRef<Room | undefined>>
} {
  const client = useClient()
  const state = shallowRef(UNJOINED_ROOM)
  const current = shallowRef<Room>()
  whileMounted(
    () => toValue(roomId),
    (id) => {
      const room = client.room(id, { state: toValue(presence) }) as Room
      const read = (): void => {
        state.value = room.getSnapshot()
      }
      current.value = room
      read()
      room.subscribe(read)
      return () => {
        room.release()
        current.value = undefined
        state.value = UNJOINED_ROOM
      }
    },
  )
  if (presence !== undefined)
    watch(
      () => toValue(presence),
      (now) => current.value?.setPresence(now),
      { deep: true },
    )
  return { state, room: current }
}

/** The messages of a room, with pending and refused ones, and what can be done with them. */
export function useMessages(
  roomId: MaybeRefOrGetter<string>,
): MessageActions & { readonly state: Readonly<ShallowRef<MessagesSnapshot>> } {
  const client = useClient()
  const store = () => messagesOf(client, toValue(roomId))
  return { state: useSnapshot(store), ...messageActionsOf(store) }
}

/** The state of a room, which is joined while the component is mounted, and what can be done with it. */
export function useRoomState<C extends AnyContract = undefined>(
  roomId: MaybeRefOrGetter<string>,
): StateActions<C> & { readonly state: Readonly<ShallowRef<RoomState<C>>> } {
  const client = useClient<C>()
  const store = () => stateOf(client, toValue(roomId))
  return { state: useSnapshot(store), ...stateActionsOf(store) }
}

/** How many messages of others this user has not read, in a list of rooms, and what can be done about it. */
export function useUnread(roomIds: MaybeRefOrGetter<readonly string[]>): {
  /** By room; a room is missing until it was counted. */
  readonly rooms: Readonly<ShallowRef<ReadonlyMap<string, Unread>>>
  /** This user has read a room: up to the event with this number, or all of it. */
  markRead(roomId: string, seq?: number): Promise<void>
  /** Counts again; messages of rooms that this client is not in are not noticed otherwise. */
  refresh(): void
} {
  const client = useClient()
  const store = computed(() => unreadOf(client, toValue(roomIds)))
  return {
    rooms: useSnapshot(() => store.value),
    markRead: (...args) => store.value.markRead(...args),
    refresh: () => store.value.refresh(),
  }
}

interface Source<T> {
  subscribe(onChange: () => void): () => void
  getSnapshot(): T
}

function useSnapshot<T>(source: () => Source<T>): Readonly<ShallowRef<T>> {
  const value = shallowRef(source().getSnapshot()) as ShallowRef<T>
  whileMounted(source, (now) => {
    const read = (): void => {
      value.value = now.getSnapshot()
    }
    read()
    return now.subscribe(read)
  })
  return value
}
