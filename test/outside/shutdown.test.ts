/** The way down, through `npm start` itself: SIGTERM, SIGINT, a second signal. A2.4, C15, G7. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Client, dial, guest, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { openRaw } from './lib/raw.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { until, within } from './lib/wait.ts'

/** Members are waited for until a time of day: the next process's clock goes on where the last one's stopped. */
const CLOCK_FROM = new URL('fixtures/clock-from.ts', import.meta.url).href

let server: Server | undefined
afterEach(async () => {
  await server?.dispose()
  server = undefined
})

describe.each(['npm', 'node'] as const)('started by %s', (via) => {
  beforeAll(() => undefined, 90_000)

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[A2.4] [C15] %s closes every client with 1012 and exits 0',
    { timeout: 120_000 },
    async (signal) => {
      server = await Server.start({ via, env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '1000' } })
      const clients: Client[] = [
        await user(server, 'plain'),
        await guest(server, 'classic'),
        dial(server, '/ws/echo'),
        dial(server, '/ws'),
      ]
      await Promise.all(clients.map((client) => client.opened()))
      const ack = await (clients[0] as Client).ok('chat:message', { roomId: 'last', content: 'last words' })
      expect(ack.seq).toBe(1)
      server.signal(signal)
      for (const client of clients) {
        expect(await within(client.closed, 8000, 'closing a client')).toEqual({
          code: 1012,
          reason: 'Server shutting down',
        })
      }
      expect(await within(server.exited, 8000, 'the exit')).toEqual({ code: 0, signal: null })
      await expect(fetch(`${server.http}/health`)).rejects.toThrow()
    },
  )
})

it('[C15] each client is told when to come back before it is closed', async () => {
  server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '1000' } })
  const clients = await Promise.all(Array.from({ length: 5 }, (_, i) => user(server as Server, `told-${i}`)))
  server.signal('SIGTERM')
  for (const client of clients) {
    const draining = await client.next('server:draining')
    expect(draining.reconnectAfterMs as number).toBeGreaterThanOrEqual(0)
    expect((await client.closed).code).toBe(1012)
  }
  expect((await server.exited).code).toBe(0)
})

it('[C15] with many links: not ready, no newcomers, closes spread over the drain time', {
  timeout: 60_000,
}, async () => {
  const drainMs = 2000
  server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: `${drainMs}` } })
  const running = server
  const crowd = await Promise.all(Array.from({ length: 150 }, (_, i) => guest(running, `crowd-${i}`)))
  const start = performance.now()
  const times = crowd.map(async (client) => {
    const { code } = await client.closed
    expect(code).toBe(1012)
    return performance.now() - start
  })
  server.signal('SIGTERM')
  await Promise.race(crowd.map((client) => client.closed))
  const ready = await fetch(`${server.http}/ready`).then(
    (response) => response.status,
    () => 'refused',
  )
  expect([503, 'refused']).toContain(ready)
  const late = dial(server, '/ws/public')
  await expect(late.next('welcome')).rejects.toThrow()
  const closedAt = await Promise.all(times)
  expect(Math.max(...closedAt) - Math.min(...closedAt)).toBeGreaterThan(drainMs / 4)
  expect(Math.max(...closedAt)).toBeLessThan(drainMs + 3000)
  expect((await server.exited).code).toBe(0)
})

it('[A2.4] [A3.5] clients that never answer the close frame do not hold the exit', { timeout: 60_000 }, async () => {
  server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '1000' } })
  const raw = await Promise.all(Array.from({ length: 3 }, () => openRaw((server as Server).port, '/ws/public')))
  for (const client of raw) await client.nextJson('welcome')
  const paused = await openRaw(server.port, '/ws/public')
  paused.socket.pause()
  const start = performance.now()
  server.signal('SIGTERM')
  for (const client of raw) expect(await client.closeCode()).toBe(1012)
  expect((await server.exited).code).toBe(0)
  expect(performance.now() - start).toBeLessThan(8000)
})

it.each(['npm', 'node'] as const)('[A2.4] a second SIGTERM forces the exit (%s)', { timeout: 120_000 }, async (via) => {
  server = await Server.start({ via, env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '60000' } })
  const running = server
  const crowd = await Promise.all(Array.from({ length: 120 }, (_, i) => guest(running, `forced-${i}`)))
  server.signal('SIGTERM')
  await until(
    () =>
      crowd.some((client) =>
        client.received.some((frame) => frame.type === 'server:draining' || client.socket.readyState > 1),
      ),
    { what: 'the first sign of draining' },
  )
  // A terminal's Ctrl-C reaches the server twice at once; an impatient person takes longer.
  const first = performance.now()
  await until(() => performance.now() - first > 600)
  const start = performance.now()
  server.signal('SIGTERM')
  await within(server.exited, 5000, 'the forced exit')
  expect(performance.now() - start).toBeLessThan(3000)
})

it('[A2.4] a client in the middle of a request gets its answer or its close, and the port is free again', async () => {
  server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '500' } })
  const client = await user(server, 'busy')
  for (let i = 0; i < 200; i++) client.send({ type: 'chat:message', roomId: 'busy', content: `b${i}`, id: `b${i}` })
  server.signal('SIGTERM')
  expect((await client.closed).code).toBe(1012)
  expect((await server.exited).code).toBe(0)
  const { data, port } = server
  const acked = client.received
    .filter((frame) => frame.type === 'ack')
    .map((frame) => (frame.data as { seq: number }).seq)
  server = await Server.start({ data, port, env: UNLIMITED })
  const again = await user(server, 'busy')
  const reply = await again.ok('room:join', { roomId: 'busy' })
  expect(reply.seq as number).toBeGreaterThanOrEqual(Math.max(0, ...acked.filter((seq) => seq !== undefined)))
})

/** Tells that somebody who was on the way is there. */
function isOnline({ type, changed }: Frame, userId: string): boolean {
  if (type !== 'presence:diff') return false
  return (changed as { userId: string; status: string }[]).some(
    (each) => each.userId === userId && each.status === 'online',
  )
}

it('[D9] nobody sees the others leave and come over a restart, whatever form they speak', {
  timeout: 60_000,
}, async () => {
  const first = await Server.start({ env: { ...UNLIMITED, ROOMFUL_DRAIN_MS: '1000' } })
  server = first
  const ann = await user(first, 'ann')
  const ben = await user(first, 'ben')
  for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'deploy' })
  const cat = new Client(`${first.ws}/ws`, { protocols: ['roomful.v1'] })
  const open = async (client: Client, session?: string) => {
    await client.opened()
    client.send({ type: 'open', v: 1, ch: 1, ns: '/', token: token({ sub: 'cat' }), ...(session ? { session } : {}) })
    const opened = await client.next({ type: 'opened' })
    client.send({ ch: 1, event: 'room:join', data: { roomId: 'deploy' }, id: 'j' })
    await client.next({ ack: 'j' })
    return opened
  }
  const { session } = await open(cat)
  first.signal('SIGTERM')
  const moments = [ann, ben].map(async (client) => (await client.next('server:draining')).reconnectAfterMs as number)
  const [annAfter, benAfter] = (await Promise.all(moments)) as [number, number]
  expect(annAfter).not.toBe(benAfter)
  expect((await first.exited).code).toBe(0)
  server = await Server.start({
    env: { ...UNLIMITED, CLOCK_FROM_MS: `${Date.now()}` },
    nodeArgs: ['--import', CLOCK_FROM],
    data: first.data,
    port: first.port,
  })
  const back = await user(server, 'ann')
  const { users, count } = await back.ok('room:join', { roomId: 'deploy' })
  expect(count).toBe(3)
  const state = Object.fromEntries(
    (users as { userId: string; status: string }[]).map((each) => [each.userId, each.status]),
  )
  expect(state).toEqual({ ann: 'online', ben: 'reconnecting', cat: 'reconnecting' })
  const benBack = await user(server, 'ben')
  await benBack.ok('room:join', { roomId: 'deploy' })
  await back.next((frame) => isOnline(frame, 'ben'))
  const catBack = new Client(`${server.ws}/ws`, { protocols: ['roomful.v1'] })
  expect((await open(catBack, session as string)).recovered).toBe(true)
  await back.next((frame) => isOnline(frame, 'cat'))
  await back.settled()
  for (const type of ['user:joined', 'user:left', 'presence:update']) expect(back.unread(type)).toEqual([])
})
