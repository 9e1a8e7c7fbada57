/** Settings that change who may come in: HTTP 401 before the upgrade, strict users, guests everywhere; and per-namespace rules. */
import { describe, expect, it } from 'vitest'
import { badTokens } from './lib/bad-tokens.ts'
import { dial, user } from './lib/client.ts'
import { RawClient } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'
import { within } from './lib/wait.ts'

async function bodyOf(raw: RawClient): Promise<string> {
  let text = ''
  raw.socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await raw.ended
  return text
}

describe('ROOMFUL_AUTH_REJECT=http', () => {
  const server = useServer({ env: { ...UNLIMITED, ROOMFUL_AUTH_REJECT: 'http', ROOMFUL_JWT_AUDIENCE: 'a' } })

  async function refusal(path: string, headers?: Record<string, string>): Promise<{ status: number; text: string }> {
    const raw = new RawClient(server.port)
    const text = bodyOf(raw)
    const status = await raw.handshake(path, headers)
    return { status, text: `${raw.head}\n${await within(text, 5000, 'the end of the refusal')}` }
  }

  it.each(badTokens('a').filter((bad) => bad.token !== ''))(
    '[C5] a token that is bad ($name) is 401 Invalid token before the upgrade',
    async ({ token: bad }) => {
      const { status, text } = await refusal(`/ws?token=${encodeURIComponent(bad)}`)
      expect(status).toBe(401)
      expect(text).toContain('Invalid token')
    },
  )

  it('[C5] no token is 401 Missing token', async () => {
    const { status, text } = await refusal('/ws')
    expect(status).toBe(401)
    expect(text).toContain('Missing token')
  })

  it('[C5] a bad subprotocol token is 401 as well', async () => {
    expect((await refusal('/ws', { 'Sec-WebSocket-Protocol': 'roomful.plain, bearer.rubbish' })).status).toBe(401)
  })

  it('[C5] the ws client sees it as an unexpected response, and a good token passes', async () => {
    const client = dial(server, '/ws')
    expect((await client.closed).code).toBe(1006)
    await user(server, 'fine', { aud: 'a' })
  })

  it('[C5] [B35] /public stays open', async () => {
    await dial(server, '/ws/public').next('welcome')
  })
})

describe('ROOMFUL_USERS=strict', () => {
  const server = useServer({ env: { ...UNLIMITED, ROOMFUL_USERS: 'strict' } })

  it('[A2.3] a valid token of somebody who never signed up is 4001', async () => {
    const client = dial(server, `/ws?token=${token({ sub: 'nobody-knows-me' })}`)
    expect(await client.closed).toEqual({ code: 4001, reason: expect.stringMatching(/user/i) })
    expect(client.received.map((frame) => frame.type)).not.toContain('welcome')
  })

  it('[A2.3] the same by first message is 1008', async () => {
    const client = dial(server, '/ws')
    await client.next('welcome')
    client.send({ type: 'auth', token: token({ sub: 'nobody-knows-me' }) })
    expect([1008, 4001]).toContain((await client.closed).code)
  })
})

describe('[B35] rules of the namespaces', () => {
  const server = useServer({ env: { ...UNLIMITED, ROOMFUL_AUTH_DEADLINE_MS: '300' } })

  const IN = 'in'
  const TABLE: [path: string, role: string | undefined, outcome: string | number][] = [
    ['/ws/public', undefined, IN],
    ['/ws/public', 'user', IN],
    ['/ws', undefined, 4001],
    ['/ws/chat', undefined, 4001],
    ['/ws/chat', 'user', IN],
    ['/ws/chat', 'support', IN],
    ['/ws/chat', 'admin', IN],
    ['/', 'user', IN],
    ['/ws/admin', undefined, 4001],
    ['/ws/admin', 'user', 4003],
    ['/ws/admin', 'seller', 4003],
    ['/ws/admin', 'support', 4003],
    ['/ws/admin', 'admin', IN],
    ['/ws/support', undefined, 4001],
    ['/ws/support', 'user', 4003],
    ['/ws/support', 'seller', 4003],
    ['/ws/support', 'support', IN],
    ['/ws/support', 'admin', IN],
  ]

  it.each(TABLE)('[B35] %s with role %s by URL: %s', async (path, role, outcome) => {
    const client = dial(server, role ? `${path}?token=${token({ sub: `by-${role}`, role })}` : path)
    if (outcome === IN) expect(await client.next(role ? 'auth_ok' : 'welcome')).toBeDefined()
    else {
      expect((await client.closed).code).toBe(outcome)
      if (outcome === 4003) expect(client.received.map((frame) => frame.type)).not.toContain('auth_ok')
    }
    await client.terminate()
  })

  it.each(TABLE.filter(([path, role]) => role && path !== '/ws/public'))(
    '[B35] %s with role %s by first message: %s',
    async (path, role, outcome) => {
      const client = dial(server, path)
      await client.next('welcome')
      client.send({ type: 'auth', token: token({ sub: `by-${role}`, role }) })
      if (outcome === IN) expect(await client.next('auth_ok')).toBeDefined()
      else expect((await client.closed).code).toBe(outcome)
      await client.terminate()
    },
  )

  it('[B35] a role that does not exist gives no rights', async () => {
    const client = dial(server, `/ws/admin?token=${token({ sub: 'x', role: ['admin'] })}`)
    expect([4001, 4003]).toContain((await client.closed).code)
  })

  it('[B35] /, /ws and /ws/chat are one namespace; /public is another', async () => {
    const [a, b, c] = [
      await user(server, 'na'),
      await user(server, 'nb', {}, '/ws/chat'),
      await user(server, 'nc', {}, '/'),
    ]
    for (const client of [a, b, c]) await client.ok('room:join', { roomId: 'one-room' })
    const outsider = dial(server, `/ws/public?token=${token({ sub: 'outsider' })}`)
    await outsider.next('welcome')
    await outsider.ok('room:join', { roomId: 'one-room' })
    await b.ok('chat:message', { roomId: 'one-room', content: 'same' })
    for (const client of [a, c]) await client.next({ type: 'chat:message', content: 'same' })
    await outsider.settled()
    expect(outsider.unread('chat:message')).toEqual([])
  })

  it.each(['/ws/nope', '/ws/chat/deeper', '/ws/..%2fadmin', '/wsx', '/ws/__proto__', '/ws/constructor'])(
    '[B35] an unknown namespace %s is 404 before the upgrade',
    async (path) => {
      const raw = new RawClient(server.port)
      expect(await raw.handshake(path)).toBe(404)
      raw.destroy()
    },
  )
})

describe('ROOMFUL_AUTH=optional', () => {
  const server = useServer({ env: { ...UNLIMITED, ROOMFUL_AUTH: 'optional' } })

  it('[B35] guests may come in everywhere that asks no role, marked as guests', async () => {
    const client = dial(server, '/ws?name=Visitor')
    const { user: who } = await client.next('auth_ok')
    expect(who).toMatchObject({ sub: expect.stringMatching(/^guest:/), name: 'Visitor' })
    expect((await dial(server, '/ws/admin?name=Visitor').closed).code).toBeGreaterThanOrEqual(4001)
  })

  it('[B35] a guest may take a name with {type:auth, name}', async () => {
    const client = dial(server, '/ws')
    await client.next('welcome')
    client.send({ type: 'auth', name: 'Wanderer' })
    await client.next((frame) => frame.type === 'auth_ok' && (frame.user as { name: string }).name === 'Wanderer')
  })

  it('[B35] nobody may claim the id of a guest or of another user by name', async () => {
    const client = dial(server, '/ws?name=guest%3Aadmin')
    const { user: who } = await client.next('auth_ok')
    expect((who as { sub: string }).sub).toMatch(/^guest:(?!admin)/)
  })
})
