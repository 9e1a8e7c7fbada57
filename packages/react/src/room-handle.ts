/**
 * A component's use of a room, as `useSyncExternalStore` needs it. Making one while rendering does nothing; the room is
 * joined when React subscribes, and released after. The client keeps one subscription for all components, and does not leave
 * a room that is used again at once (B21).
 */
import {
  type Client,
  type PresenceState,
  type Room,
  RoomfulError,
  type RoomSnapshot,
  UNJOINED_ROOM,
} from '@roomful/client'

/** What a component can do in a room. */
export type RoomActions = Pick<
  Room,
  'send' | 'edit' | 'redact' | 'react' | 'removeReaction' | 'typing' | 'stopTyping' | 'history' | 'setPresence' | 'read'
>

type View = RoomSnapshot & RoomActions & { readonly room: Room | undefined }

export class RoomHandle {
  private readonly actions: RoomActions
  private readonly client: Client
  private readonly roomId: string
  /** What this user says of themselves when the room is joined. */
  state: PresenceState | undefined
  private room: Room | undefined
  private latest: { readonly snapshot: RoomSnapshot; readonly view: View } | undefined

  constructor(client: Client, roomId: string) {
    this.client = client
    this.roomId = roomId
    this.actions = {
      send: (...args) => this.mounted.send(...args),
      edit: (...args) => this.mounted.edit(...args),
      redact: (...args) => this.mounted.redact(...args),
      react: (...args) => this.mounted.react(...args),
      removeReaction: (...args) => this.mounted.removeReaction(...args),
      history: (...args) => this.mounted.history(...args),
      typing: () => this.mounted.typing(),
      stopTyping: () => this.mounted.stopTyping(),
      setPresence: (state) => this.mounted.setPresence(state),
      read: (seq) => this.mounted.read(seq),
    }
  }

  /** @returns the same object until something in it changes */
  readonly getSnapshot = (): View => {
    const { room, latest } = this
    const snapshot = room?.getSnapshot() ?? UNJOINED_ROOM
    // Under Strict Mode the second mount has another `Room` with the same snapshot.
    if (latest?.snapshot === snapshot && latest.view.room === room) return latest.view
    const view = { ...snapshot, ...this.actions, room }
    this.latest = { snapshot, view }
    return view
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    const room = this.client.room(this.roomId, { state: this.state })
    this.room = room
    room.subscribe(onChange)
    return () => {
      room.release()
      if (this.room === room) this.room = undefined
    }
  }

  private get mounted(): Room {
    if (this.room) return this.room
    throw new RoomfulError('CLOSED', `The component that uses the room ${this.roomId} is not mounted`)
  }
}
