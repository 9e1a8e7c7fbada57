/** What another node stored reaches this one through the broker: late, twice, out of order or not at all. */
import { createMemoryLog } from '@roomful/server/testing'
import { createTestServer, SeededRandom, type TestClient, type TestServer, VirtualClock } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { BrokerListener, CommittedRow } from '../../src/core/ports/broker.ts'
import { audience } from './audience.ts'

const SETTINGS = { ratePerSecond: 0, ratePerMinute: 0, historySize: 4 }

interface Nodes {
  readonly there: TestServer
  readonly here: TestServer
  /** What `here` is told, and by whom. */
  readonly listener: BrokerListener
  /** What `there` stored in room x. */
  rows(roomId?: string): Promise<CommittedRow[]>
}

/** Two servers over one log; nothing goes from one to the other by itself. */
async function twoNodes(): Promise<Nodes> {
  const clock = new VirtualClock()
  const storage = createMemoryLog({ clock, random: new SeededRandom(3) })
  const there = await createTestServer({ settings: SETTINGS, clock, storage })
  let listener: BrokerListener | undefined
  const here = await createTestServer({
    settings: SETTINGS,
    clock,
    storage,
    seed: 2,
    broker: (local) => ({
      ...local,
      listen: (given) => {
        listener = given
        local.listen(given)
      },
    }),
  })
  if (!listener) throw new Error('The hub does not listen')
  const limits = { events: 1_000, bytes: 1_000_000 }
  const rows = async (roomId = 'x'): Promise<CommittedRow[]> => {
    const [head] = await there.broker.heads('/', [roomId])
    const found = await there.broker.read('/', [{ roomId, seq: 0 }], limits)
    return found.map((row) => ({ ...row, epoch: head?.epoch ?? '' }))
  }
  return { there, here, listener, rows }
}

async function say(client: TestClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await client.request('message:send', { roomId: 'x', content: 'hi' })
}

const seqs = (client: TestClient): number[] => client.messages('chat:message').map(({ seq }) => seq)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('events of another node', () => {
  it('[G4] [C21] are released once and in order, whatever is lost, doubled or turned round on the way', async () => {
    const delivery = fc.array(
      fc.record({ at: fc.nat(29), count: fc.integer({ min: 1, max: 4 }), rest: fc.boolean() }),
      {
        maxLength: 30,
      },
    )
    await fc.assert(
      fc.asyncProperty(delivery, async (parts) => {
        const { there, here, listener, rows } = await twoNodes()
        const { member } = await audience(here, { member: ['x'] })
        await say(await there.connect({ user: 'publisher' }), 30)
        const all = await rows()
        for (const { at, count, rest } of parts) {
          listener.onEvents('/', all.slice(at, at + count))
          if (rest) await here.settle()
        }
        listener.onEvents('/', all.slice(-1))
        await here.settle()
        expect(seqs(member)).toEqual(range(1, 30))
        await here.close()
      }),
      { numRuns: 100 },
    )
  })

  it('[G4] that were all lost are found after a break', async () => {
    const { there, here, listener } = await twoNodes()
    const { member } = await audience(here, { member: ['x'] })
    await say(await there.connect({ user: 'publisher' }), 20)
    expect(seqs(member)).toEqual([])
    listener.onBreak('/')
    await here.settle()
    expect(seqs(member)).toEqual(range(1, 20))
    listener.onBreak('/')
    await here.settle()
    expect(seqs(member)).toEqual(range(1, 20))
    await here.close()
  })

  it('[G4] are found after a break also when the broker cannot tell at once what there is', async () => {
    const { there, here, listener } = await twoNodes()
    const { member } = await audience(here, { member: ['x'] })
    await say(await there.connect({ user: 'publisher' }), 3)
    const askHeads = here.broker.heads.bind(here.broker)
    let isAway = true
    const heads = vi.spyOn(here.broker, 'heads').mockImplementation(async (name, roomIds) => {
      if (isAway) throw new Error('not yet')
      return askHeads(name, roomIds)
    })
    listener.onBreak('/')
    await here.settle()
    // Of the room, and of the member's inbox.
    expect([seqs(member), here.observed('commit:failed').length]).toEqual([[], 2])
    isAway = false
    await here.advance(1_100)
    expect(seqs(member)).toEqual(range(1, 3))
    expect(heads).toHaveBeenCalledTimes(4)
    await here.close()
  })

  it('[G4] that were lost come before what is stored here', async () => {
    const { there, here } = await twoNodes()
    const { member, author } = await audience(here, { member: ['x'], author: ['x'] })
    await say(await there.connect({ user: 'publisher' }), 10)
    const { data } = await author.request('message:send', { roomId: 'x', content: 'mine' })
    expect(data).toMatchObject({ status: 'ok', seq: 11 })
    await here.settle()
    for (const client of [member, author]) expect(seqs(client)).toEqual(range(1, 11))
    await here.close()
  })

  it('[G4] of another log under the same number are not taken for old ones: members get a reset and what is there', async () => {
    const { there, here, listener, rows } = await twoNodes()
    const { member } = await audience(here, { member: ['x'] })
    await say(await there.connect({ user: 'publisher' }), 6)
    listener.onEvents('/', await rows())
    await here.settle()
    expect(seqs(member)).toEqual(range(1, 6))
    // The log lost its end, and was written to again: event 5 is another one now.
    const heads = async () => [{ roomId: 'x', epoch: 'other.2', seq: 5, first: 1 }]
    const lost = vi.spyOn(here.broker, 'heads').mockImplementation(heads)
    const [, , , , fifth] = await rows()
    if (fifth) listener.onEvents('/', [{ ...fifth, epoch: 'other.2' }])
    await here.settle()
    expect(lost).toHaveBeenCalledTimes(1)
    expect(member.messages('reset')).toMatchObject([{ roomId: 'x', reason: 'epoch', from: 1, to: 5, epoch: 'other.2' }])
    expect(seqs(member)).toEqual([...range(1, 6), ...range(1, 5)])
    const [next] = await rows()
    if (next) listener.onEvents('/', [{ ...next, seq: 6, n: 7, epoch: 'other.2' }])
    await here.settle()
    expect(seqs(member).at(-1)).toBe(6)
    expect((await member.request('room:join', 'x')).data).toMatchObject({ epoch: 'other.2', seq: 6 })
    await here.close()
  })

  it('of rooms and namespaces that nobody is in are ignored', async () => {
    const { there, here, listener, rows } = await twoNodes()
    await say(await there.connect({ user: 'publisher' }), 1)
    listener.onEvents('/', await rows())
    listener.onEvents('/nowhere', await rows())
    listener.onBreak('/nowhere')
    await here.settle()
    expect(here.get('/').state.rooms.size).toBe(0)
    await here.close()
  })

  it('[B23] a private message reaches a user who is connected elsewhere', async () => {
    const { there, here, listener, rows } = await twoNodes()
    const bob = await here.connect({ user: 'bob' })
    const ann = await there.connect({ user: 'ann' })
    await ann.request('message:private', { to: 'bob', content: 'psst' })
    listener.onEvents('/', await rows('user:bob'))
    await here.settle()
    expect(bob.messages('message:private')).toMatchObject([{ content: 'psst', fromUser: 'ann' }])
    await here.close()
  })
})
