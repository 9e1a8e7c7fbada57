/** Faults in the SDK: a method of a class of its own, which no application sees, does something else. */
import { Outbox } from '../../../client/src/outbox.ts'
import { RoomPresence } from '../../../client/src/presence.ts'
import { Requests } from '../../../client/src/requests.ts'
import { Rooms } from '../../../client/src/room.ts'
import { RoomSubscription } from '../../../client/src/room-subscription.ts'
import { type Fault, replace } from './fault.ts'

export const SDK_FAULTS: readonly Fault[] = [
  {
    name: 'the SDK forgets its outbox when it reconnects',
    sdk: () => replace(Outbox.prototype, 'handleOpen', () => () => undefined),
  },
  {
    name: 'the SDK makes a new key for each try',
    sdk: () => {
      let tries = 0
      return replace(
        Requests.prototype,
        'call',
        (original) =>
          function (this: Requests, event, args, { key, ...call }) {
            return original.call(this, event, args, key === undefined ? call : { ...call, key: `${key}#${++tries}` })
          },
      )
    },
  },
  {
    name: 'the SDK does not tell of a gap',
    sdk: () =>
      replace(
        RoomSubscription.prototype,
        'reset',
        () =>
          function (this: RoomSubscription, { from }) {
            this.position = { ...this.position, seq: from - 1 }
          },
      ),
  },
  {
    name: 'the SDK does not join its rooms again',
    sdk: () => replace(Rooms.prototype, 'handleOpen', () => () => undefined),
  },
  {
    name: 'the SDK does not know where it stands in its inbox',
    sdk: () =>
      replace(
        Rooms.prototype,
        'handle',
        (original) =>
          function (this: Rooms, event) {
            const isPrivate = event.meta.roomId?.startsWith('user:') ?? false
            return isPrivate || original.call(this, event)
          },
      ),
  },
  {
    name: 'the SDK hears of nobody who comes or goes',
    sdk: () => replace(RoomPresence.prototype, 'handle', () => () => undefined),
  },
]
