/** Faults in the core: a method of one of its parts does something else, or nothing. */
import { type Fault, type Method, replace } from './fault.ts'

const nothing = (): Method => () => undefined

export const SERVER_FAULTS: readonly Fault[] = [
  {
    name: 'goes live one event too early in catch-up',
    server: ({ hub }) =>
      replace(hub.catchUp, 'isCaughtUp', () => (connection) => {
        for (const { room, position } of connection.memberships.values()) if (position < room.head - 1) return false
        return true
      }),
  },
  {
    name: 'pushes live events to who still has to catch up',
    server: ({ hub }) => replace(hub.catchUp, 'begin', () => () => ({ reading: false, latest: undefined, events: 0 })),
  },
  {
    name: 'drops the last event of a batch',
    server: (server) => {
      const { commit, fanOut } = server.get('/').requests
      let dropped: number | undefined
      replace(commit, 'release', (original) => (units, results) => {
        const stored = results.filter(({ status }: { status: string }) => status === 'stored')
        dropped = stored.length > 1 ? stored.at(-1).n : undefined
        original.call(commit, units, results)
        dropped = undefined
      })
      replace(fanOut, 'release', (original) => (event) => {
        if (dropped === undefined || event.stored?.n !== dropped) original.call(fanOut, event)
      })
    },
  },
  {
    name: 'never tells a gap',
    server: ({ hub }) => replace(hub.catchUp, 'sendReset', nothing),
  },
  {
    name: 'forgets who drained',
    server: ({ hub }) =>
      replace(hub.catchUp, 'onDrained', () => (link) => {
        link.slow = false
        link.wire.resumeReading()
      }),
  },
  {
    name: 'queues whatever it has for who does not read',
    server: ({ hub }) => replace(hub.catchUp, 'onSlow', nothing),
  },
  {
    name: 'forgets a hold: who was cut off and stays away is a member for ever',
    server: (server) =>
      replace(server.get('/').presence, 'removeIfGone', (original) => (room, seat, reason) => {
        if (reason !== 'timeout') original.call(server.get('/').presence, room, seat, reason)
      }),
  },
  {
    name: 'tells presence twice',
    server: ({ hub: { delivery } }) =>
      replace(delivery, 'send', (original) => (connection, event, target) => {
        original.call(delivery, connection, event, target)
        if (event.type === 'user:joined') original.call(delivery, connection, event, target)
      }),
  },
  {
    name: 'lets a second link live in one session',
    server: ({ hub }) =>
      replace(hub.lifecycle, 'close', (original) => (connection, code, ...more) => {
        if (code !== 4005) original.call(hub.lifecycle, connection, code, ...more)
      }),
  },
  {
    name: 'gives a seat to whoever asks',
    server: (server) => replace(server.get('/').requests.joins.seats, 'checkCapacity', nothing),
  },
  {
    name: 'keeps a member whose role no longer allows it',
    server: (server) => replace(server.get('/').requests.access, 'recheckRoom', () => async () => undefined),
  },
  {
    name: 'never frees a room',
    server: (server) => replace(server.get('/').rooms, 'freeIfEmpty', nothing),
  },
  {
    name: 'leaves a heartbeat running behind a link that is gone',
    server: ({ hub }) => replace(hub.runtime.timers, 'cancel', nothing),
  },
]
