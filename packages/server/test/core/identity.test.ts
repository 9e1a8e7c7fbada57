/** What becomes of who one is while the connection is open: refresh, expiry, another role, a ban. And a link that never says. */
import { createRoomful } from '@roomful/server'
import type { Broker } from '@roomful/server/ports'
import { v1Dialect } from '@roomful/server/testing'
import { createTestServer, TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { AccountChanges } from '../../src/core/sessions/account-changes.ts'
import { addClassicCommands } from '../../src/vocabulary/classic.ts'

const HOUR_MS = 3_600_000

/** A namespace in which only moderators may be in the staff's room, and only they may read its history. */
function withStaffRoom(server: TestServer): void {
  const isStaff = (user: { role: string }): boolean => user.role === 'admin'
  const namespace = server.namespace('/work', undefined, { open: true })
  namespace.room('staff', { allow: { join: isStaff, history: isStaff } })
}

async function changeRole(server: TestServer, client: TestClient, sub: string, role: string): Promise<void> {
  client.send({ type: 'auth', token: server.token({ sub, role }) })
  await server.settle()
}

describe('on the open connection', () => {
  it('[H11] a refresh that fails takes nothing away, and one for another user is refused', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    await ann.next('auth_ok')
    for (const token of ['rubbish', '', server.token('ben')]) {
      ann.send({ type: 'auth', token })
      expect(await ann.next('error')).toMatchObject({ code: 'TOKEN_INVALID', event: 'auth' })
    }
    expect(await ann.request('room:join', 'lobby')).toMatchObject({ data: { status: 'ok' } })
    ann.send({ type: 'auth', token: server.token({ sub: 'ann', name: 'Ann B.' }) })
    expect(await ann.next('auth_ok')).toMatchObject({ user: { sub: 'ann', name: 'Ann B.' } })
  })

  it('[H12] [G8] the end of a token is told 30 s before, and closes 4002 30 s after', async () => {
    await using server = await createTestServer()
    const token = server.token('ann', { expiresInMs: HOUR_MS })
    const expiresAt = server.clock.now() + HOUR_MS
    const ann = await server.connect({ token })
    await server.advance(HOUR_MS - 31_000)
    expect(ann.messages('auth_expiring')).toEqual([])
    expect(await ann.next('auth_expiring', 1_100)).toEqual({ type: 'auth_expiring', ts: expiresAt })
    await server.advance(59_000)
    expect(ann.closed).toBeUndefined()
    await server.advance(1_100)
    expect(ann.closed).toEqual({ code: 4002, reason: 'Token expired' })
  })

  it('[H12] a refresh in time keeps it open', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ token: server.token('ann', { expiresInMs: HOUR_MS }) })
    await ann.next('auth_expiring', HOUR_MS)
    ann.send({ type: 'auth', token: server.token('ann', { expiresInMs: 2 * HOUR_MS }) })
    await server.advance(HOUR_MS)
    expect(ann.closed).toBeUndefined()
    expect(ann.messages('auth_expiring')).toHaveLength(1)
  })

  it('[H13] [G8] after a change of role the rules run again, and lost rooms are told', async () => {
    await using server = await createTestServer({ setUp: withStaffRoom })
    const ann = await server.connect({ namespace: '/work', user: { sub: 'ann', role: 'admin' } })
    const ben = await server.connect({ namespace: '/work', user: { sub: 'ben', role: 'admin' } })
    for (const client of [ann, ben]) for (const room of ['staff', 'hall']) await client.request('room:join', room)
    await changeRole(server, ann, 'ann', 'user')
    expect(await ann.next('notice')).toMatchObject({ code: 'FORBIDDEN', roomId: 'staff' })
    expect(await ben.next('user:left')).toMatchObject({ roomId: 'staff', userId: 'ann', reason: 'forbidden' })
    expect(await ann.request('history:get', { roomId: 'staff' })).toMatchObject({ error: { code: 'FORBIDDEN' } })
    expect(await ann.request('presence:get', 'hall')).toMatchObject({ data: { count: 2 } })
    expect(ann.messages('notice')).toHaveLength(1)
  })

  it('[H13] a role that the namespace does not let in closes 4003', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ namespace: '/admin', user: { sub: 'ann', role: 'admin' } })
    await changeRole(server, ann, 'ann', 'user')
    expect(ann.closed).toEqual({ code: 4003, reason: 'This needs the role admin' })
  })

  it.each(['plain', 'v1'] as const)(
    '[J20] a check that fails at a refresh is reported, and %s may come back',
    async (dialect) => {
      await using server = await createTestServer({
        setUp: (given) => {
          given.namespace('/').use(({ user }) => {
            if (user.name === 'Ann B.') throw new Error('the table is missing')
          })
        },
      })
      const ann = await server.connect({ user: 'ann', dialect })
      ann.send({ type: 'auth', token: server.token({ sub: 'ann', name: 'Ann B.' }) })
      await server.settle()
      expect(ann.closed).toEqual({ code: 1011, reason: 'Something went wrong on the server' })
      expect(server.observed('handler:failed')).toMatchObject([{ error: { message: 'the table is missing' } }])
      expect(server.observed('connection:refused')).toMatchObject([{ namespace: '/', code: 'INTERNAL' }])
    },
  )

  it('[H19] [G8] a ban closes every connection of the user at once, and no other', async () => {
    await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
    const { url } = await roomful.listen({ port: 0 })
    const signUp = async (username: string): Promise<{ token: string; user: { sub: string } }> => {
      const body = JSON.stringify({ username, password: 'a long password' })
      const response = await fetch(`${url}/api/users`, { method: 'POST', body })
      return response.json()
    }
    const [ann, ben] = [await signUp('ann'), await signUp('ben')]
    const open = async (token: string): Promise<WebSocket> => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?token=${token}`)
      await new Promise<void>((resolve) => {
        socket.onmessage = ({ data }) => String(data).includes('"auth_ok"') && resolve()
      })
      return socket
    }
    const closing = (socket: WebSocket): Promise<number> =>
      new Promise((resolve) => {
        socket.onclose = ({ code }) => resolve(code)
      })
    const [first, second, other] = [await open(ann.token), await open(ann.token), await open(ben.token)]
    const closed = Promise.all([closing(first), closing(second)])
    await roomful.ban(ann.user.sub)
    expect(await closed).toEqual([4003, 4003])
    expect(other.readyState).toBe(WebSocket.OPEN)
    expect(await closing(new WebSocket(`${url.replace('http', 'ws')}/ws?token=${ann.token}`))).toBe(4003)
  })
})

describe('somebody on the way in', () => {
  /** Middleware that takes its time, so that a test can change things meanwhile. */
  const slowDoor = (server: TestServer): void => {
    const namespace = server.namespace('/')
    namespace.use(({ event }) => {
      const waitMs = event === undefined ? 100 : 0
      return new Promise<void>((resolve) => void server.clock.after(waitMs, resolve))
    })
    server.chat(namespace)
  }

  it('[H21] [G8] has to ask again when the account changed meanwhile', async () => {
    await using server = await createTestServer({ setUp: slowDoor })
    const [ann, ben] = [server.open({ user: 'ann' }), server.open({ user: 'ben' })]
    await server.advance(50)
    server.hub.accountChanges.note('ann')
    await server.advance(100)
    expect(ann.closed?.code).toBe(1013)
    expect(ann.messages('auth_ok')).toEqual([])
    expect(ben.messages('auth_ok')).toHaveLength(1)
    const again = server.open({ user: 'ann' })
    await server.advance(150)
    expect(again.messages('auth_ok')).toHaveLength(1)
  })

  it('[H21] [G8] is read again when the account changed while it was read', async () => {
    await using server = await createTestServer()
    const { authenticator, hub } = server
    const read = authenticator.authenticate.bind(authenticator)
    let reads = 0
    authenticator.authenticate = async (credentials) => {
      reads++
      const identity = await read(credentials)
      if (reads === 1) {
        authenticator.ban('ann')
        hub.accountChanges.note('ann')
      }
      return identity
    }
    const ann = await server.connect({ user: 'ann' })
    expect(reads).toBe(2)
    expect(ann.closed?.code).toBe(4003)
  })

  it('[H21] forgets accounts that changed long ago, and then asks everyone who is as old', () => {
    const changes = new AccountChanges()
    const before = changes.now
    changes.note('ann')
    expect([changes.since(before, 'ann'), changes.since(before, 'ben'), changes.since(changes.now, 'ann')]).toEqual([
      true,
      false,
      false,
    ])
    for (let i = 0; i < 10_000; i++) changes.note(`u${i}`)
    expect([changes.since(before, 'ben'), changes.since(changes.now, 'ann')]).toEqual([true, false])
  })
})

describe('a room lost', () => {
  it('[H13] [G8] [D11] while its join was on the way is lost all the same', async () => {
    await using server = await createTestServer({ settings: { historySize: 0 }, setUp: withStaffRoom })
    const namespace = server.get('/work')
    let open = (): void => undefined
    // The rules say yes, and then it takes a while until the request is done.
    namespace.on('enter the staff room', async (context) => {
      await context.join('staff')
      await new Promise<void>((resolve) => {
        open = resolve
      })
    })
    const ann = await server.connect({ namespace: '/work', user: { sub: 'ann', role: 'admin' } })
    const answer = ann.post('enter the staff room')
    await server.settle()
    const [connection] = namespace.state.users.get('ann')?.connections ?? []
    if (!connection) throw new Error('not there')
    await server.hub.identities.become(connection, { ...connection.user, role: 'user' })
    open()
    await server.settle()
    expect(ann.answer(answer)).toBeDefined()
    expect(ann.messages('notice')).toMatchObject([{ code: 'FORBIDDEN', roomId: 'staff' }])
    expect(namespace.state.rooms.has('staff')).toBe(false)
  })

  it('[H13] [G8] is told to a classic client in its own words', async () => {
    let isAllowed = true
    await using server = await createTestServer({
      setUp: (it) => {
        const namespace = it.namespace('/', undefined, { classic: true })
        it.chat(namespace.room('x', { allow: { join: () => isAllowed } }))
        addClassicCommands(it.hub, namespace)
      },
    })
    const ann = await server.connect({ user: 'ann' })
    ann.send({ type: 'join', room: 'x' })
    await ann.next('joined')
    isAllowed = false
    for (const connection of server.get('/').connections.values())
      await server.get('/').requests.access.recheck(connection)
    await server.settle()
    expect(await ann.next('left')).toEqual({ type: 'left', room: 'x' })
    expect(await ann.next('error')).toMatchObject({ code: 'FORBIDDEN' })
    ann.send({ type: 'message', text: 'hi' })
    expect(await ann.next('error')).toMatchObject({ code: 'NOT_IN_ROOM' })
  })
})

describe('a v1 link', () => {
  it('[H17] that has no open channel when the deadline is over is closed with 4001', async () => {
    await using server = await createTestServer({ settings: { authDeadlineMs: 5_000 } })
    const silent = new TestClient(server.clock, 'v1')
    const arrival = { ip: '127.0.0.1', userAgent: '', namespace: server.get('/'), credentials: {} }
    silent.attach(server.hub.links.accept({ wire: silent.wire, dialect: v1Dialect, ...arrival }))
    const other = await server.connect({ dialect: 'v1', user: 'ann' })
    expect(await silent.next('welcome')).toMatchObject({ v: 1, protocol: 1 })
    await server.advance(4_900)
    expect(silent.closed).toBeUndefined()
    await server.advance(200)
    expect(silent.closed).toEqual({ code: 4001, reason: 'Authentication timed out' })
    expect(other.closed).toBeUndefined()
  })

  it('[H17] whose channel waits for a broker that does not answer is sent away with 1013, and may come back', async () => {
    const settings = { authDeadlineMs: 5_000 }
    const broker = (inner: Broker): Broker => ({ ...inner, findSession: () => new Promise(() => undefined) })
    await using server = await createTestServer({ settings, broker })
    const ann = new TestClient(server.clock, 'v1')
    const arrival = { ip: '127.0.0.1', userAgent: '', namespace: server.get('/'), credentials: {} }
    ann.attach(server.hub.links.accept({ wire: ann.wire, dialect: v1Dialect, ...arrival }))
    ann.send({ type: 'open', v: 1, ch: 1, ns: '/', token: server.token('ann'), session: 'of another node' })
    await server.advance(5_100)
    expect(ann.closed).toEqual({ code: 1013, reason: 'The server cannot answer now; try again later' })
  })
})
