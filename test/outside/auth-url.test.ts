/** Who may come in by URL, header, subprotocol or ticket, and how everyone else is turned away. PROTOCOL.md 3. */
import { describe, expect, it } from 'vitest'
import { badTokens, leaks } from './lib/bad-tokens.ts'
import { dial, user } from './lib/client.ts'
import { openRaw } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const AUDIENCE = 'roomful-tests'
const good = (claims: Record<string, unknown> = {}): string => token({ sub: 'alice', aud: AUDIENCE, ...claims })

const server = useServer({ env: { ...UNLIMITED, ROOMFUL_JWT_AUDIENCE: AUDIENCE } })

describe.each(badTokens(AUDIENCE))('a token that is bad: $name', ({ token: bad, reason }) => {
  it('[A2.3] in the URL: opens, no welcome, 4001 with a reason that names the class and leaks nothing', async () => {
    const client = dial(server, `/ws?token=${encodeURIComponent(bad)}`)
    await client.opened()
    const closed = await client.closed
    expect(closed).toEqual({ code: 4001, reason: expect.stringMatching(reason) })
    expect(client.received).toEqual([])
    expect(leaks(closed.reason, bad)).toBe(false)
  })

  it('[A2.3] [C19] as a subprotocol: the same', async () => {
    const client = dial(server, '/ws', { protocols: ['roomful.plain', `bearer.${bad}`] })
    await client.opened()
    expect(await client.closed).toEqual({ code: 4001, reason: expect.stringMatching(reason) })
    expect(client.received.map((frame) => frame.type)).not.toContain('welcome')
  })

  it('[A2.3] as the first message: 1008 Authentication failed', async () => {
    const client = dial(server, '/ws')
    await client.next('welcome')
    client.send({ type: 'auth', token: bad })
    expect(await client.closed).toEqual({ code: 1008, reason: 'Authentication failed' })
  })
})

it('[A2.3] a good token in the URL is welcomed and told who it is', async () => {
  const client = dial(server, `/ws?token=${good({ name: 'Alice', role: 'support', team: 'blue' })}`)
  await client.next('welcome')
  const { user } = await client.next('auth_ok')
  expect(user).toMatchObject({ sub: 'alice', name: 'Alice', role: 'support', team: 'blue' })
  expect(client.received.map((frame) => frame.type).slice(0, 2)).toEqual(['welcome', 'auth_ok'])
})

it.each([
  ['sub', { sub: 's1' }, 's1'],
  ['userId', { userId: 'u1' }, 'u1'],
  ['id', { id: 'i1' }, 'i1'],
  ['username', { username: 'n1' }, 'n1'],
])('[A2.3] the user is taken from the claim %s', async (_claim, claims, sub) => {
  const client = dial(server, `/ws?token=${token({ aud: AUDIENCE, ...claims })}`)
  expect((await client.next('auth_ok')).user).toMatchObject({ sub, name: sub, role: 'user' })
})

it('[A2.3] sub goes before userId, and username is the name when there is no name', async () => {
  const client = dial(
    server,
    `/ws?token=${token({ aud: AUDIENCE, sub: 'first', userId: 'second', username: 'Shown' })}`,
  )
  expect((await client.next('auth_ok')).user).toMatchObject({ sub: 'first', name: 'Shown' })
})

it('[A2.3] an Authorization header does as well, and a bad one is refused', async () => {
  const client = dial(server, '/ws', { headers: { Authorization: `Bearer ${good()}` } })
  expect((await client.next('auth_ok')).user).toMatchObject({ sub: 'alice' })
  const bad = dial(server, '/ws', { headers: { Authorization: 'Bearer nonsense' } })
  expect((await bad.closed).code).toBe(4001)
})

it('[A3.4] [C19] the subprotocol carries a token that is never echoed', async () => {
  const raw = await openRaw(server.port, '/ws', { 'Sec-WebSocket-Protocol': `roomful.plain, bearer.${good()}` })
  expect(await raw.nextJson('auth_ok')).toMatchObject({ user: { sub: 'alice' } })
  expect(raw.head).toMatch(/sec-websocket-protocol: roomful\.plain\r?$/im)
  expect(raw.head).not.toContain('bearer')
})

it('[A3.4] a ticket lets in once, and only once', async () => {
  const response = await server.post('/api/tickets', {}, { authorization: `Bearer ${good({ name: 'Ticket Holder' })}` })
  expect(response.status).toBeLessThan(300)
  const { ticket } = (await response.json()) as { ticket: string }
  const first = dial(server, `/ws?ticket=${encodeURIComponent(ticket)}`)
  expect((await first.next('auth_ok')).user).toMatchObject({ sub: 'alice', name: 'Ticket Holder' })
  const second = dial(server, `/ws?ticket=${encodeURIComponent(ticket)}`)
  expect(await second.closed).toMatchObject({ code: 4001, reason: expect.stringMatching(/ticket/i) })
})

it('[A3.4] ten connections that race for one ticket: one gets in', async () => {
  const response = await server.post('/api/tickets', {}, { authorization: `Bearer ${good()}` })
  const { ticket } = (await response.json()) as { ticket: string }
  const racers = Array.from({ length: 10 }, () => dial(server, `/ws?ticket=${encodeURIComponent(ticket)}`))
  const outcomes = await Promise.all(
    racers.map((racer) =>
      Promise.race([
        racer.next('auth_ok').then(
          () => 'in',
          () => 'out',
        ),
        racer.closed.then(() => 'out'),
      ]),
    ),
  )
  expect(outcomes.filter((outcome) => outcome === 'in')).toHaveLength(1)
})

it('[A3.4] tickets are for the known: without a good token it is 401', async () => {
  expect((await server.post('/api/tickets', {})).status).toBe(401)
  const bad = await server.post('/api/tickets', {}, { authorization: 'Bearer nonsense' })
  expect(bad.status).toBe(401)
  expect(await bad.json()).toMatchObject({ error: { code: 'TOKEN_INVALID' } })
  expect((await dial(server, '/ws?ticket=never-given-out').closed).code).toBe(4001)
})

it('[A3.5] a refused client that never answers the close frame is hung up on', async () => {
  const raw = await openRaw(server.port, '/ws?token=nonsense')
  expect(await raw.closeCode()).toBe(4001)
  await raw.ended
}, 35_000)

it('[A2.3] tokens are never written to the log', async () => {
  const secretive = good({ sub: 'secretive' })
  const client = dial(server, `/ws?token=${secretive}`)
  await client.next('auth_ok')
  await client.close()
  await user(server, 'marker', { aud: AUDIENCE })
  expect(server.output).not.toContain(secretive)
  expect(server.output).not.toContain(secretive.split('.')[2])
})
