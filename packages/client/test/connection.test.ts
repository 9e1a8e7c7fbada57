/** Connecting, losing the connection in every way there is, and coming back: against a server in memory, in virtual time. */
import { describe, expect, it } from 'vitest'
import { NO_ANSWER } from './support/fake-server.ts'
import { start } from './support/harness.ts'

describe('connecting', () => {
  it('opens a channel with the credentials and is open once the server says who we are', async () => {
    const { client, server } = await start({ namespace: '/tasks', token: 'secret', name: 'Ann' })
    expect(server.openings).toEqual([{ type: 'open', v: 1, ch: 1, ns: '/tasks', token: 'secret', name: 'Ann' }])
    expect(client.state).toMatchObject({ status: 'open', connectionId: 'c1', user: { sub: 'ann' }, recovered: false })
    expect(client.limits.maxMessageBytes).toBe(65_536)
  })

  it('waits for connect() with autoConnect: false', async () => {
    const { client, server, clock } = await start({ autoConnect: false })
    expect([client.state.status, server.links.length]).toEqual(['idle', 0])
    client.connect()
    await clock.settle()
    expect(client.state.status).toBe('open')
  })

  it('tells subscribers of every stage, each a value of its own', async () => {
    const { client, clock } = await start({ autoConnect: false })
    const seen: unknown[] = []
    client.subscribe(() => seen.push(client.getSnapshot()))
    client.connect()
    await clock.settle()
    expect(seen.map((state) => (state as { status: string }).status)).toEqual(['connecting', 'authenticating', 'open'])
    expect(client.getSnapshot()).toBe(seen.at(-1))
  })

  it('gives up a try that takes too long', async () => {
    const { client, clock } = await start({}, (server) => {
      server.onOpening = () => 'silent'
    })
    expect(client.state.status).toBe('authenticating')
    await clock.advance(10_000)
    expect(client.state).toMatchObject({ status: 'waiting', ending: { reason: 'No answer in time' } })
  })

  it('counts time as the server does', async () => {
    const { client, clock } = await start({}, (server) => {
      server.skewMs = 3_600_000
    })
    expect(client.serverNow()).toBe(clock.now() + 3_600_000)
  })
})

describe('[C18] reconnecting', () => {
  it('comes back after a cut, with the session, after a jittered wait', async () => {
    const { client, server, clock } = await start()
    server.link.drop(1006)
    await clock.settle()
    expect(client.state).toMatchObject({ status: 'waiting', untilMs: clock.now() + 500 })
    await clock.advance(499)
    expect(server.links).toHaveLength(1)
    await clock.advance(1)
    expect(client.state).toMatchObject({ status: 'open', recovered: true })
    expect(server.openings[1]).toMatchObject({ session: 's1' })
  })

  it('keeps trying without an answer, ever less often, and leaves no timer behind at the end', async () => {
    const { client, server, clock } = await start()
    server.isDown = true
    server.link.drop(1006)
    await clock.advance(60_000)
    // 0.5, 1, 2, 4, 8, 15, 15 … with chance at a half
    expect(server.links).toHaveLength(1 + 7)
    server.isDown = false
    await clock.advance(15_000)
    expect(client.state.status).toBe('open')
    client.close()
    await clock.settle()
    expect(clock.pendingTimers).toBe(0)
  })

  it('ignores what an earlier link still says', async () => {
    const { client, server, clock } = await start()
    const [first] = server.links
    first?.drop(1006)
    await clock.advance(500)
    const { state } = client
    first?.say({ type: 'closed', ch: 1, code: 4005, reason: 'Replaced' })
    await clock.settle()
    expect(client.state).toBe(state)
  })

  it('of two overlapping tries only the last one lives', async () => {
    const { client, server, clock } = await start({ token: async () => 'token', autoConnect: false })
    client.connect()
    client.close()
    client.connect()
    await clock.settle()
    expect(server.links).toHaveLength(1)
    expect(client.state.status).toBe('open')
  })
})

describe('the heartbeat', () => {
  it('pings when nothing arrived for the interval, and reconnects without an answer', async () => {
    const { client, server, clock } = await start({}, (fake) => {
      fake.heartbeat = { pingIntervalMs: 10_000, pongTimeoutMs: 2_000 }
    })
    await clock.advance(35_000)
    expect(server.link.sent.filter((frame) => frame.type === 'ping')).toHaveLength(3)
    expect(client.state.status).toBe('open')
    server.link.isBlackHole = true
    await clock.advance(13_000)
    expect(server.links[0]?.closed).toBe('cut')
    expect(client.state.status).toBe('open')
    expect(server.links).toHaveLength(2)
  })

  it('costs nothing while events arrive', async () => {
    const { server, clock } = await start()
    for (let i = 0; i < 10; i++) {
      server.link.emit('tick', i)
      await clock.advance(20_000)
    }
    expect(server.link.sent.filter((frame) => frame.type === 'ping')).toHaveLength(0)
  })
})

describe('credentials', () => {
  it('asks the callback once for a connection, and not again while the token holds', async () => {
    const reasons: string[] = []
    const { server, clock } = await start({
      token: (reason) => {
        reasons.push(reason)
        return `token-${reasons.length}`
      },
    })
    server.link.drop(1006)
    await clock.advance(1_000)
    expect(reasons).toEqual(['connect'])
    expect(server.openings.map(({ token }) => token)).toEqual(['token-1', 'token-1'])
  })

  it('gets a fresh one at once when the server refuses the old one', async () => {
    const reasons: string[] = []
    const { client, server, clock } = await start(
      {
        token: async (reason) => {
          reasons.push(reason)
          return `token-${reasons.length}`
        },
      },
      (fake) => {
        fake.onOpening = ({ token }) =>
          token === 'token-2' ? undefined : { code: 4001, error: { code: 'TOKEN_EXPIRED', message: 'expired' } }
      },
    )
    await clock.advance(0)
    expect(client.state.status).toBe('open')
    expect(reasons).toEqual(['connect', 'refused'])
    expect(server.links).toHaveLength(2)
  })

  it('ends with the code of the refusal when there is only one token', async () => {
    const { client, errors } = await start({ token: 'bad' }, (server) => {
      server.onOpening = () => ({ code: 4001, error: { code: 'TOKEN_INVALID', message: 'Authentication failed' } })
    })
    expect(client.state).toMatchObject({ status: 'closed', ending: { code: 4001, error: { code: 'TOKEN_INVALID' } } })
    await expect(client.request('echo', 1)).rejects.toMatchObject({ code: 'CLOSED' })
    expect(errors).toEqual([])
  })

  it('[D11] refreshes on the open connection when the token is about to expire, once however often the server says so', async () => {
    let calls = 0
    const { client, server, clock } = await start({ token: () => `token-${++calls}` })
    const { link } = server
    link.say({ type: 'auth_expiring', ch: 1, ts: 1 }, { type: 'auth_expiring', ch: 1, ts: 1 })
    await clock.settle()
    expect(calls).toBe(2)
    expect(link.sent.filter((frame) => frame.type === 'auth')).toEqual([
      { type: 'auth', ch: 1, token: 'token-2' },
      { type: 'auth', ch: 1, token: 'token-2' },
    ])
    link.say({ type: 'auth_ok', ch: 1, user: { sub: 'ann', name: 'Ann', role: 'admin' } })
    await clock.settle()
    expect(client.state).toMatchObject({ status: 'open', user: { role: 'admin' } })
    expect(server.links).toHaveLength(1)
  })

  it('tries again later when the callback fails, and says so', async () => {
    let isOffline = true
    const { client, clock, errors } = await start({
      token: async () => {
        if (isOffline) throw new TypeError('Failed to fetch')
        return 'token'
      },
    })
    expect(errors).toMatchObject([{ code: 'NO_CREDENTIALS', cause: { message: 'Failed to fetch' } }])
    expect(client.state).toMatchObject({ status: 'waiting', ending: { error: { code: 'NO_CREDENTIALS' } } })
    isOffline = false
    await clock.advance(500)
    expect(client.state.status).toBe('open')
  })

  it('gets a new ticket for every link, since each is good for one', async () => {
    let tickets = 0
    const { server, clock } = await start({ ticket: async () => `ticket-${++tickets}` })
    server.link.drop(1006)
    await clock.advance(500)
    expect(server.openings.map(({ ticket }) => ticket)).toEqual(['ticket-1', 'ticket-2'])
  })
})

describe('[D9] a restarting server', () => {
  it('is left when it goes, and met again at the announced moment', async () => {
    const { client, server, clock } = await start()
    server.link.emit('server:draining', { reconnectAfterMs: 7_000 })
    await clock.settle()
    expect(client.state).toMatchObject({ status: 'draining', untilMs: clock.now() + 7_000 })
    server.link.drop(1012)
    await clock.advance(6_999)
    expect([client.state.status, server.links.length]).toEqual(['waiting', 1])
    await clock.advance(1)
    expect(client.state).toMatchObject({ status: 'open', recovered: true })
  })

  it('that has not gone by then is left all the same, without a goodbye', async () => {
    const { client, server, clock } = await start()
    server.link.emit('server:draining', { reconnectAfterMs: 3_000 })
    await clock.advance(3_000)
    expect(server.links.map(({ closed }) => closed)).toEqual(['cut', undefined])
    expect(client.state.status).toBe('open')
  })
})

describe('closing', () => {
  it('says goodbye, refuses what waits, and can connect again', async () => {
    const { client, server, clock } = await start({}, (fake) => {
      fake.handlers.set('slow', () => NO_ANSWER)
    })
    const waiting = client.request('slow')
    client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    expect(server.link.closed).toBe('goodbye')
    expect(client.state).toMatchObject({ status: 'closed', ending: { code: 1000 } })
    client.connect()
    await clock.settle()
    expect(client.state).toMatchObject({ status: 'open', recovered: false })
    expect(server.openings[1]).not.toHaveProperty('session')
  })

  it('happens by itself at the end of a scope', async () => {
    const { client, server } = await start()
    {
      await using scoped = client
      expect(scoped.state.status).toBe('open')
    }
    expect(server.link.closed).toBe('goodbye')
  })
})

it('skips what a later version of the protocol may say, and reports what is no JSON', async () => {
  const { client, server, clock, errors } = await start()
  const seen: unknown[] = []
  client.on('tick', (data) => seen.push(data))
  server.link.sayText('{"type":"novelty","ch":1}\nnot json\n\n{"ch":1,"event":"tick","data":1,"new":true}')
  await clock.settle()
  expect(seen).toEqual([1])
  expect(errors).toMatchObject([{ code: 'PARSE_ERROR' }])
})
