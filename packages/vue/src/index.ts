/** Vue composables over the client's `subscribe` and `getSnapshot`. */
import {
  type AnyContract,
  type Client,
  type ConnectionState,
  type DownEvent,
  type DownListener,
  type Room,
  type RoomSnapshot,
  UNJOINED_ROOM,
} from '@roomful/client'
import { type MessageActions, type MessagesSnapshot, messageActionsOf, messagesOf } from '@roomful/client/messages'
import {
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
  const state = shallowRef(client.getSnapshot())
  const read = (): void => {
    state.value = client.getSnapshot()
  }
  whileMounted(
    () => client,
    () => {
      read()
      return client.subscribe(read)
    },
  )
  return state
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

/** A room that is joined while the component is mounted: its snapshot, and the room itself once it is mounted. */
export function useRoom(roomId: MaybeRefOrGetter<string>): {
  readonly state: Readonly<ShallowRef<RoomSnapshot>>
  readonly room: Readonly<ShallowRef<Room | undefined>>
} {
  const client = useClient()
  const state = shallowRef(UNJOINED_ROOM)
  const current = shallowRef<Room>()
  whileMounted(
    () => toValue(roomId),
    (id) => {
      const room = client.room(id) as Room
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
  return { state, room: current }
}

/** The messages of a room, with pending and refused ones, and what can be done with them. */
export function useMessages(
  roomId: MaybeRefOrGetter<string>,
): MessageActions & { readonly state: Readonly<ShallowRef<MessagesSnapshot>> } {
  const client = useClient()
  const store = () => messagesOf(client, toValue(roomId))
  const state = shallowRef(store().getSnapshot())
  whileMounted(store, (now) => {
    const read = (): void => {
      state.value = now.getSnapshot()
    }
    read()
    return now.subscribe(read)
  })
  return {
    state,
    ...messageActionsOf(store),
  }
}
