/** The inspector on a real server: figures every ten seconds, people and rooms as they are, and acts that hold at once. B14, B27, D8, D11. */
import type { Fact } from '@roomful/server'
import { expect, it } from 'vitest'
import type { Commons } from '../commons.ts'
import { serveDocuments } from '../features/documents/server.ts'
import { addFeatures } from '../features/index.ts'
import { Endings } from '../features/inspector/endings.ts'
import { FactCounter } from '../features/inspector/fact-counter.ts'
import { NAMESPACES } from '../features/inspector/namespaces.ts'
import { addInspector, STATS_INTERVAL_MS } from '../features/inspector/server.ts'
import { serveCommons, tokenOf } from './support/commons.ts'
import { next, open, quick } from './support/sockets.ts'

async function serve(): Promise<string> {
  const [tally, endings] = [new FactCounter(), new Endings()]
  const add = (commons: Commons): void =>
    addInspector({ ...commons, clock: quick(commons.clock) }, { tally, endings }, ['/', '/admin'])
  const observe = (fact: Fact): void => {
    tally.observe(fact)
    endings.observe(fact)
  }
  const { url } = await serveCommons(add, { observer: { observe }, stories: true })
  return url
}

it('[B14] [D8] tells administrators every ten seconds how the server is', async () => {
  const url = await serve()
  const admin = await open(url, '/admin', 'root', 'admin')
  const ann = await open(url, '/', 'ann')
  for (let i = 0; i < 20; i++) await ann.emitWithAck('message:send', { roomId: 'hall', content: `${i}` })
  const stats = await next(admin, 'stats:update')
  expect(stats).toMatchObject({
    cpu: expect.any(Number),
    memory: { rssBytes: expect.any(Number), heapUsedBytes: expect.any(Number) },
    connections: 2,
    users: 2,
  })
  expect((stats.rates as { requests: number }).requests).toBeGreaterThan(0)
  expect((stats.rates as { stored: number }).stored).toBeGreaterThan(0)
  expect(STATS_INTERVAL_MS).toBe(10_000)
  expect((await admin.emitWithAck('stats:history')).stats.at(-1)).toEqual(stats)
})

it('[D8] counts what the server’s status, /health and /metrics count, and in the same way', async () => {
  const [tally, endings] = [new FactCounter(), new Endings()]
  const { url } = await serveCommons(
    (commons, server) => {
      addFeatures(commons)
      serveDocuments(commons, server)
      addInspector({ ...commons, clock: quick(commons.clock) }, { tally, endings }, NAMESPACES)
    },
    {
      observer: { observe: (fact) => tally.observe(fact) },
      stories: true,
      apiKey: 'a-key-of-more-than-32-characters-long',
    },
  )
  const admin = await open(url, '/admin', 'root', 'admin')
  const ann = await open(url, '/', 'ann')
  for (const namespace of ['/documents', '/notifications', '/customer']) await open(url, namespace, 'ann')
  await ann.emitWithAck('room:join', { roomId: 'hall' })
  await ann.emitWithAck('room:join', { roomId: 'user:ann' }) // an inbox is no room that people meet in
  const stats = await next(admin, 'stats:update')
  expect(stats).toMatchObject({ users: 2, connections: 5, links: 5, rooms: 1 })

  const ask = async (path: string) =>
    await (
      await fetch(url + path, { headers: { authorization: 'Bearer a-key-of-more-than-32-characters-long' } })
    ).json()
  const status = await ask('/api/server/status')
  expect(status).toMatchObject({ connections: 5, links: 5, rooms: 1 })
  expect(status.namespaces.map(({ name }: { name: string }) => name).toSorted()).toEqual([...NAMESPACES].toSorted())
  expect(await ask('/health')).toEqual({ status: 'ok', clients: 5 })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const sum = (name: string): number =>
    Array.from(metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))).reduce(
      (all, [, n]) => all + Number(n),
      0,
    )
  expect(sum('roomful_links_opened_total') - sum('roomful_links_closed_total')).toBe(5)
  expect(sum('roomful_connections_opened_total') - sum('roomful_connections_closed_total')).toBe(5)

  expect((await admin.emitWithAck('room:all')).rooms).toEqual([{ namespace: '/', roomId: 'hall', count: 1 }])
  expect((await ask('/api/server/rooms')).rooms).toMatchObject([{ roomId: 'hall', count: 1 }])
  const [connection] = (await ask('/api/server/connections?userId=ann')).connections
  expect(connection).toMatchObject({ rooms: 1 })
})

it('[D8] lists rooms, and reads a room’s log', async () => {
  const url = await serve()
  const admin = await open(url, '/admin', 'root', 'admin')
  const ann = await open(url, '/', 'ann')
  await ann.emitWithAck('room:join', { roomId: 'hall' })
  await ann.emitWithAck('message:send', { roomId: 'hall', content: 'hello' })
  expect((await admin.emitWithAck('room:all')).rooms).toEqual([{ namespace: '/', roomId: 'hall', count: 1 }])
  const log = await admin.emitWithAck('room:log', { namespace: '/', roomId: 'hall' })
  expect(log.events).toMatchObject([{ type: 'message:new', seq: 1, content: 'hello' }])
  expect(await admin.emitWithAck('room:log', { namespace: '/none', roomId: 'hall' })).toMatchObject({
    code: 'NOT_FOUND',
  })
})

it('[D8] lists who was there lately, with the code that ended it', async () => {
  const url = await serve()
  const admin = await open(url, '/admin', 'root', 'admin')
  const ann = await open(url, '/', 'ann')
  const gone = next(ann, 'disconnect')
  const token = { headers: { authorization: `Bearer ${tokenOf('root', 'admin')}` } }
  const body = JSON.stringify({ userId: 'ann' })
  await fetch(`${url}/api/server/disconnect`, { ...token, method: 'POST', body })
  await gone
  const { ended } = await admin.emitWithAck('connection:ended')
  expect(ended).toEqual([
    expect.objectContaining({ userId: 'ann', namespace: '/', reason: expect.stringMatching(/^4009/) }),
  ])
  const story = await fetch(`${url}/api/server/connections/${ended[0].connectionId}`, token)
  expect(await story.json()).toMatchObject({ connection: { userId: 'ann' }, ending: { reason: ended[0].reason } })
})
