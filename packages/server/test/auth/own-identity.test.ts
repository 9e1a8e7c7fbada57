/** Who a client is, as the application says, by every way in; and the rights that an identity brings. D19. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@roomful/client'
import { io } from 'socket.io-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { askIdentityService } from '../../src/adapters/auth/identity-service.ts'
import { systemClock } from '../../src/adapters/system/clock-and-random.ts'
import { type Authenticate, createRoomful, type Fact, type Roomful, RoomfulError } from '../../src/index.ts'

const JWT_SECRET = 'a secret that is only for this test!'
const COOKIE = { cookie: 'sid=ann' }

/** The sessions of an application: by cookie, or by a token that is no JWT. */
const authenticate: Authenticate = async ({ headers }, { token }) => {
  const id = token?.startsWith('own-') ? token.slice(4) : /sid=(\w+)/.exec(String(headers.cookie))?.[1]
  if (id === 'banned') throw new RoomfulError('BANNED', 'You were too loud')
  if (id === 'broken') throw new TypeError('no database')
  if (id === 'nothing') return { sub: '' }
  return id === undefined || id === 'unknown'
    ? undefined
    : { sub: id, name: id.toUpperCase(), role: 'captain', team: 7 }
}

let roomful: Roomful | undefined
let backend: Server | undefined
afterEach(async () => {
  await roomful?.close()
  backend?.closeAllConnections()
  backend?.close()
  roomful = backend = undefined
})

async function serve(options: Parameters<typeof createRoomful>[0] = {}): Promise<string> {
  roomful = createRoomful({ data: ':memory:', jwtSecret: JWT_SECRET, port: 0, authenticate, ...options })
  for (const [name, settings] of [
    ['/team', {}],
    ['/guests', { guests: true }],
  ] as const) {
    const namespace = roomful.namespace(name, undefined, settings)
    roomful.chat(namespace)
    namespace.on('who', ({ user }) => ({
      sub: user.sub,
      name: user.name,
      role: user.role,
      team: user.team,
      guest: user.guest,
    }))
  }
  return (await roomful.listen()).url
}

const ANN = { sub: 'ann', name: 'ANN', role: 'captain', team: 7 }

/** What a bare WebSocket is answered to `who`, or its close. */
async function plain(url: string, headers: Record<string, string>, token?: string): Promise<unknown> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers })
  try {
    await once(socket, 'open')
    if (token !== undefined) socket.send(JSON.stringify({ type: 'auth', token }))
    socket.send(JSON.stringify({ type: 'who', id: 1 }))
    return await new Promise((resolve) => {
      socket.on('message', (bytes: Buffer) => {
        const { ack, data } = JSON.parse(String(bytes)) as { ack?: number; data: unknown }
        if (ack === 1) resolve(data)
      })
      socket.on('close', (code, reason) => resolve([code, String(reason)]))
    })
  } finally {
    socket.close()
  }
}

/** A `WebSocket` of Node's kind that sends headers, as a browser sends its cookies. */
const withCookie = class extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols, { headers: COOKIE })
  }
} as never

describe('[D19] a user by cookie', () => {
  it('is the same by every way in', async () => {
    const url = await serve()
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN)

    const client = connect(url, { namespace: '/team', WebSocket: withCookie })
    expect(await client.request('who' as never, undefined as never)).toEqual(ANN)
    client.close()

    for (const transports of [['polling'], ['websocket']]) {
      const socket = io(`${url}/team`, { forceNew: true, transports, extraHeaders: COOKIE })
      expect(await socket.emitWithAck('who')).toEqual(ANN)
      socket.close()
    }
    const stream = await fetch(`${url}/sse/team?room=deck`, { headers: COOKIE })
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"sub":"ann"')
    await reader.cancel()

    expect((await fetch(`${url}/poll/team?room=hold`, { headers: COOKIE })).status).toBe(200)
    expect(roomful?.get('/team').hasUser('hold', 'ann')).toBe(true)
    const sent = await fetch(`${url}/send/team`, { method: 'POST', headers: COOKIE, body: '{"type":"who"}' })
    expect(await sent.json()).toEqual(ANN)
    const { ticket } = (await (await fetch(`${url}/api/tickets`, { method: 'POST', headers: COOKIE })).json()) as {
      ticket: string
    }
    expect(await plain(`${url}/ws/team?ticket=${ticket}`, {})).toMatchObject({ sub: 'ann' })
  })

  it('who is not known is a guest where guests are, and otherwise needs a token, also in the first message', async () => {
    const url = await serve()
    expect(await plain(`${url}/ws/guests`, { cookie: 'sid=unknown' })).toMatchObject({ guest: true, role: 'guest' })
    expect(await plain(`${url}/ws/guests`, COOKIE)).toEqual(ANN)
    expect(await plain(`${url}/ws/team`, {}, 'own-bob')).toMatchObject({ sub: 'bob', role: 'captain' })
    const { status } = await fetch(`${url}/poll/team?room=deck`)
    expect(status).toBe(401)
    const other = await fetch(`${url}/poll/guests?room=deck&name=Gus`)
    expect(other.status).toBe(200)
    await roomful?.createAccount({ username: 'cleo', password: 'a long password' })
    const signedIn = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'cleo', password: 'a long password' }),
    })
    const { token } = (await signedIn.json()) as { token: string }
    expect(await plain(`${url}/ws/team?token=${token}`, {})).toMatchObject({ name: 'cleo', role: 'user' })
  })

  it('is refused with the code and sentence of the application; its mistakes are reported and passing', async () => {
    const facts: Fact[] = []
    const url = await serve({ observer: { observe: (fact) => void facts.push(fact) } })
    expect(await plain(`${url}/ws/team`, { cookie: 'sid=banned' })).toEqual([4003, 'You were too loud'])
    expect(await plain(`${url}/ws/team`, { cookie: 'sid=broken' })).toEqual([
      1013,
      expect.stringMatching(/cannot be checked now/),
    ])
    expect(await plain(`${url}/ws/team`, { cookie: 'sid=nothing' })).toEqual([
      4001,
      expect.stringMatching(/names no subject/),
    ])
    expect(facts).toContainEqual(expect.objectContaining({ type: 'handler:failed', event: 'authenticate' }))
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN)
  })

  it('is banned, and given another role, as any other user', async () => {
    const url = await serve()
    await plain(`${url}/ws/team`, COOKIE)
    await roomful?.setRole('ann', 'admin')
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual({ ...ANN, role: 'admin' })
    await roomful?.ban('ann', 'Enough')
    expect((await plain(`${url}/ws/team`, COOKIE)) as unknown[]).toContain(4003)
  })

  it('with authReject http, an upgrade needs a user that is known', async () => {
    const url = await serve({ authReject: 'http' })
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN)
    await expect(plain(`${url}/ws/team`, {})).rejects.toThrow(/401/)
  })

  it('a page of another site cannot use the cookie', async () => {
    const url = await serve()
    const headers = { ...COOKIE, origin: 'https://evil.example' }
    await expect(plain(`${url}/ws/team`, headers)).rejects.toThrow(/403/)
    expect((await fetch(`${url}/send/team`, { method: 'POST', headers, body: '{"type":"who"}' })).status).toBe(403)
  })
})

interface Listed {
  readonly rooms: readonly { roomId: string }[]
  readonly more: boolean
}

describe('[D19] rights in the identity', () => {
  const rooms = { 'board:7': ['join', 'publish'], 'team-*': ['join'] } as const
  const codes = async (act: readonly Promise<unknown>[]): Promise<unknown[]> =>
    (await Promise.allSettled(act)).map((each) =>
      each.status === 'fulfilled' ? 'ok' : (each.reason as RoomfulError).code,
    )

  it('allow what they list, by room or pattern, and nothing else; rules apply as well', async () => {
    const url = await serve({ authenticate: () => ({ sub: 'ann', rooms }) })
    roomful?.get('/team')
    const client = connect(url, { namespace: '/team' })
    const join = (roomId: string) => client.room(roomId).ready
    const joins = await codes([join('board:7'), join('team-red'), join('board:8'), join('team')])
    expect(joins).toEqual(['ok', 'ok', 'FORBIDDEN', 'FORBIDDEN'])
    const say = (roomId: string) => client.room(roomId).send('Hello')
    expect(await codes([say('board:7'), say('team-red')])).toEqual(['ok', 'FORBIDDEN'])
    client.close()
    expect((await fetch(`${url}/poll/team?room=board:8`)).status).toBe(403)
    expect((await fetch(`${url}/poll/team?room=board:7`)).status).toBe(200)
  })

  it('[Z15] decide which rooms a list names', async () => {
    const url = await serve({
      authenticate: (_request, { token }) => (token === 'own-ben' ? { sub: 'ben' } : { sub: 'ann', rooms }),
    })
    roomful?.get('/team')
    const [ann, ben] = ['own-ann', 'own-ben'].map((token) => connect(url, { namespace: '/team', token }))
    await Promise.all(['board:7', 'board:8', 'team', 'team-red'].map((roomId) => ben?.room(roomId).ready))
    const [named, all] = [['board:7', 'team-red'], ['board:7', 'board:8', 'team', 'team-red']] // biome-ignore format: beside each other
    const overLink = async (client = ann) => (await client?.request('room:list', {})) as Listed
    const overHttp = async (token: string) =>
      (await (
        await fetch(`${url}/api/rooms?namespace=/team`, { headers: { authorization: `Bearer ${token}` } })
      ).json()) as Listed
    for (const [listed, expected] of [
      [await overLink(), named],
      [await overHttp('own-ann'), named],
      [await overLink(ben), all],
      [await overHttp('own-ben'), all],
    ] as const) {
      expect(listed.rooms.map(({ roomId }) => roomId)).toEqual(expected)
      expect(listed.more).toBe(false)
    }
    ann?.close()
    ben?.close()
  })

  it('in a token are kept to, and a claim that is not a list of actions refuses the token', async () => {
    const url = await serve()
    const { SignJWT } = await import('jose')
    const sign = (claims: object) =>
      new SignJWT({ sub: 'bob', ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(JWT_SECRET))
    const [good, bad] = await Promise.all([sign({ rooms }), sign({ rooms: 'board:7' })])
    const client = connect(url, { namespace: '/team', token: good })
    expect(await codes([client.room('board:7').ready, client.room('board:9').ready])).toEqual(['ok', 'FORBIDDEN'])
    client.close()
    expect(await plain(`${url}/ws/team?token=${bad}`, {})).toEqual([
      4001,
      expect.stringMatching(/rooms is not a list of actions/),
    ])
  })
})

describe('[D19] a backend that is asked over HTTP', () => {
  const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  interface Question {
    readonly headers: Record<string, string>
    readonly body: string
  }

  type Answer = [number, unknown?] | undefined

  async function startBackend(answer: (question: Question) => Answer | Promise<Answer>): Promise<string> {
    backend = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const given = await answer({ headers: request.headers as Record<string, string>, body })
      if (given) response.writeHead(given[0]).end(given[1] === undefined ? undefined : JSON.stringify(given[1]))
    })
    backend.listen(0, '127.0.0.1')
    await once(backend, 'listening')
    return `http://127.0.0.1:${(backend.address() as AddressInfo).port}/identity`
  }

  it('says who a client is, by a signed request that names its cookie', async () => {
    const { createHmac } = await import('node:crypto')
    const questions: Question[] = []
    const identityUrl = await startBackend((question) => {
      questions.push(question)
      const { headers } = JSON.parse(question.body) as { headers: { cookie?: string } }
      if (headers.cookie === 'sid=bad') return [403, { message: 'Pay first' }]
      return headers.cookie === 'sid=ann'
        ? [200, { user: { sub: 'ann', role: 'captain', team: 7, name: 'ANN' } }]
        : [204]
    })
    const url = await serve({ authenticate: undefined as never, identityUrl, identitySecret: SECRET })
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN)
    expect(await plain(`${url}/ws/guests`, {})).toMatchObject({ guest: true })
    expect(await plain(`${url}/ws/guests`, { cookie: 'sid=bad' })).toEqual([4003, 'Pay first'])
    const [{ headers, body } = { headers: {}, body: '' }] = questions as [
      { headers: Record<string, string>; body: string },
    ]
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const expected = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'))
      .update(signed)
      .digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${expected}`)
    expect(JSON.parse(body)).toMatchObject({ url: '/ws/team', ip: '127.0.0.1', headers: COOKIE })
  })

  it('is asked once for clients that come at the same time and shortly after; refusals are not kept', async () => {
    let calls = 0
    const url = await startBackend(() => (++calls === 3 ? [401] : [200, { user: { sub: 'ann' } }]))
    const ask = askIdentityService({ url, secret: 'x', clock: systemClock })
    const request = { url: '/ws', headers: COOKIE, ip: '192.0.2.1' }
    await Promise.all([ask(request, {}), ask(request, {}), ask(request, {})])
    expect(await ask(request, {})).toEqual({ sub: 'ann' })
    expect(calls).toBe(1)
    await ask({ ...request, headers: { cookie: 'sid=bob' } }, {})
    await expect(ask({ ...request, headers: { cookie: 'sid=cy' } }, {})).rejects.toThrow(/not known/)
    expect(await ask({ ...request, headers: { cookie: 'sid=cy' } }, {})).toEqual({ sub: 'ann' })
    expect(calls).toBe(4)
  })

  it('is asked again for a user who was disconnected, whose earlier answers do not count any more', async () => {
    let isSignedIn = true
    const identityUrl = await startBackend(() => (isSignedIn ? [200, { user: ANN, cacheMs: 300_000 }] : [401]))
    const url = await serve({ authenticate: undefined as never, identityUrl, identitySecret: SECRET })
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN)
    isSignedIn = false
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN) // kept
    await roomful?.disconnectUser('bob')
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual(ANN)
    await roomful?.disconnectUser('ann')
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual([4001, expect.stringContaining('not known')])
  })

  it('answers a question from before a user was disconnected to who asked it, and to no later one', async () => {
    const answers: (() => void)[] = []
    const url = await startBackend(async () => {
      await new Promise<void>((resolve) => answers.push(resolve))
      return [200, { user: { sub: 'ann' }, cacheMs: 300_000 }]
    })
    const ask = askIdentityService({ url, secret: 'x', clock: systemClock })
    const request = { url: '/ws', headers: COOKIE, ip: '192.0.2.1' }
    const before = ask(request, {})
    await vi.waitFor(() => expect(answers).toHaveLength(1))
    ask.forget('ann')
    const after = ask(request, {})
    await vi.waitFor(() => expect(answers).toHaveLength(2))
    answers[0]?.()
    expect(await before).toEqual({ sub: 'ann' })
    const later = ask(request, {})
    answers[1]?.()
    expect(await Promise.all([after, later])).toEqual([{ sub: 'ann' }, { sub: 'ann' }])
    expect(answers).toHaveLength(2) // the later one shares the question that was asked after
  })

  it('that is broken, silent or gone makes clients try again later', async () => {
    const identityUrl = await startBackend(() => [500])
    const url = await serve({ authenticate: undefined as never, identityUrl, identitySecret: SECRET })
    expect(await plain(`${url}/ws/team`, COOKIE)).toEqual([1013, expect.stringMatching(/cannot be checked now/)])
    backend?.close()
    backend?.closeAllConnections()
    const response = await fetch(`${url}/poll/team?room=deck`, { headers: COOKIE })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  })

  it('needs a secret', () => {
    expect(() => createRoomful({ data: ':memory:', identityUrl: 'http://localhost:1/x' })).toThrow(
      /IDENTITY_SECRET must be too/,
    )
  })

  it('that does not answer is given up after 3 s', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => AbortSignal.abort(new Error('late')))
    const ask = askIdentityService({ url: 'http://127.0.0.1:9/', secret: 'x', clock: systemClock })
    await expect(ask({ url: '/', headers: {}, ip: '' }, {})).rejects.toThrow(/late/)
    expect(timeout).toHaveBeenCalledWith(3_000)
    timeout.mockRestore()
  })
})
