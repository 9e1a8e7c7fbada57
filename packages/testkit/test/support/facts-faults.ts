/** Faults in the facts of a room: its state, what members say of themselves, how far they have read, how much of it they want. */
import type { Append, Appended, FactChange } from '@roomful/server/ports'
import { appending } from '@roomful/testkit'
import { FACTS } from '@roomful/testkit/simulator'
import { Sampler } from '../../../server/src/core/state/flow.ts'
import { type Fault, replace } from './fault.ts'

function withoutVersion(change: FactChange | undefined): FactChange | undefined {
  return change?.kind === 'set' || change?.kind === 'delete' ? { ...change, version: undefined } : change
}

const isOfState = ({ change }: Append): boolean => change?.kind === 'set' || change?.kind === 'add'

const FAULTS: readonly Omit<Fault, 'application'>[] = [
  {
    name: 'drops a change of the state for a slow link',
    server: ({ hub }) => replace(hub.catchUp, 'writeStates', () => () => undefined),
  },
  {
    name: 'reads a snapshot of the state before a change, and numbers it after',
    broker: (broker) => ({
      ...broker,
      state: async (...call) => {
        const { fv, entries } = await broker.state(...call)
        return { fv, entries: entries.filter(({ version }) => version < fv) }
      },
    }),
  },
  {
    name: 'compares nothing before it sets',
    broker: (broker) =>
      appending(broker, (entries, store) =>
        store(entries.map((entry) => ({ ...entry, change: withoutVersion(entry.change) }))),
      ),
  },
  {
    name: 'stores the event of a handler without the state that belongs to it',
    broker: (broker) =>
      appending(broker, async (entries, store) => {
        const isLost = (entry: Append): boolean => entry.atomicGroup !== undefined && isOfState(entry)
        const left = (await store(entries.filter((entry) => !isLost(entry)))).values()
        const lost: Appended = { status: 'changed', ts: 0, version: 1, isRepeat: true }
        return entries.map((entry) => (isLost(entry) ? lost : (left.next().value ?? lost)))
      }),
  },
  {
    name: 'forgets how far a user has read',
    broker: (broker) => ({ ...broker, readPositions: async (_namespace, _user, roomIds) => roomIds.map(() => 0) }),
  },
  {
    name: 'says for a new connection what the one before it said',
    server: (server) => {
      const { presence } = server.get('/')
      const said = new Map<string, object>()
      replace(presence, 'setState', (original) => (room, connection, state) => {
        said.set(`${room.id} ${connection.user.sub}`, state)
        return original.call(presence, room, connection, state)
      })
      replace(presence, 'add', (original) => (room, connection, state) => {
        return original.call(presence, room, connection, state ?? said.get(`${room.id} ${connection.user.sub}`))
      })
    },
  },
  {
    name: 'keeps the first of an interval, and not the latest',
    sdk: () =>
      replace(
        Sampler.prototype,
        'hold',
        (original) =>
          function (this: { held: Map<string, unknown> }, event, latestKey, isFor) {
            if (!this.held.has(`${event.type}\n${latestKey ?? ''}`)) original.call(this, event, latestKey, isFor)
          },
      ),
  },
]

export const FACTS_FAULTS: readonly Fault[] = FAULTS.map((fault) => ({ ...fault, application: FACTS }))
