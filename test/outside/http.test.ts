/** The plain HTTP paths beside the sockets: health, readiness, metrics, accounts, lists. PROTOCOL.md 12. */
import { expect, it } from 'vitest'
import { dial, guest, user } from './lib/client.ts'
import { openRaw } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

const bearer = (sub: string, claims: Record<string, unknown> = {}): Record<string, string> => ({
  authorization: `Bearer ${token({ sub, ...claims })}`,
})

it('[A2.5] /health is exactly status and clients, and counts every live link', async () => {
  expect(await server.getJson('/health')).toEqual({ status: 'ok', clients: 0 })
  const [a, b, c] = [await user(server, 'h1'), await guest(server, 'h2'), dial(server, '/ws/echo')]
  await c.opened()
  const raw = await openRaw(server.port, '/ws')
  await server.untilClients(4)
  expect(await (await server.get('/health')).text()).toBe('{"status":"ok","clients":4}')
  await a.close()
  await b.terminate()
  raw.socket.resetAndDestroy()
  await c.close()
  await server.untilClients(0)
})

it('[A2.5] a refused upgrade and a refused token leave nothing behind in /health', async () => {
  await dial(server, '/ws?token=bad').closed
  await dial(server, '/ws/nope').closed
  await server.untilClients(0)
})

it('[B15] /api/status is exactly online; /ready is 200', async () => {
  expect(await (await server.get('/api/status')).text()).toBe('{"status":"online"}')
  expect((await server.get('/ready')).status).toBe(200)
})

it('[C16] /metrics speaks Prometheus, without names of rooms or users', async () => {
  const client = await user(server, 'metric-user-xyz')
  await client.ok('room:join', { roomId: 'metric-room-xyz' })
  await client.ok('chat:message', { roomId: 'metric-room-xyz', content: 'counted' })
  const response = await server.get('/metrics')
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  const text = await response.text()
  expect(text).toMatch(/^roomful_\w+(_total|_seconds|_bytes)/m)
  expect(text).toMatch(/^# TYPE roomful_/m)
  expect(text).not.toMatch(/metric-room-xyz|metric-user-xyz/)
  await client.close()
})

it('[B31] sign-up and sign-in give a token that opens the socket', async () => {
  const account = { username: 'signed-up', password: 'correct horse battery staple', name: 'Signed Up' }
  const created = await server.post('/api/users', account)
  expect(created.status).toBeLessThan(300)
  const made = (await created.json()) as { token: string; user: { sub: string; name: string; role: string } }
  expect(made.user).toMatchObject({ role: 'user' })
  const client = dial(server, `/ws?token=${made.token}`)
  expect((await client.next('auth_ok')).user).toMatchObject({ sub: made.user.sub })

  const session = await server.post('/api/session', account)
  expect(session.status).toBeLessThan(300)
  expect(((await session.json()) as { user: { sub: string } }).user.sub).toBe(made.user.sub)

  const wrong = await server.post('/api/session', { ...account, password: 'wrong' })
  expect(wrong.status).toBe(401)
  const unknown = await server.post('/api/session', { username: 'never-was', password: 'wrong' })
  expect(unknown.status).toBe(401)
  expect(await unknown.json()).toEqual(await wrong.json())
  expect((await server.post('/api/users', account)).status).toBe(409)
})

it('[B31] nobody signs up as an admin, and a password is never stored as it is', async () => {
  const response = await server.post('/api/users', {
    username: 'climber',
    password: 'let me be admin please',
    role: 'admin',
  })
  const made = (await response.json()) as { user?: { role: string } }
  expect(made.user?.role ?? 'user').toBe('user')
  expect(server.output).not.toContain('let me be admin please')
})

it('[C14] HTTP errors have a code and a sentence', async () => {
  const cases: [number, Promise<Response>][] = [
    [400, server.post('/api/session', '{"username":')],
    [400, server.post('/api/users', {})],
    [400, server.post('/api/users', { username: 7, password: [] })],
    [404, server.get('/api/no-such-thing')],
    [401, server.get('/api/rooms')],
    [413, server.post('/api/session', { username: 'x'.repeat(1_000_000), password: 'y' })],
  ]
  for (const [status, pending] of cases) {
    const response = await pending
    expect(response.status, response.url).toBe(status)
    expect(await response.json(), response.url).toMatchObject({
      error: { code: expect.any(String), message: expect.any(String) },
    })
  }
})

it('[B25] /api/rooms lists rooms with counts, without personal ones; members and history can be read', async () => {
  const [a, b] = [await user(server, 'la', { name: 'List A' }), await user(server, 'lb')]
  for (const client of [a, b]) await client.ok('room:join', { roomId: 'listed over http' })
  await a.ok('chat:message', { roomId: 'listed over http', content: 'kept' })
  await a.ok('message:private', { to: 'lb', content: 'personal' })

  const { rooms } = (await server.getJson('/api/rooms', bearer('la'))) as { rooms: { roomId: string; count: number }[] }
  expect(rooms).toContainEqual(expect.objectContaining({ roomId: 'listed over http', count: 2 }))
  expect(rooms.filter((room) => /^(user:|c_)/.test(room.roomId))).toEqual([])

  const path = `/api/rooms/${encodeURIComponent('listed over http')}`
  const members = (await server.getJson(`${path}/users`, bearer('la'))) as {
    users: { userId: string }[]
    count: number
  }
  expect(members.count).toBe(2)
  expect(members.users.map((member) => member.userId).sort()).toEqual(['la', 'lb'])
  const history = (await server.getJson(`${path}/events`, bearer('la'))) as {
    events: { content: string; seq: number }[]
  }
  expect(history.events).toMatchObject([{ content: 'kept', seq: 1 }])
})

it('[B25] [B23] an inbox is read over HTTP by its owner only', async () => {
  const a = await user(server, 'inbox-owner')
  await a.ok('message:private', { to: 'inbox-owner', content: 'note to self' })
  const path = `/api/rooms/${encodeURIComponent('user:inbox-owner')}/events`
  expect((await server.get(path, bearer('inbox-thief'))).status).toBe(403)
  expect(JSON.stringify(await server.getJson(path, bearer('inbox-owner')))).toContain('note to self')
})

it('[A2.6] /client.html is one file: HTML that loads nothing from elsewhere', async () => {
  const response = await server.get('/client.html')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/html/)
  const html = await response.text()
  expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=["']?(https?:)?\/\//i)
  expect(html).not.toMatch(/<script[^>]+src=/i)
})

it('[C16] the server API does not exist without its key', async () => {
  for (const path of ['/api/server/status', '/api/server/publish']) {
    expect((await server.post(path, {}, { authorization: 'Bearer guess' })).status, path).toBe(404)
  }
})

it('[C19] paths out of the folder of static files lead nowhere', async () => {
  for (const path of [
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2f..%2fetc%2fpasswd',
    '/client.html/../../package.json',
    '/%00',
  ]) {
    const response = await server.get(path)
    expect(response.status, path).toBeGreaterThanOrEqual(400)
  }
})
