/** Faults in messages that are written in pieces. */
import type { Append, Appended, StoredRow } from '@roomful/server/ports'
import { appending } from '@roomful/testkit'
import { STREAMS } from '@roomful/testkit/simulator'
import { type Fault, replace } from './fault.ts'

/** The text without its end. */
function withoutLastGroup(row: StoredRow): StoredRow {
  const [data] = JSON.parse(row.argsJson || '[{}]') as [{ content?: string; state?: string } | undefined]
  if (data?.state === undefined || !data.content) return row
  return { ...row, argsJson: JSON.stringify([{ ...data, content: data.content.slice(0, -4) }]) }
}

const FAULTS: readonly Omit<Fault, 'application'>[] = [
  {
    name: 'sends a piece twice to who reads again',
    server: ({ hub }) =>
      replace(hub.catchUp, 'writeTexts', (original) => (...call) => {
        original.apply(hub.catchUp, call)
        original.apply(hub.catchUp, call)
      }),
  },
  {
    name: 'sends no piece to who reads again',
    server: ({ hub }) => replace(hub.catchUp, 'writeTexts', () => () => undefined),
  },
  {
    name: 'folds a message without its last group',
    broker: (broker) => ({
      ...broker,
      read: async (...call) => (await broker.read(...call)).map(withoutLastGroup),
      history: async (...call) => {
        const page = await broker.history(...call)
        return { ...page, events: page.events.map(withoutLastGroup) }
      },
    }),
  },
  {
    name: 'answers for a piece that it does not store',
    broker: (broker) => {
      let pieces = 0
      return appending(broker, async (entries, store) => {
        const lost = new Map<Append, Appended>()
        for (const entry of entries) {
          const { change } = entry
          if (change?.kind !== 'extend' || change.length === 0 || ++pieces % 5 > 0) continue
          lost.set(entry, { status: 'changed', ts: 0, version: change.at + change.length, isRepeat: false })
        }
        const left = (await store(entries.filter((entry) => !lost.has(entry)))).values()
        return entries.map((entry) => lost.get(entry) ?? (left.next().value as Appended))
      })
    },
  },
  {
    name: 'loses a stop',
    server: (server) => {
      const { streams } = server.get('/').requests
      replace(streams, 'endUnlessOver', (original) => async (roomId, seq, known, request) => {
        if (request.userId !== undefined) return { ended: { state: 'cancelled', length: known.length }, isOver: false }
        return original.call(streams, roomId, seq, known, request)
      })
    },
  },
  {
    name: 'tells a writer of each stop, also of one that came too late',
    server: (server) => {
      const { streams } = server.get('/').requests
      replace(streams, 'endUnlessOver', (original) => async (...call) => {
        return { ...(await original.apply(streams, call)), isOver: false }
      })
    },
  },
  {
    name: 'never interrupts a writer that is gone',
    server: (server) => {
      server.get('/').requests.fanOut.texts.onIdle = () => undefined
    },
  },
]

export const STREAMS_FAULTS: readonly Fault[] = FAULTS.map((fault) => ({ ...fault, application: STREAMS }))
