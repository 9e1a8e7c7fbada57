import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireRole } from '../../src/index.ts'
import { API_KEY, join, refusal, type Serving, serveHttp, tokenOf } from './serving.ts'

let serving: Serving

beforeAll(async () => {
  serving = await serveHttp({}, (roomful) => {
    roomful.namespace('/staff').use(requireRole('support'))
    roomful.get('/').room('vip:*', { allow: { join: ({ role }) => role === 'seller' } })
  })
})
afterAll(() => serving[Symbol.asyncDispose]())

const roleOf = (user: unknown): string => (user as { role: string }).role
const get = (path: string) => serving.get(`/api/server/${path}`, API_KEY)
const post = (path: string, body: unknown) => serving.post(`/api/server/${path}`, body, API_KEY)

describe('reading', () => {
  it('[B25] rooms with members, by name and in pages, without personal ones; users of a room', async () => {
    await using other = await serveHttp()
    const people = await Promise.all(['ann', 'bob', 'cid'].map((user) => other.connect(user)))
    for (const person of people) await join(person, 'lobby')
    for (const name of ['a', 'b', 'user:ann']) await join(people[0] as (typeof people)[0], name)
    const rooms = async (query: string) => (await other.get(`/api/server/rooms${query}`, API_KEY)).body
    expect(await rooms('')).toEqual({
      rooms: [
        { roomId: 'a', count: 1, connections: 1, seq: 0 },
        { roomId: 'b', count: 1, connections: 1, seq: 0 },
        { roomId: 'lobby', count: 3, connections: 3, seq: 0 },
      ],
      more: false,
    })
    expect(await rooms('?limit=1&after=a')).toMatchObject({ rooms: [{ roomId: 'b' }], more: true })
    expect(await rooms('?prefix=lob')).toMatchObject({ rooms: [{ roomId: 'lobby' }], more: false })
    const users = async (query: string) => (await other.get(`/api/server/rooms/lobby/users${query}`, API_KEY)).body
    expect(await users('')).toMatchObject({
      users: [{ userId: 'ann' }, { userId: 'bob' }, { userId: 'cid' }],
      count: 3,
    })
    expect(await users('?after=ann&limit=1')).toMatchObject({ users: [{ userId: 'bob' }], count: 3, more: true })
    expect((await other.get('/api/server/rooms/none/users', API_KEY)).body).toEqual({
      users: [],
      count: 0,
      more: false,
    })
    for (const { socket } of people) socket.close()
  })

  it('[X5] history of any room, in pages either way', async () => {
    for (const count of [1, 2, 3]) await post('publish', { roomId: 'user:dan', event: 'note', data: { count } })
    const numbers = async (query: string) => {
      const { body } = await get(`rooms/user:dan/events${query}`)
      return [body.events.map(({ seq }: { seq: number }) => seq), body.more]
    }
    expect(await numbers('')).toEqual([[1, 2, 3], false])
    expect(await numbers('?limit=1')).toEqual([[3], true])
    expect(await numbers('?after=1&limit=1')).toEqual([[2], true])
  })

  it('[B25] users read every namespace that would let them connect, by its name', async () => {
    const support = tokenOf('sue', 'support')
    await post('publish', { namespace: '/staff', roomId: 'desk', event: 'note', data: { text: 'hi' } })
    const events = (auth: string, namespace: string) =>
      serving.get(`/api/rooms/desk/events?namespace=${encodeURIComponent(namespace)}`, auth)
    expect((await events(support, '/staff')).body).toMatchObject({ events: [{ type: 'note', text: 'hi' }] })
    expect(refusal(await events(tokenOf('ann'), '/staff'))).toEqual([403, 'FORBIDDEN', undefined])
    expect(refusal(await events(support, '/nowhere'))).toEqual([404, 'NOT_FOUND', 'namespace'])
    expect((await events(support, '/')).body).toMatchObject({ events: [] })
    expect((await serving.get('/api/rooms?namespace=/staff', support)).body).toEqual({ rooms: [], more: false })
    expect((await get('status')).body).toMatchObject({ connections: 0, links: 0 })
  })

  it('[X5] status counts links, connections, rooms and queues, and names versions', async () => {
    const ann = await serving.connect('ann')
    await join(ann, 'lobby')
    const { body } = await get('status')
    expect(body).toMatchObject({
      state: 'ready',
      versions: { protocol: 1, node: process.versions.node },
      links: 1,
      connections: 1,
      queues: { slowLinks: 0, behind: 0, storing: false },
      storage: { healthy: true },
    })
    expect(body.namespaces.find(({ name }: { name: string }) => name === '/')).toMatchObject({
      connections: 1,
      users: 1,
    })
    ann.socket.close()
    await ann.closed
  })
})

describe('looking after users', () => {
  it('[X6] lists who has an account, also who is not here, by name, id and ban, in pages', async () => {
    for (const username of ['Älva', 'Zed ✨', 'Mia']) {
      expect((await serving.post('/api/users', { username, password: 'a long password' })).status).toBe(201)
    }
    const list = async (query: string) => (await get(`accounts?${query}`)).body
    const [mia] = (await list('search=MIA')).accounts
    expect(mia).toEqual({
      ...{ userId: expect.stringMatching(/^u_/), name: 'Mia', role: null, isBanned: false, banReason: null },
      ...{ createdAt: expect.any(Number), connections: 0 },
    })
    expect((await list(`search=${mia.userId}`)).accounts).toEqual([mia])
    expect((await list(`search=${encodeURIComponent('äLV')}`)).accounts).toMatchObject([{ name: 'Älva' }])
    expect((await list(`search=${encodeURIComponent('✨')}`)).accounts).toMatchObject([{ name: 'Zed ✨' }])
    expect((await list('search=%25')).accounts).toEqual([])
    const first = await list('limit=2')
    expect(first).toMatchObject({ accounts: [{}, {}], more: true })
    const second = await list(`limit=1&after=${first.accounts[1].userId}`)
    expect(second.accounts[0].userId > first.accounts[1].userId).toBe(true)
    await post('ban', { userId: mia.userId })
    expect((await list('only=banned')).accounts).toEqual([{ ...mia, isBanned: true }])
    await post('unban', { userId: mia.userId })
    expect((await list('only=banned')).accounts).toEqual([])
  })

  it('[B27] [D11] is for admins too, but not to themselves, and for no one else', async () => {
    await using keyless = await serveHttp({ apiKey: undefined, stories: true })
    await using closed = await serveHttp({ apiKey: undefined })
    const [root, ann] = [tokenOf('root', 'admin'), tokenOf('ann')]
    const person = await keyless.connect('ann')
    const act = (path: string, body: object, auth = root) => keyless.post(`/api/server/${path}`, body, auth)
    const acts = [
      ['role', { role: 'support' }],
      ['disconnect', {}],
      ['ban', {}],
      ['unban', {}],
    ] as const
    for (const [path, more] of acts) {
      expect(refusal(await act(path, { userId: 'root', ...more }))).toEqual([403, 'FORBIDDEN', undefined])
      expect(refusal(await act(path, { userId: 'bob', ...more }, ann))).toEqual([403, 'FORBIDDEN', undefined])
      expect((await closed.post(`/api/server/${path}`, { userId: 'bob', ...more }, root)).status).toBe(404)
    }
    expect((await keyless.get('/api/server/accounts?search=ann', root)).body.accounts).toMatchObject([
      { userId: 'ann', connections: 1 },
    ])
    expect((await act('ban', { userId: 'ann' })).body).toEqual({ status: 'ok' })
    expect((await person.closed).code).toBe(4003)
    expect((await act('unban', { userId: 'ann' })).status).toBe(200)
    await (await keyless.connect('ann')).socket.close()
    expect((await act('publish', { roomId: 'x', event: 'note' })).status).toBe(404)
  })

  it('[X6] disconnects one connection, or all of a user', async () => {
    const one = await serving.connect('bob')
    const two = await serving.connect('bob')
    const other = await serving.connect('ann')
    const { id } = one.messages.find(({ type }) => type === 'welcome') as { id: string }
    expect((await post('disconnect', { connectionId: id, reason: 'Bye' })).body).toEqual({
      status: 'ok',
      disconnected: 1,
    })
    expect(await one.closed).toEqual({ code: 4009, reason: 'Bye' })
    expect((await post('disconnect', { userId: 'bob' })).body).toEqual({ status: 'ok', disconnected: 1 })
    expect(await two.closed).toEqual({ code: 4009, reason: 'Disconnected by the server' })
    expect((await post('disconnect', { userId: 'bob' })).body).toEqual({ status: 'ok', disconnected: 0 })
    expect((await post('disconnect', { connectionId: id })).body).toEqual({ status: 'ok', disconnected: 0 })
    expect(other.socket.readyState).toBe(WebSocket.OPEN)
    other.socket.close()
  })

  it('[D11] a role given or taken applies to joined rooms, and the client is sent those that it lost', async () => {
    expect((await post('role', { userId: 'sam', role: 'seller' })).body).toEqual({ status: 'ok' })
    const sam = await serving.connect('sam')
    await join(sam, 'vip:1')
    await post('role', { userId: 'sam', role: 'user' })
    expect(await sam.next(({ type, user }) => type === 'auth_ok' && roleOf(user) === 'user')).toBeDefined()
    expect(await sam.next(({ type }) => type === 'notice')).toMatchObject({ code: 'FORBIDDEN', roomId: 'vip:1' })
    expect((await post('refresh', { userId: 'sam' })).body).toEqual({ status: 'ok', connections: 1, lost: [] })
    sam.socket.close()
  })

  it('[D11] refresh asks the rules again when something else changed, and says what was lost', async () => {
    let isOpen = true
    await using other = await serveHttp({}, (roomful) =>
      roomful
        .get('/')
        .room('club', { allow: { join: () => isOpen } })
        .room('*'),
    )
    const ann = await other.connect('ann')
    await join(ann, 'club')
    isOpen = false
    const { id } = ann.messages.find(({ type }) => type === 'welcome') as { id: string }
    expect((await other.post('/api/server/refresh', { userId: 'ann' }, API_KEY)).body).toEqual({
      status: 'ok',
      connections: 1,
      lost: [{ namespace: '/', connectionId: id, roomId: 'club' }],
    })
    ann.socket.close()
  })

  it('[X6] a ban acts at once and keeps out, also who was never here; unban lets in again', async () => {
    const mallory = await serving.connect('mallory')
    expect((await post('ban', { userId: 'mallory' })).status).toBe(200)
    expect(await mallory.closed).toEqual({ code: 4003, reason: 'You are banned' })
    await post('ban', { userId: 'stranger' })
    for (const user of ['mallory', 'stranger']) {
      expect(refusal(await serving.get('/api/rooms', tokenOf(user)))).toEqual([403, 'BANNED', undefined])
      await post('unban', { userId: user })
      expect((await serving.get('/api/rooms', tokenOf(user))).status).toBe(200)
    }
  })

  it('[X6] a ban tells its reason: on the connection that it ends, at every way in, at sign-in, and to administrators', async () => {
    const name = { username: 'Spencer', password: 'a long enough password' }
    const { token, user } = (await serving.post('/api/users', name)).body as { token: string; user: { sub: string } }
    const spencer = await serving.connect(user.sub)
    const told = 'You are banned: Repeated spam'
    expect((await post('ban', { userId: user.sub, reason: ' Repeated spam ' })).status).toBe(200)
    expect(await spencer.closed).toEqual({ code: 4003, reason: told })
    for (const answer of [await serving.get('/api/rooms', token), await serving.post('/api/session', name)])
      expect(answer).toMatchObject({ status: 403, body: { error: { code: 'BANNED', message: told } } })
    await expect(serving.connect(user.sub)).rejects.toThrow(`Closed 4003 ${told}`)
    const banned = async () => (await get('accounts?search=Spencer')).body.accounts
    expect(await banned()).toMatchObject([{ isBanned: true, banReason: 'Repeated spam' }])
    await post('unban', { userId: user.sub })
    expect(await banned()).toMatchObject([{ isBanned: false, banReason: null }])
    await post('ban', { userId: user.sub })
    expect(await banned()).toMatchObject([{ isBanned: true, banReason: null }])
    for (const reason of ['two\nlines', 'x'.repeat(201), 7])
      expect(refusal(await post('ban', { userId: user.sub, reason }))).toEqual([400, 'INVALID_MESSAGE', 'reason'])
  })

  it('[X6] where users must be known, an unknown one is NOT_FOUND; a guest has no account', async () => {
    await using other = await serveHttp({ users: 'strict' })
    const ban = (userId: string) => other.post('/api/server/ban', { userId }, API_KEY)
    expect(refusal(await ban('nobody'))).toEqual([404, 'NOT_FOUND', 'userId'])
    expect(refusal(await ban('guest:abc'))).toEqual([400, 'INVALID_MESSAGE', 'userId'])
  })
})

describe('taking back', () => {
  const say = (userId: string, content: string) =>
    post('publish', { roomId: 'talk', event: 'message:new', data: { userId, name: userId, content }, userId })
  const contents = async () =>
    (await get('rooms/talk/events')).body.events.flatMap(({ content }: { content?: string }) => content ?? [])

  it('[X7] one message, of which members are told, and everything of a user; numbers stay', async () => {
    const ann = await serving.connect('ann')
    await join(ann, 'talk')
    for (const [user, content] of [
      ['ann', 'one'],
      ['bob', 'two'],
      ['bob', 'three'],
    ] as const)
      await say(user, content)
    expect((await post('redact', { roomId: 'talk', seq: 1 })).body).toEqual({ status: 'ok', redacted: 1 })
    expect(await ann.next(({ type }) => type === 'message:redacted')).toMatchObject({ target: 1, seq: 4 })
    expect((await post('redact', { roomId: 'talk', seq: 1 })).body).toEqual({ status: 'ok', redacted: 0 })
    expect(await contents()).toEqual(['two', 'three'])
    expect((await post('redact', { userId: 'bob' })).body).toEqual({ status: 'ok', redacted: 2 })
    expect(await contents()).toEqual([])
    const late = await serving.connect('late')
    late.say({ type: 'room:join', roomId: 'talk', after: 0, id: 'j' })
    await late.next(({ seq, type }) => type !== 'ack' && seq === 4)
    expect(JSON.stringify(late.messages)).not.toMatch(/one|two|three/)
    expect(refusal(await post('redact', { roomId: 'talk', seq: 99 }))).toEqual([404, 'NOT_FOUND', 'seq'])
    for (const { socket } of [ann, late]) socket.close()
  })
})
