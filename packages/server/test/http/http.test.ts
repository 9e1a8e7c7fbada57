import { mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hubOf } from '@roomful/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRoomful, type Roomful } from '../../src/index.ts'
import { hmacToken } from '../auth/bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const alice = { authorization: `Bearer ${hmacToken(SECRET, { sub: 'alice', name: 'Alice' })}` }

let roomful: Roomful
let base: string
let port: number

beforeAll(async () => {
  roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, port: 0, ratePerSecond: 0 }).standardNamespaces()
  const rooms = hubOf(roomful).namespace('/')
  rooms?.room('secret:*', { allow: { history: (user) => user.role === 'admin', presence: () => false } })
  ;({ port } = await roomful.listen())
  base = `http://127.0.0.1:${port}`
})
afterAll(() => roomful.close())

const get = (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers, redirect: 'manual' })
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(base + path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) })
const errorOf = async (response: Response) => [response.status, (await response.json()).error.code]

/** Sends bytes as they are, and waits for the end of the answer. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      answer += text
    })
    socket.once('close', () => resolve(answer))
    socket.once('error', reject)
  })
}

describe('status', () => {
  it('[A2.5] /health is exactly status and clients', async () => {
    expect(await (await get('/health')).text()).toBe('{"status":"ok","clients":0}')
  })

  it('[B15] /api/status is exactly online', async () => {
    expect(await (await get('/api/status')).text()).toBe('{"status":"online"}')
  })

  it('/ready is 200 while it serves, and HEAD has no body', async () => {
    expect((await get('/ready')).status).toBe(200)
    const head = await fetch(`${base}/ready`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('/metrics is Prometheus text', async () => {
    const response = await get('/metrics')
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await response.text()).toMatch(/^# TYPE roomful_events_stored_total counter$/m)
  })
})

describe('refusals', () => {
  it.each<[string, () => Promise<Response>, number, string]>([
    ['unknown path', () => get('/api/nothing'), 404, 'NOT_FOUND'],
    ['server API without a key', () => get('/api/server/rooms'), 404, 'NOT_FOUND'],
    ['wrong method', () => post('/health', {}), 405, 'INVALID_MESSAGE'],
    ['wrong method the other way', () => get('/api/users'), 405, 'INVALID_MESSAGE'],
    ['no JSON', () => post('/api/session', '{"name":'), 400, 'PARSE_ERROR'],
    ['no object', () => post('/api/session', '[1]'), 400, 'INVALID_MESSAGE'],
    ['nothing in it', () => post('/api/users', ''), 400, 'INVALID_MESSAGE'],
    ['too much', () => post('/api/users', { name: 'x'.repeat(1_000_000) }), 413, 'TOO_LARGE'],
    ['no token', () => get('/api/rooms'), 401, 'UNAUTHENTICATED'],
    ['another scheme', () => get('/api/rooms', { authorization: 'Basic YTpi' }), 401, 'UNAUTHENTICATED'],
    ['empty token', () => get('/api/rooms', { authorization: 'Bearer ' }), 401, 'TOKEN_INVALID'],
    ['bad token', () => post('/api/tickets', {}, { authorization: 'Bearer x' }), 401, 'TOKEN_INVALID'],
    ['a name that is no room', () => get('/api/rooms/%00/users', alice), 400, 'ROOM_NAME_INVALID'],
    ['a name that is no UTF-8', () => get('/api/rooms/%ff/users', alice), 400, 'ROOM_NAME_INVALID'],
    ["somebody else's room", () => get('/api/rooms/user:bob/events', alice), 403, 'FORBIDDEN'],
    ['a rule against it', () => get('/api/rooms/secret:1/events', alice), 403, 'FORBIDDEN'],
    ['a rule against seeing who is there', () => get('/api/rooms/secret:1/users', alice), 403, 'FORBIDDEN'],
    ['no number', () => get('/api/rooms/a/events?limit=all', alice), 400, 'INVALID_MESSAGE'],
    ['too long a page', () => get('/api/rooms/a/events?limit=101', alice), 400, 'INVALID_MESSAGE'],
    ['both ways at once', () => get('/api/rooms/a/events?before=3&after=1', alice), 400, 'INVALID_MESSAGE'],
    ['no upgrade', () => get('/ws/public'), 426, 'INVALID_MESSAGE'],
    ['a foreign origin', () => get('/api/status', { origin: 'https://evil.example' }), 403, 'FORBIDDEN'],
    ['no origin at all', () => get('/api/status', { origin: 'null' }), 403, 'FORBIDDEN'],
    ['a long URL', () => get(`/api/rooms?${'x'.repeat(9_000)}`, alice), 414, 'TOO_LARGE'],
  ])('%s', async (_, ask, status, code) => {
    expect(await errorOf(await ask())).toEqual([status, code])
  })

  it('name the field, say when to come back, and what is allowed', async () => {
    const wrong = await post('/api/users', { username: 'a b', password: 'short' })
    expect((await wrong.json()).error).toMatchObject({ code: 'INVALID_MESSAGE', field: 'password' })
    expect((await post('/health', {})).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    expect((await get('/api/rooms')).headers.get('www-authenticate')).toBe('Bearer')
  })

  it('a broken request harms nobody', async () => {
    expect(await raw('rubbish\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw(`GET /health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
    expect(await raw('POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"name"')).not.toMatch(/ 500 /)
    expect(await raw('GET //evil.example/%2e%2e/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/ 404 /)
    expect((await get('/health')).status).toBe(200)
  })
})

describe('[C19] pages of other origins', () => {
  const preflight = (origin: string) =>
    fetch(`${base}/api/session`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })

  it('[B15] a preflight of an allowed one says what it may do', async () => {
    const response = await preflight('http://localhost:5173')
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
      'access-control-max-age': '7200',
      vary: 'Origin, Access-Control-Request-Headers',
    })
  })

  it('a preflight of another one is 403, and no answer may be read', async () => {
    const response = await preflight('https://evil.example')
    expect(response.status).toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('an answer may be read by the page that asked, and by no other', async () => {
    const response = await get('/api/status', { origin: 'http://localhost:5173' })
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
    expect(response.headers.get('vary')).toBe('Origin')
  })
})

describe('accounts', () => {
  it('[B31] sign up, sign in, and come in with a ticket', async () => {
    const account = { username: 'dora', name: 'Dora D.', password: 'a long password', role: 'admin' }
    const up = await post('/api/users', account)
    expect(up.status).toBe(201)
    const { token, user } = await up.json()
    expect(user).toMatchObject({ name: 'Dora D.', role: 'user' })
    expect(await errorOf(await post('/api/users', account))).toEqual([409, 'CONFLICT'])
    const back = await post('/api/session', { username: 'Dora', password: 'a long password' })
    expect([back.status, (await back.json()).user]).toEqual([200, user])
    const ticket = await post('/api/tickets', {}, { authorization: `Bearer ${token}` })
    expect((await ticket.json()).ticket).toMatch(/^t_[a-z0-9]{32}$/)
    expect(ticket.headers.get('cache-control')).toBe('no-store')
  })

  it('[H23] a token is exchanged for a fresh one, also after a restart; not that of the banned', async () => {
    const data = mkdtempSync(join(tmpdir(), 'roomful-http-'))
    const serve = async () => {
      const roomful = createRoomful({ data }).standardNamespaces()
      return { roomful, ...(await roomful.listen({ port: 0 })) }
    }
    const exchange = async (at: string, token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      const response = await fetch(`${at}/api/session/refresh`, { method: 'POST', headers })
      return { status: response.status, ...(await response.json()) }
    }
    const first = await serve()
    const body = JSON.stringify({ username: 'eve', password: 'a long password' })
    const { token, user } = await (await fetch(`${first.url}/api/users`, { method: 'POST', body })).json()
    await first.roomful.setRole(user.sub, 'support')
    await first.roomful.close()
    const second = await serve()
    await using roomful = second.roomful
    const fresh = await exchange(second.url, token)
    expect(fresh).toMatchObject({ status: 200, user: { ...user, role: 'support' } })
    await roomful.ban(user.sub)
    expect(await exchange(second.url, fresh.token)).toMatchObject({ status: 403, error: { code: 'BANNED' } })
    expect(await exchange(second.url, 'x')).toMatchObject({ status: 401, error: { code: 'TOKEN_INVALID' } })
  })

  it('too many wrong passwords are 429, and Retry-After says for how long', async () => {
    const guess = () => post('/api/session', { username: 'nobody', password: 'a wrong password' })
    for (let i = 0; i < 10; i++) expect((await guess()).status).toBe(401)
    const locked = await guess()
    expect(locked.status).toBe(429)
    const { error } = await locked.json()
    expect(error.retryAfter).toBeGreaterThan(800)
    expect(locked.headers.get('retry-after')).toBe(String(error.retryAfter))
  }, 20_000)
})

describe('[B25] rooms', () => {
  it('are listed with their members and history, personal ones left out', async () => {
    const namespace = hubOf(roomful).namespace('/')
    await namespace?.publish('news & more', 'message:new', [{ content: 'one' }])
    await namespace?.publish('news & more', 'message:new', [{ content: 'two' }])
    const path = `/api/rooms/${encodeURIComponent('news & more')}`
    expect(await (await get('/api/rooms', alice)).json()).toEqual({ rooms: [], more: false })
    expect(await (await get(`${path}/users`, alice)).json()).toEqual({ users: [], count: 0, pv: 0 })
    const { events, more } = await (await get(`${path}/events?limit=1`, alice)).json()
    expect([events, more]).toMatchObject([[{ type: 'message:new', content: 'two', seq: 2 }], true])
    const earlier = await (await get(`${path}/events?before=2`, alice)).json()
    expect(earlier).toMatchObject({ events: [{ content: 'one', seq: 1 }], more: false })
  })

  it('are what a rule lets one see', async () => {
    const admin = { authorization: `Bearer ${hmacToken(SECRET, { sub: 'root', role: 'admin' })}` }
    expect((await get('/api/rooms/secret:1/events', admin)).status).toBe(200)
    expect((await get('/api/rooms/user:alice/events', alice)).status).toBe(200)
  })
})

describe('[A2.6] /client.html', () => {
  it('is one file that may run its own script and reach this server, and nothing else', async () => {
    const response = await get('/client.html')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; /)
    expect(policy).toMatch(new RegExp(`connect-src 'self' ws://127\\.0\\.0\\.1:${port} wss://127\\.0\\.0\\.1:${port}$`))
    const html = await response.text()
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=["']?(https?:)?\/\//i)
    expect(html).not.toMatch(/\son\w+=|innerHTML|style="/)
    const again = await get('/client.html', { 'if-none-match': response.headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  })

  it('is where / leads while there is nothing else', async () => {
    const response = await get('/')
    expect([response.status, response.headers.get('location')]).toEqual([302, '/client.html'])
  })

  it.each(['/client.html/../../package.json', '/%2e%2e/package.json', '/client.html%00', '/static/client.html'])(
    '%s leads nowhere',
    async (path) => {
      expect(await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /)
    },
  )
})
