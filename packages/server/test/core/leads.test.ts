/** `roomful.lead` on virtual time: alone, and beside other nodes that a pretended registry of leases stands for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRoomful, RoomfulError } from '@roomful/server'
import type { Broker, Held, LeadMark, WantedLead } from '@roomful/server/ports'
import { createTestServer, type TestServer } from '@roomful/testkit'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Lead, LeadRun } from '../../src/core/api.ts'

const LEASE_MS = 8_000

/** Leases as another node would leave them. */
class PretendedLeases {
  readonly leaseMs = LEASE_MS
  readonly released: LeadMark[] = []
  readonly asked: (readonly WantedLead[])[] = []
  holder: string | undefined
  isAway = false
  fence = 100

  async take(wanted: readonly WantedLead[]): Promise<Held[]> {
    this.asked.push(wanted)
    if (this.isAway) throw new Error('Redis is away')
    return wanted.map(({ fence }) => {
      if (this.holder !== undefined) return { fence: undefined, holder: this.holder }
      return { fence: fence ?? ++this.fence, holder: 'me' }
    })
  }

  async release(name: string, fence: number): Promise<void> {
    this.released.push({ name, fence })
  }
}

async function serve(run: LeadRun, leads?: PretendedLeases, ask?: Broker['ask']) {
  const given: Lead[] = []
  const leading: { ask<A>(question: unknown): Promise<A>; isHere: boolean }[] = []
  const server = await createTestServer({
    broker: (broker) => ({ ...broker, ...(leads && { leads, node: 'me' }), ...(ask && { ask }) }),
    setUp: (made) => {
      made.standardNamespaces()
      leading.push(
        made.lead('market', (lead) => {
          given.push(lead)
          return run(lead)
        }),
      )
    },
  })
  onTestFinished(() => server.close())
  await server.settle()
  const [market] = leading
  if (!market) throw new Error('Nothing leads')
  return { server, given, leading: market }
}

const namesOf = (server: TestServer) => server.observed('lead').map(({ what }) => what)

it('[T1] a server that runs alone leads from its start to its end', async () => {
  const { server, given, leading } = await serve(() => undefined)
  expect(given).toHaveLength(1)
  expect(leading.isHere).toBe(true)
  await server.advance(3_600_000)
  expect(given[0]?.lost.aborted).toBe(false)
  await server.close()
  expect(given[0]?.lost.aborted).toBe(true)
  expect(leading.isHere).toBe(false)
  expect(namesOf(server)).toEqual(['began', 'ended'])
})

it('[T1] a server on SQLite leads at once, and what it says is stored', async () => {
  const data = mkdtempSync(join(tmpdir(), 'roomful-lead-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const roomful = createRoomful({ data })
  const namespace = roomful.namespace('/')
  const leading = roomful.lead('market', async (lead) => {
    await lead.fenced(namespace).publish('market', 'price', [{ price: 1 }])
    lead.answer(() => 'here')
  })
  await roomful.start()
  expect(leading.isHere).toBe(true)
  expect(await leading.ask('where')).toBe('here')
  expect((await namespace.history('market', { limit: 2 })).events).toHaveLength(1)
  await roomful.close()
})

it('[T1] a name leads once, and is declared before the start', async () => {
  const { server } = await serve(() => undefined)
  expect(() => server.lead('market', () => undefined)).toThrow('Something leads under the name "market" already')
})

it('[T4] what throws is reported and runs again, each time later', async () => {
  let runs = 0
  const { server, given } = await serve(() => {
    runs++
    if (runs < 4) throw new Error(`failure ${runs}`)
  })
  await server.advance(20_000)
  expect(runs).toBe(4)
  expect(server.observed('lead:failed').map(({ retryMs }) => retryMs)).toEqual([1_000, 2_000, 4_000])
  expect(given.map(({ lost }) => lost.aborted)).toEqual([true, true, true, false])
})

it('[T4] after a calm minute a failure is the first one again', async () => {
  const fail = Promise.withResolvers<void>()
  let runs = 0
  const { server } = await serve(() => {
    runs++
    if (runs === 1) throw new Error('at once')
    return runs === 2 ? fail.promise : undefined
  })
  await server.advance(90_000)
  fail.reject(new Error('later'))
  await server.settle()
  expect(server.observed('lead:failed').map(({ retryMs }) => retryMs)).toEqual([1_000, 1_000])
})

it('[T2] what a lead publishes is stored and sent while it leads, and refused after that', async () => {
  const { server, given } = await serve(() => undefined)
  const [lead] = given
  const market = lead?.fenced(server.get('/'))
  const ann = await server.connect({ user: 'ann' })
  await ann.request('room:join', { roomId: 'market' })
  const stored = market?.publish('market', 'price', [{ price: 1 }])
  market?.to('market').emit('hint', { text: 'soon' })
  await server.settle()
  expect(await stored).toMatchObject({ seq: 1 })
  expect(ann.received.map(({ type }) => type)).toEqual(expect.arrayContaining(['price', 'hint']))
  const before = ann.received.length
  await server.hub.leads.stop()
  await expect(market?.publish('market', 'price', [{ price: 2 }])).rejects.toMatchObject({ code: 'LEAD_LOST' })
  market?.to('market').emit('hint', { text: 'never' })
  await server.settle()
  expect(ann.received).toHaveLength(before)
  expect((await server.get('/').history('market', { limit: 10 })).events).toHaveLength(1)
  expect(namesOf(server).filter((what) => what === 'refused')).toHaveLength(2)
})

it('[T1] beside other nodes it leads while its lease is renewed, and again with a higher fence', async () => {
  const leads = new PretendedLeases()
  const { server, given, leading } = await serve(() => undefined, leads)
  expect(given.map(({ fence }) => fence)).toEqual([101])
  await server.advance(60_000)
  expect(given[0]?.lost.aborted).toBe(false)
  expect(leads.asked.length).toBeGreaterThanOrEqual(29)
  leads.holder = 'other'
  await server.advance(2_100)
  expect(given[0]?.lost.aborted).toBe(true)
  expect(leading.isHere).toBe(false)
  leads.holder = undefined
  await server.advance(2_100)
  expect(given.map(({ fence }) => fence)).toEqual([101, 102])
})

it('[T1] without an answer it leads to the end of its lease and no longer', async () => {
  const leads = new PretendedLeases()
  const { server, given } = await serve(() => undefined, leads)
  leads.isAway = true
  await server.advance(LEASE_MS - 100)
  expect(given[0]?.lost.aborted).toBe(false)
  await server.advance(200)
  expect(given[0]?.lost.aborted).toBe(true)
})

it('[T1] after a suspension the first thing it does sees the end of its lease', async () => {
  const leads = new PretendedLeases()
  const { server, given } = await serve(() => undefined, leads)
  const market = given[0]?.fenced(server.get('/'))
  const { clock } = server
  const frozen = clock.monotonic() + 12_000
  const spy = vi.spyOn(clock, 'monotonic').mockReturnValue(frozen) // time has passed, and no timer has run yet
  onTestFinished(() => spy.mockRestore())
  await expect(market?.publish('market', 'price', [1])).rejects.toMatchObject({ code: 'LEAD_LOST' })
})

it('[T3] the next run on a node waits for the end of the one before', async () => {
  const leads = new PretendedLeases()
  const ends: (() => void)[] = []
  let running = 0
  let most = 0
  const { server, given } = await serve(async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => ends.push(resolve))
    running--
  }, leads)
  leads.holder = 'other'
  await server.advance(2_100)
  leads.holder = undefined
  await server.advance(2_100)
  expect(given).toHaveLength(1)
  ends[0]?.()
  await server.settle()
  expect(given).toHaveLength(2)
  expect(most).toBe(1)
  ends[1]?.()
})

it('[T3] a close ends the run, releases the lease and tells the others', async () => {
  const leads = new PretendedLeases()
  const told: string[] = []
  const { server, given } = await serve(
    () => undefined,
    leads,
    async (question) => {
      told.push(question.kind)
      return { asked: 1, answered: 1, answers: [] }
    },
  )
  await server.close()
  expect(given[0]?.lost.aborted).toBe(true)
  expect(leads.released).toEqual([{ name: 'market', fence: 101 }])
  expect(told).toContain('lead:free')
})

it('[T5] the lead answers, and refuses in its own words', async () => {
  const { leading } = await serve((lead) => {
    lead.answer(({ n }: { n: number }) => {
      if (n < 0) throw new RoomfulError('INVALID_MESSAGE', 'No negative numbers', { field: 'n' })
      return { twice: 2 * n }
    })
  })
  expect(await leading.ask({ n: 4 })).toEqual({ twice: 8 })
  await expect(leading.ask({ n: -1 })).rejects.toMatchObject({ code: 'INVALID_MESSAGE', field: 'n' })
})

it('[T5] an unexpected error of an answer is reported, and no detail of it leaves the server', async () => {
  const { server, leading } = await serve((lead) => {
    lead.answer(() => {
      throw new Error('the database is away')
    })
  })
  await expect(leading.ask(undefined)).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.not.stringContaining('database'),
  })
  expect(server.observed('handler:failed')).toHaveLength(1)
})

it('[T5] a question goes to the node that leads, and waits while none does', async () => {
  const leads = new PretendedLeases()
  leads.holder = 'other'
  const nodes: unknown[] = []
  const { server, leading } = await serve(() => undefined, leads, (async (
    _question: unknown,
    given: readonly string[],
  ) => {
    nodes.push(given)
    const value = nodes.length < 3 ? { status: 'elsewhere' } : { status: 'ok', json: '{"is":"there"}' }
    return { asked: 1, answered: 1, answers: [{ node: 'other', value }] }
  }) as unknown as Broker['ask'])
  const asked = leading.ask('where')
  await server.advance(1_000)
  expect(await asked).toEqual({ is: 'there' })
  expect(nodes).toEqual([['other'], ['other'], ['other']])
})

it('[T5] without a node that leads, a question is refused after three seconds', async () => {
  const leads = new PretendedLeases()
  leads.holder = 'gone'
  const { server, leading } = await serve(() => undefined, leads)
  const asked = expect(leading.ask('where')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
  await server.advance(4_000)
  await asked
})

it('[T5] a node that does not answer may have done it: the question is not sent again', async () => {
  const leads = new PretendedLeases()
  leads.holder = 'slow'
  let asked = 0
  const { leading } = await serve(() => undefined, leads, (async () => {
    asked++
    return { asked: 1, answered: 0, answers: [] }
  }) as Broker['ask'])
  await expect(leading.ask('where')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('may have done it'),
  })
  expect(asked).toBe(1)
})
