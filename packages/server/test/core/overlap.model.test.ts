/**
 * Several reconnects of one session at once, each as slow as it likes at every step: proof, session, rooms. Whatever comes
 * first, one connection lives in the end, and it is the newest of those that claimed the session.
 */
import { type Dialect, v1Dialect } from '@roomful/server/testing'
import { createTestServer, TestClient, type TestServer, type VirtualClock } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** As v1, and as Socket.IO does it: the server brings the rooms back. With more nodes each takes the session over first. */
const restoring: Dialect = { ...v1Dialect, restoresRooms: true }
const dialects: Record<string, Dialect> = {
  v1: v1Dialect,
  restoring,
  'v1 on one of several nodes': v1Dialect,
  'restoring on one of several nodes': restoring,
}

interface Attempt {
  /** When it begins, ms after the one before. */
  readonly afterMs: number
  /** How long its proof takes. */
  readonly proofMs: number
  /** It is cut as soon as it began, unless it is the last one: as a client does that tries again. */
  readonly isAbandoned: boolean
}

const wait = (clock: VirtualClock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, () => resolve()))

async function begin(server: TestServer, dialect: Dialect, session?: string, proofMs = 0): Promise<TestClient> {
  const client = new TestClient(server.clock, 'v1')
  const arrival = { ip: '127.0.0.1', userAgent: '', namespace: server.get('/'), credentials: {} }
  client.attach(server.hub.links.accept({ wire: client.wire, dialect, ...arrival }))
  const token = `${server.token('ann')} ${proofMs}`
  client.send({ type: 'open', v: 1, ns: '/', token, ...(session === undefined ? {} : { session }) })
  return client
}

async function run(name: string, attempts: readonly Attempt[], isCut: boolean, delays: readonly number[]) {
  let calls = 0
  const delay = (): number => delays[calls++ % delays.length] ?? 0
  await using server = await createTestServer({
    settings: { ratePerSecond: 0, ratePerMinute: 0 },
    broker: (broker, clock) => ({
      ...broker,
      findSession: async (...args) => {
        const found = await broker.findSession(...args)
        await wait(clock, delay())
        return found
      },
      takeSession: async (...args) => {
        await wait(clock, delay())
        const taken = await broker.takeSession(...args)
        await wait(clock, delay())
        return taken
      },
      ...(name.includes('nodes') ? { otherNodes: async () => 1 } : {}),
      heads: async (...args) => {
        await wait(clock, delay())
        return broker.heads(...args)
      },
    }),
  })
  const { authenticator, clock } = server
  const authenticate = authenticator.authenticate.bind(authenticator)
  authenticator.authenticate = async ({ token = '' }) => {
    const [proof = '', ms] = token.split(' ')
    await wait(clock, Number(ms))
    return authenticate({ token: proof })
  }
  const dialect = dialects[name] as Dialect
  const first = await begin(server, dialect)
  await server.advance(10)
  const { session } = first
  await first.request('room:join', 'x')
  if (isCut) first.cut()
  const clients: TestClient[] = []
  for (const { afterMs, proofMs, isAbandoned } of attempts) {
    await server.advance(afterMs)
    const client = await begin(server, dialect, session, proofMs)
    clients.push(client)
    if (isAbandoned && clients.length < attempts.length) clock.after(1, () => client.cut())
  }
  await server.advance(2_000)
  const open = [first, ...clients].filter(({ closed }) => closed === undefined)
  const wanted = clients.at(-1) as TestClient
  const namespace = server.get('/')
  expect(open.map((client) => clients.indexOf(client))).toEqual([clients.length - 1])
  expect(namespace.connections.size).toBe(open.length)
  for (const client of [first, ...clients]) {
    if (client.closed && client.closed.code !== 1006) expect(client.closed.code).toBe(4005)
  }
  if (dialect.restoresRooms && wanted.received.some((each) => each.type === 'opened' && each.recovered)) {
    expect([...(namespace.connections.values().next().value?.memberships.keys() ?? [])]).toEqual(['x'])
  }
  for (const client of open) client.close()
  await server.advance(8_000)
  expect([namespace.state.rooms.size, namespace.state.sessions.size, server.hub.runtime.timers.size]).toEqual([0, 0, 0])
}

describe('[C18] overlapping reconnects of one session', () => {
  const ms = fc.constantFrom(0, 1, 5, 20, 100)
  const attempt = fc.record({ afterMs: ms, proofMs: ms, isAbandoned: fc.boolean() })

  it.each(Object.keys(dialects))(
    '[V20] leave the newest one live, and close the others with 4005 (%s)',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(attempt, { minLength: 1, maxLength: 5 }),
          fc.boolean(),
          fc.array(ms, { minLength: 1, maxLength: 6 }),
          (attempts, isCut, delays) => run(name, attempts, isCut, delays),
        ),
        { numRuns: 150 },
      )
    },
    60_000,
  )
})
