/**
 * A list of members kept from a snapshot and the changes after it, under any coming and going: by name, and around the
 * size of room at which changes begin to be told together. It must be the server's own list in the end, with no number
 * missing on the way, and nobody may be told twice that a user came or went.
 */
import { createTestServer, type Message, type TestClient, type TestServer } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PRESENCE_BY_NAME_MAX } from '../../src/core/rooms/presence/presence-feed.ts'

const ACTORS = 8
const actor = fc.nat(ACTORS - 1)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), who: actor }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'close' as const), who: actor }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tab' as const), who: actor }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 20, 60, 110, 1_050, 5_100) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

interface Snapshot {
  readonly pv: number
  readonly users: readonly { readonly userId: string; readonly status: string }[]
}

/** The list as a careful client keeps it: who, and in which state. */
class Mirror {
  readonly users: Map<string, string>
  readonly online = new Set<string>()
  private pv: number

  constructor({ pv, users }: Snapshot) {
    this.pv = pv
    this.users = new Map(users.map(({ userId, status }) => [userId, status]))
  }

  get version(): number {
    return this.pv
  }

  hear({ type, since, pv, userId, joined, left, changed, status }: Message): void {
    if (type === 'presence:update') return this.update(userId, status === 'online')
    if (type === 'presence:diff') {
      if (pv <= this.pv) throw new Error(`a diff up to ${pv} came after ${this.pv}`)
      if (since !== this.pv) throw new Error(`a diff since ${since} came after ${this.pv}`)
      for (const each of joined) this.users.set(each.userId, each.status)
      for (const each of left) this.users.delete(each)
      for (const each of changed) {
        if (!this.users.has(each.userId)) throw new Error(`${each.userId} changed and was not there`)
        this.users.set(each.userId, each.status)
      }
      this.pv = pv
    }
    if (type !== 'user:joined' && type !== 'user:left') return
    if (pv !== this.pv + 1) throw new Error(`change ${pv} came after ${this.pv}`)
    if (this.users.has(userId) === (type === 'user:joined')) throw new Error(`${type} ${userId} twice`)
    if (type === 'user:joined') this.users.set(userId, 'online')
    else this.users.delete(userId)
    this.pv = pv
  }

  private update(userId: string, isOnline: boolean): void {
    if (this.online.has(userId) === isOnline) throw new Error(`${userId} was told ${isOnline} twice`)
    if (isOnline) this.online.add(userId)
    else this.online.delete(userId)
  }
}

/** One user with any number of tabs, every other one able to resume. */
class Actor {
  private readonly server: TestServer
  private readonly name: string
  private tabs: TestClient[] = []
  private lost: (string | undefined)[] = []

  constructor(server: TestServer, number: number) {
    this.server = server
    this.name = `actor${number}`
  }

  async act(what: Exclude<Step['do'], 'wait'>): Promise<void> {
    if (what === 'tab' || this.tabs.length === 0) {
      const dialect = this.tabs.length % 2 ? 'plain' : 'v1'
      const session = dialect === 'v1' ? this.lost.pop() : undefined
      this.tabs.push(await this.server.connect({ user: this.name, dialect, session }))
    }
    const tab = this.tabs.at(-1) as TestClient
    if (what === 'join' || what === 'leave') tab.post(`room:${what}`, { roomId: 'x' })
    if (what === 'close') tab.close()
    if (what === 'cut') {
      this.lost.push(tab.session)
      tab.cut()
    }
    if (tab.closed) this.tabs.pop()
  }
}

/** @param settleMs 8,000 for all graces to end; less shows also who is still on the way back */
async function run(steps: readonly Step[], crowd: number, settleMs = 8_000): Promise<void> {
  await using server = await createTestServer({ settings: { ratePerSecond: 0, ratePerMinute: 0 } })
  for (let i = 0; i < crowd; i++) {
    const member = server.open({ user: `member${i}` })
    await server.settle()
    member.post('room:join', 'x')
  }
  const watcher = await server.connect({ user: 'watcher' })
  await server.advance(2_000)
  watcher.forget()
  const mirror = new Mirror((await watcher.request('room:join', 'x')).data as unknown as Snapshot)
  const before = await server.get('/').roomUsers('x')
  for (const { userId, status } of before) mirror.users.set(userId, status) // a snapshot holds the first 200
  const actors = Array.from({ length: ACTORS }, (_, number) => new Actor(server, number))
  for (const each of steps) {
    if (each.do === 'wait') await server.advance(each.ms)
    else await actors[each.who]?.act(each.do)
  }
  await server.advance(settleMs)
  for (const message of watcher.received) mirror.hear(message)
  const members = await server.get('/').roomUsers('x')
  expect([...mirror.users].sort()).toEqual(members.map(({ userId, status }) => [userId, status]).sort())
  expect(mirror.version).toBe((await watcher.request('presence:get', 'x')).data.pv)
  const online = [...server.get('/').state.users.keys()].filter((userId) => userId.startsWith('actor'))
  expect([...mirror.online].sort()).toEqual(online.sort())
}

describe('a list of members', () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 50, size: 'max' })

  it('[D10] [G6] [C13] built from single changes is the server’s own', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, (list) => run(list, 2, list.length % 2 ? 8_000 : 2_000)),
      { numRuns: 200 },
    )
  })

  it('[D10] [G6] told by name and together, in turns, is the server’s own', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 2, max: 6 }), (list, below) => run(list, PRESENCE_BY_NAME_MAX - below)),
      { numRuns: 25, endOnFailure: true },
    )
  })
})
