/** What another node stores arrives through the broker, and not always all of it: what is missing is read before what is newer is told. */
import type { Append, BrokerListener, CommittedRow } from '@roomful/server/ports'
import { createLocalBroker, createMemoryLog } from '@roomful/server/testing'
import {
  called,
  createTestServer,
  SeededRandom,
  type TestClient,
  type TestServerOptions,
  VirtualClock,
} from '@roomful/testkit'
import { expect, it } from 'vitest'

/** A broker that another node writes to, and whose news a test may lose. */
interface Shared {
  readonly server: TestServerOptions
  /** Stores as another node does; nobody here is told. */
  readonly store: (...contents: string[]) => Promise<CommittedRow[]>
  readonly tell: (rows: readonly CommittedRow[]) => void
  readonly breakAndMend: () => void
}

function sharedBroker(): Shared {
  const clock = new VirtualClock()
  const storage = createMemoryLog({ clock, random: new SeededRandom(1) })
  const other = called(createLocalBroker({ log: storage }))
  let listener: BrokerListener | undefined
  return {
    server: {
      clock,
      storage,
      broker: (local) => ({
        ...local,
        listen: (given) => {
          listener = given
          local.listen(given)
        },
      }),
    },
    store: async (...contents) => {
      const entries = contents.map(
        (content): Append => ({
          roomId: 'r',
          type: 'message:new',
          argsJson: JSON.stringify([{ userId: 'far', name: 'Far', content }]),
          userId: 'far',
          key: undefined,
          atomicGroup: undefined,
        }),
      )
      await other.append('/', entries)
      const [head] = await other.heads('/', ['r'])
      const { events } = await other.history('/', 'r', { limit: entries.length })
      return events.map((row) => ({ ...row, epoch: head?.epoch ?? '' }))
    },
    tell: (rows) => listener?.onEvents('/', rows),
    breakAndMend: () => listener?.onBreak('/'),
  }
}

const contents = (client: TestClient): string[] => client.messages('chat:message').map(({ content }) => content)

it('[O8] [G4] a hole is read from the log before anything later is told', async () => {
  const shared = sharedBroker()
  await using server = await createTestServer(shared.server)
  const ann = await server.connect({ user: 'ann' })
  await ann.request('room:join', 'r')
  shared.tell((await shared.store('one', 'two', 'three')).slice(2))
  await server.settle()
  expect(contents(ann)).toEqual(['one', 'two', 'three'])
  shared.tell(await shared.store('four'))
  await server.settle()
  expect(contents(ann)).toEqual(['one', 'two', 'three', 'four'])
})

it('[O8] [G4] what comes twice, or late, is told once', async () => {
  const shared = sharedBroker()
  await using server = await createTestServer(shared.server)
  const ann = await server.connect({ user: 'ann' })
  await ann.request('room:join', 'r')
  const rows = await shared.store('one', 'two')
  shared.tell(rows.slice(1))
  shared.tell(rows)
  await server.settle()
  shared.tell(rows)
  await ann.request('message:send', { roomId: 'r', content: 'mine' })
  expect(contents(ann)).toEqual(['one', 'two', 'mine'])
})

it('[O8] [G4] after a break what was missed is found by the heads', async () => {
  const shared = sharedBroker()
  await using server = await createTestServer(shared.server)
  const ann = await server.connect({ user: 'ann' })
  await ann.request('room:join', 'r')
  await shared.store('one', 'two')
  await server.settle()
  expect(contents(ann)).toEqual([])
  shared.breakAndMend()
  await server.settle()
  expect(contents(ann)).toEqual(['one', 'two'])
})

it('[O8] [G4] one of our own that is stored behind a hole waits for it', async () => {
  const shared = sharedBroker()
  await using server = await createTestServer(shared.server)
  const ann = await server.connect({ user: 'ann' })
  await ann.request('room:join', 'r')
  await shared.store('one', 'two')
  await ann.request('message:send', { roomId: 'r', content: 'mine' })
  await server.settle()
  expect(contents(ann)).toEqual(['one', 'two', 'mine'])
})
