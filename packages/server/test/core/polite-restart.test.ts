/** A restart that was announced: everyone has a moment of their own, and nobody sees anyone leave and come. */
import { Client } from '@roomful/client'
import { createLocalBroker, createMemoryLog } from '@roomful/server/testing'
import {
  createTestServer,
  type Message,
  SeededRandom,
  type TestClient,
  type TestServer,
  VirtualClock,
} from '@roomful/testkit'
import { SimulatedNetwork } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

/** Servers one after the other over one log, as processes over one data folder. */
function processes(setUp?: (server: TestServer) => void): () => Promise<TestServer> {
  const clock = new VirtualClock()
  const log = createMemoryLog({ clock, random: new SeededRandom('restart') })
  let started = 0
  return () =>
    createTestServer({
      seed: ++started,
      settings: UNLIMITED,
      clock,
      broker: () => createLocalBroker({ log }),
      ...(setUp ? { setUp } : {}),
    })
}

/** @returns when each client was told to come back, ms from now */
async function restart(
  server: TestServer,
  start: () => Promise<TestServer>,
  clients: readonly TestClient[],
): Promise<{ next: TestServer; backAfterMs: number[] }> {
  await server.clock.until(server.hub.drain())
  await server.settle()
  const backAfterMs = clients.map((client) => toldMs(client))
  await server.hub.close()
  return { next: await start(), backAfterMs }
}

/** What it was told, in either form. */
function toldMs(client: TestClient): number {
  const [told] = client.messages('server:draining')
  return (told?.data ?? told)?.reconnectAfterMs
}

const presence = ({ type, event }: Message): boolean => /^(user:(joined|left)|presence:)/.test(type ?? event ?? '')

describe('[D9] [G7] over an announced restart', () => {
  it('[U10] everyone is waited for until due, and told by nothing but their state', async () => {
    const start = processes()
    const server = await start()
    const { clock } = server
    const before = await audience(server, { ann: ['x'], bob: ['x', 'y'], cat: ['x'], dan: ['x'] }, { dialect: 'v1' })
    const plain = await server.connect({ user: 'eve' })
    await plain.request('room:join', 'x')
    const clients = [...Object.values(before), plain]
    const { next, backAfterMs } = await restart(server, start, clients)
    await using _ = next
    expect(new Set(backAfterMs).size).toBe(5)
    expect(Math.min(...backAfterMs)).toBeGreaterThanOrEqual(1_500)
    expect(Math.max(...backAfterMs)).toBeLessThanOrEqual(2_500)

    await clock.advance(backAfterMs[0] as number)
    const ann = await next.connect({ user: 'ann', dialect: 'v1', session: before.ann.session })
    const { data } = await ann.request('room:join', 'x')
    expect(data.count).toBe(5)
    expect(data.users.map(({ userId, status }: Message) => [userId, status]).sort()).toEqual([
      ['ann', 'online'],
      ['bob', 'reconnecting'],
      ['cat', 'reconnecting'],
      ['dan', 'reconnecting'],
      ['eve', 'reconnecting'],
    ])
    await clock.advance(1_000)
    const bob = await next.connect({ user: 'bob', dialect: 'v1', session: before.bob.session })
    await bob.request('room:join', 'x')
    const cat = await next.connect({ user: 'cat', dialect: 'v1', session: before.cat.session })
    await cat.request('room:join', 'x')
    const eve = await next.connect({ user: 'eve' })
    await eve.request('room:join', 'x')
    await clock.advance(500)
    // Her own return is in her answer.
    const states = ann
      .messages((message) => presence(message) && message.data.pv !== data.pv)
      .flatMap(({ event, data }) => (event === 'presence:diff' ? data.changed : [event]))
    expect(states).toEqual(['bob', 'cat', 'eve'].map((sub) => ({ userId: sub, name: sub, status: 'online' })))

    // Dan stays away: he is given up when his moment and the grace are over.
    ann.forget()
    const dueMs = (backAfterMs[3] as number) + 5_000
    await clock.advance(dueMs - (backAfterMs[0] as number) - 1_500 - 100)
    expect(ann.messages(presence)).toEqual([])
    await clock.advance(200)
    expect(ann.messages('user:left').map(({ data }) => data)).toMatchObject([{ userId: 'dan', reason: 'timeout' }])
    expect(ann.messages('presence:update').map(({ data }) => data)).toEqual([{ userId: 'dan', status: 'offline' }])
    expect(next.get('/').state.rooms.has('y')).toBe(false) // bob has not come back to it
  })

  it('[U10] seats are kept: nobody takes the last one meanwhile', async () => {
    const start = processes((it) => it.chat(it.namespace('/').room('game', { capacity: 2 })))
    const server = await start()
    const players = await audience(server, { ann: ['game'], bob: ['game'] }, { dialect: 'v1' })
    const { next } = await restart(server, start, [])
    await using _ = next
    const cat = await next.connect({ user: 'cat' })
    expect((await cat.request('room:join', 'game')).error?.code).toBe('ROOM_FULL')
    const ann = await next.connect({ user: 'ann', dialect: 'v1', session: players.ann.session })
    expect((await ann.request('room:join', 'game')).data).toMatchObject({ count: 2 })
    await next.advance(8_000)
    expect((await cat.request('room:join', 'game')).data).toMatchObject({ count: 2 })
  })

  it('[U10] a guest that could not be known again is not waited for, nor is who said goodbye', async () => {
    const start = processes()
    const server = await start()
    const guest = await server.connect({ namespace: '/public', name: 'guest' })
    await guest.request('room:join', 'x')
    const polite = await server.connect({ user: 'ann', dialect: 'v1' })
    await polite.request('room:join', 'x')
    polite.close()
    await server.settle()
    const { next } = await restart(server, start, [guest])
    await using _ = next
    expect([next.get('/').state.rooms.size, next.get('/public').state.rooms.size]).toEqual([0, 0])
  })

  it('[U10] after a moment that has passed nobody is waited for; nor after a kill', async () => {
    const start = processes()
    const server = await start()
    await audience(server, { ann: ['x'] }, { dialect: 'v1' })
    await server.clock.until(server.hub.drain())
    await server.hub.close()
    await server.clock.advance(60_000)
    const late = await start()
    expect(late.get('/').state.rooms.size).toBe(0)
    await audience(late, { ann: ['x'] }, { dialect: 'v1' })
    await late.hub.close() // no drain
    await using next = await start()
    expect(next.get('/').state.rooms.size).toBe(0)
  })

  it('the log that cannot keep it holds nothing up', async () => {
    await using server = await createTestServer({
      broker: (broker) => ({ ...broker, saveReturning: () => Promise.reject(new Error('ENOSPC')) }),
    })
    const { ann } = await audience(server, { ann: ['x'] }, { dialect: 'v1' })
    await server.clock.until(server.hub.drain())
    expect(ann.closed?.code).toBe(1012)
    expect(server.observed('commit:failed')).toHaveLength(1)
  })

  it('the moments of a crowd come after the last close, and no more than about 500 a second', {
    timeout: 20_000,
  }, async () => {
    await using server = await createTestServer({ settings: { drainMs: 4_000 } })
    const crowd: TestClient[] = []
    for (let i = 0; i < 600; i++) crowd.push(server.open({ user: `u${i}` }))
    await server.settle()
    await server.clock.until(server.hub.drain())
    const moments = crowd.map((client) => toldMs(client))
    expect(Math.min(...moments)).toBeGreaterThanOrEqual(5_500)
    expect(Math.max(...moments)).toBeLessThanOrEqual(6_700)
    for (let at = 5_500; at < 6_700; at += 100) {
      expect(moments.filter((moment) => moment >= at && moment < at + 100).length).toBeLessThanOrEqual(60)
    }
  })

  it('[U10] the SDK is back at its moment, in its rooms, at its position', async () => {
    const start = processes()
    let server = await start()
    const { clock } = server
    const opened: number[] = []
    // The network leads to whichever process there is.
    const host = { accept: (...call: Parameters<TestServer['accept']>) => server.accept(...call) }
    const network = new SimulatedNetwork({ clock, host, delayMs: () => 1 })
    const sdk = (user: string) =>
      new Client('http://core', {
        transport: (handlers) => {
          opened.push(clock.now())
          return network.transport(handlers)
        },
        token: () => server.token(user),
        clock,
        random: () => 0.5,
      })
    const [ann, bob] = [sdk('ann'), sdk('bob')]
    const [room, other] = [ann.room('x'), bob.room('x')]
    const heard: unknown[] = []
    room.on('message:new', ({ seq }) => heard.push(seq))
    for (const event of ['user:joined', 'user:left'] as const) room.on(event, () => heard.push(event))
    await clock.until(Promise.all([room.ready, other.ready]))
    await clock.advance(1_000)
    heard.length = 0
    await clock.until(other.send('1'))
    const toldAt = clock.now()
    await clock.until(server.hub.drain())
    await clock.advance(100)
    expect(ann.state.status).toBe('waiting')
    await server.hub.close()
    server = await start()
    for (const user of ['ann', 'bob']) server.token(user) // the tokens of before are good here too
    const late = await server.connect({ user: 'cat' })
    await late.request('message:send', { roomId: 'x', content: '2' })
    opened.length = 0
    await clock.advance(4_000)
    expect(opened.map((at) => at - toldAt).every((ms) => ms >= 1_500 && ms <= 2_600)).toBe(true)
    expect(opened).toHaveLength(2)
    expect([ann.state, bob.state]).toMatchObject([
      { status: 'open', recovered: true },
      { status: 'open', recovered: true },
    ])
    expect(heard).toEqual([1, 2])
    expect(room.members.map(({ userId, status }) => [userId, status]).sort()).toEqual([
      ['ann', 'online'],
      ['bob', 'online'],
    ])
    ann.close()
    bob.close()
    await server.close()
  })
})
