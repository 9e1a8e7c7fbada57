/**
 * One component's hold on a room, as React wants it: made while rendering, which does nothing yet; the room is joined when
 * somebody subscribes, and let go after. The client sees to it that holds of the same room share one membership, and that a
 * room which is taken up again at once was never left (B21).
 */
import { type Client, type Room, RoomfulError, type RoomSnapshot } from '@roomful/client'

/** What can be done in a room besides looking at it. */
export type RoomActions = Pick<
  Room,
  'send' | 'edit' | 'redact' | 'react' | 'removeReaction' | 'typing' | 'stopTyping' | 'history'
>

const NOT_YET: RoomSnapshot = { status: 'waiting', members: [], count: 0, typists: [], error: undefined }

/** What a component sees: the same object until something in it changes. */
export type HeldRoom = RoomSnapshot & RoomActions & { readonly room: Room | undefined }

export class RoomHold {
  private readonly actions: RoomActions
  private readonly client: Client
  private readonly roomId: string
  private room: Room | undefined
  private shown: { readonly of: RoomSnapshot; readonly view: HeldRoom } | undefined

  constructor(client: Client, roomId: string) {
    this.client = client
    this.roomId = roomId
    this.actions = {
      send: (...args) => this.held.send(...args),
      edit: (...args) => this.held.edit(...args),
      redact: (...args) => this.held.redact(...args),
      react: (...args) => this.held.react(...args),
      removeReaction: (...args) => this.held.removeReaction(...args),
      history: (...args) => this.held.history(...args),
      typing: () => this.held.typing(),
      stopTyping: () => this.held.stopTyping(),
    }
  }

  readonly getSnapshot = (): HeldRoom => {
    const { room, shown } = this
    const of = room?.getSnapshot() ?? NOT_YET
    // Two holds in a row of one membership, as under Strict Mode, have the same snapshot and another room.
    if (shown?.of === of && shown.view.room === room) return shown.view
    const view = { ...of, ...this.actions, room }
    this.shown = { of, view }
    return view
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    const room = this.client.room(this.roomId)
    this.room = room
    room.subscribe(onChange)
    return () => {
      room.release()
      if (this.room === room) this.room = undefined
    }
  }

  private get held(): Room {
    if (this.room) return this.room
    throw new RoomfulError('CLOSED', `The component that holds the room ${this.roomId} is not on the page`)
  }
}
