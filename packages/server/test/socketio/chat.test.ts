/** What C7 to C9 ask of Socket.IO, with the official client, over each way in which it can be carried. */

import { ackArgs } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { client, collect, connect, next, refusal, serve, token, ways } from './serve.ts'

describe.each(ways)('a Socket.IO client over %s', (way) => {
  it('[C7] joins, is heard, and has its message acknowledged', async () => {
    const { url } = await serve()
    const ann = await connect(url, way, 'ann')
    const ben = await connect(url, way, 'ben')
    const joined = next(ann, 'user:joined')
    expect(await ann.emitWithAck('room:join', 'chat-room-123')).toMatchObject({ status: 'ok', seq: 0, count: 1 })
    expect(await ben.emitWithAck('room:join', { roomId: 'chat-room-123' })).toMatchObject({ status: 'ok', count: 2 })
    expect(await joined).toMatchObject([{ userId: 'ben' }])
    const typing = next(ben, 'user:typing')
    ann.emit('typing:start', 'chat-room-123')
    expect(await typing).toEqual([{ roomId: 'chat-room-123', userId: 'ann', name: 'ann' }])
    const heard = [next(ann, 'message:new'), next(ben, 'message:new')]
    const ack = await ann.emitWithAck('message:send', { roomId: 'chat-room-123', content: 'Hello!\n👋' })
    expect(ack).toMatchObject({ status: 'ok', id: 'chat-room-123-1', seq: 1 })
    const message = { roomId: 'chat-room-123', userId: 'ann', name: 'ann', content: 'Hello!\n👋' }
    for (const each of heard) {
      const [data] = await each
      expect(data).toEqual({ ...message, id: ack.id, seq: 1, ts: ack.ts })
    }
    const left = next(ben, 'user:left')
    ann.emit('room:leave', 'chat-room-123')
    expect(await left).toMatchObject([{ roomId: 'chat-room-123', userId: 'ann' }])
  })

  it('[C7] whispers to a connection or a user', async () => {
    const { url } = await serve()
    const ann = await connect(url, way, 'ann')
    const ben = await connect(url, way, 'ben')
    const heard = next(ben, 'message:private')
    const ack = await ann.emitWithAck('message:private', { to: ben.id, content: 'psst' })
    expect(ack).toMatchObject({ status: 'ok', delivery: 'delivered' })
    const [message] = await heard
    expect(message).toMatchObject({ from: ann.id, fromUser: 'ann', to: 'ben', content: 'psst' })
  })

  it('[C9] sends and gets bytes, several arguments, and answers of either', async () => {
    const { url } = await serve({}, (roomful) => {
      const files = roomful.namespace('/files', undefined, { guests: true })
      files.on('upload', (context, name: string, bytes: Uint8Array, more: object) => {
        context.emit('uploaded', name, bytes, more)
        return { status: 'ok', echo: bytes }
      })
      files.on('all', (_context, ...args: unknown[]) => ackArgs(...args))
    })
    const socket = client(`${url}/files`, way)
    await next(socket, 'connect')
    const uploaded = next(socket, 'uploaded')
    const bytes = Buffer.from([0, 1, 2, 255])
    const answer = await socket.emitWithAck('upload', 'a.bin', bytes, { part: bytes })
    expect(Buffer.from(answer.echo)).toEqual(bytes)
    const [name, back, more] = (await uploaded) as [string, Uint8Array, { part: Uint8Array }]
    expect([name, Buffer.from(back), Buffer.from(more.part)]).toEqual(['a.bin', bytes, bytes])
    const all = await new Promise((resolve) =>
      socket.emit('all', 1, '2', [null], (...args: unknown[]) => resolve(args)),
    )
    expect(all).toEqual([1, '2', [null]])
  })

  it('[K10] [D2] stores a repeat under its key once, and is told the first answer again', async () => {
    const { url, roomful } = await serve({}, (namespaces) => {
      namespaces.namespace('/open', undefined, { guests: true }).on('set', (_context, data: unknown) => data)
    })
    const ann = await connect(url, way, 'ann')
    await ann.emitWithAck('room:join', 'a')
    const heard = collect(ann, 'message:new', 2)
    const send = (content: string, key?: unknown) => ann.emitWithAck('message:send', { roomId: 'a', content, key })
    const first = await send('once', 'k-1')
    expect(await send('once', 'k-1')).toEqual(first)
    expect(await send('other', 'k-1')).toMatchObject({ status: 'error', code: 'CONFLICT' })
    expect(await send('once', 7)).toMatchObject({ status: 'error', code: 'INVALID_MESSAGE', field: 'key' })
    await send('next')
    expect(await heard).toMatchObject([{ seq: 1, content: 'once', key: 'k-1' }, { seq: 2 }])

    // A client that repeats by itself what was not answered: the connection goes before the answer comes.
    const auth = { token: await token('ben') }
    const ben = client(url, way, { auth, retries: 3, ackTimeout: 1_000 })
    await next(ben, 'connect')
    const link = hubOf(roomful).namespace('/')?.connections.get(String(ben.id))?.link
    if (link) link.ack = () => link.terminate('cable cut')
    const told = await new Promise((resolve) => {
      const data = { roomId: 'a', content: 'retried', key: 'k-2' }
      ben.emit('message:send', data, (error: unknown, answer: unknown) => resolve([error, answer]))
    })
    expect(told).toMatchObject([null, { status: 'ok', seq: 3 }])
    expect(await send('last')).toMatchObject({ seq: 4 })

    // Where nothing is declared, `key` is a field like any other.
    const open = client(`${url}/open`, way)
    expect(await open.emitWithAck('set', { key: 'Enter', value: 1 })).toEqual({ key: 'Enter', value: 1 })
  })

  it('[C9] [Q12] is asked by the server, and answers with its callback, bytes included', async () => {
    const { url, roomful } = await serve({}, (namespaces) => {
      const files = namespaces.namespace('/files', undefined, { guests: true })
      files.on('check', async ({ connection }, bytes: Uint8Array) => {
        const size = await connection.call('measure', 'a.bin', bytes)
        const copy = (await connection.request('copy', { bytes })) as Uint8Array
        return { size, isSame: Buffer.from(copy).equals(Buffer.from(bytes)) }
      })
    })
    const socket = client(`${url}/files`, way)
    socket.on('measure', (name: string, bytes: Uint8Array, answer: (size: number) => void) => {
      answer(name === 'a.bin' ? bytes.byteLength : -1)
    })
    socket.on('copy', ({ bytes }: { bytes: Uint8Array }, answer: (copy: Uint8Array) => void) => answer(bytes))
    await next(socket, 'connect')
    expect(await socket.emitWithAck('check', Buffer.from([0, 1, 255]))).toEqual({ size: 3, isSame: true })

    const connection = hubOf(roomful).namespace('/files')?.connections.get(String(socket.id))
    socket.on('slow', (answer: (value: string) => void) => setTimeout(() => answer('late'), 200))
    await expect(connection?.request('slow', undefined, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    socket.on('twice', (answer: (value: number) => void) => [1, 2].forEach((value) => void answer(value)))
    expect(await connection?.request('twice')).toBe(1)
    const pending = connection?.request('never')
    socket.disconnect()
    await expect(pending).rejects.toMatchObject({ code: 'DISCONNECTED' })
  })

  it('[C9] has several namespaces on one connection, each with its own end', async () => {
    const { url, roomful } = await serve()
    const auth = { token: await token('ann', 'Ann', { role: 'support' }) }
    const main = client(url, way, { forceNew: false, auth })
    const support = main.io.socket('/support', { auth })
    await Promise.all([next(main, 'connect'), next(support, 'connect')])
    expect(main.id).not.toBe(support.id)
    const admin = main.io.socket('/admin', { auth })
    expect(await refusal(admin)).toMatchObject({ data: { code: 'FORBIDDEN' } })
    const nowhere = main.io.socket('/nowhere', { auth })
    expect(await refusal(nowhere)).toMatchObject({ message: 'Invalid namespace' })
    expect(hubOf(roomful).links.open.size).toBe(1)
    support.disconnect()
    expect(await main.emitWithAck('room:join', 'still')).toMatchObject({ status: 'ok' })
    support.connect()
    await next(support, 'connect')
    const gone = next(main, 'disconnect')
    roomful.disconnectUser('ann')
    expect(await gone).toContain('io server disconnect')
  })

  it('[B31] is told how its authentication failed', async () => {
    const { url, roomful } = await serve({ users: 'strict' })
    const failure = (auth: Record<string, unknown>) => refusal(client(url, way, { auth }))
    const bad = { message: 'Authentication failed', data: { code: 'TOKEN_INVALID' } }
    expect(await failure({ token: 'rubbish' })).toMatchObject(bad)
    expect(await failure({ token: 12 })).toMatchObject({ data: { code: 'TOKEN_INVALID' } })
    const expired = await token('ann', 'Ann', { exp: Math.floor(Date.now() / 1000) - 60 })
    const late = { message: 'Authentication failed: token expired', data: { code: 'TOKEN_EXPIRED' } }
    expect(await failure({ token: expired })).toMatchObject(late)
    expect(await failure({})).toMatchObject({ data: { code: 'UNAUTHENTICATED' } })
    expect(await failure({ token: await token('nobody') })).toMatchObject({ data: { code: 'USER_UNKNOWN' } })
    expect(hubOf(roomful).namespace('/')?.connections.size).toBe(0)
  })

  it('[H11] refreshes its token on the open connection', async () => {
    const { url } = await serve()
    const ann = await connect(url, way, 'ann')
    const refreshed = next(ann, 'auth_ok')
    ann.emit('auth', { token: await token('ann', 'Ann B.') })
    expect(await refreshed).toMatchObject([{ user: { sub: 'ann', name: 'Ann B.' } }])
    const refused = next(ann, 'error')
    ann.emit('auth', { token: await token('ben') })
    expect(await refused).toMatchObject([{ code: 'TOKEN_INVALID', event: 'auth' }])
    expect(await ann.emitWithAck('room:list')).toMatchObject({ status: 'ok' })
  })

  it('gets a failed request as one argument with a code', async () => {
    const { url } = await serve()
    const ann = await connect(url, way, 'ann')
    expect(await ann.emitWithAck('nothing:known')).toMatchObject({ status: 'error', code: 'UNKNOWN_EVENT' })
    const wrong = await ann.emitWithAck('message:send', { roomId: 'r' })
    expect(wrong).toMatchObject({ status: 'error', code: 'INVALID_MESSAGE', field: 'content' })
    const told = next(ann, 'error')
    ann.emit('message:send', { roomId: 'r' })
    expect(await told).toMatchObject([{ code: 'INVALID_MESSAGE', event: 'message:send' }])
  })
})

describe('one room', () => {
  it('[D1] shows a bare WebSocket and Socket.IO clients of every way the same events under the same numbers', async () => {
    const { url } = await serve()
    const bare = new WebSocket(`${url.replace('http', 'ws')}/ws?token=${await token('bare')}`)
    const bareHeard: Record<string, unknown>[] = []
    const say = (message: object): void => bare.send(JSON.stringify(message))
    const allHeard = new Promise<void>((resolve) => {
      bare.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString())
        if (message.type === 'auth_ok') say({ type: 'room:join', roomId: 'all', id: 1 })
        if (message.type === 'chat:message' && bareHeard.push(message) === 8) resolve()
      })
    })
    await new Promise<void>((resolve) => {
      bare.on('message', (data: Buffer) => data.toString().includes('"ack":1') && resolve())
    })
    const others = await Promise.all(ways.map((way) => connect(url, way, way)))
    for (const other of others) await other.emitWithAck('room:join', 'all')
    const heard = others.map((other) => collect(other, 'message:new', 8))
    for (const round of [1, 2]) {
      say({ type: 'chat:message', roomId: 'all', content: `bare ${round}` })
      for (const other of others) other.emit('message:send', { roomId: 'all', content: `io ${round}` })
    }
    await allHeard
    const seen = (events: Record<string, unknown>[]) =>
      events.map(({ seq, id, ts, userId, content }) => [seq, id, ts, userId, content])
    expect(bareHeard.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    for (const each of heard) expect(seen(await each)).toEqual(seen(bareHeard))
    bare.close()
  })

  it('[C7] takes the required client as it stands', async () => {
    const { url } = await serve()
    const jwt = await token('reader')
    const localStorage = { getItem: (_name: string) => jwt }
    const shown: unknown[] = []
    const appendMessage = (message: unknown): number => shown.push(message)
    const socket = io(url, {
      auth: { token: localStorage.getItem('jwt') },
      reconnection: true,
      reconnectionDelay: 1000,
      reconnectionAttempts: 10,
      timeout: 10000,
    })
    socket.on('connect', () => {
      socket.emit('room:join', 'chat-room-123')
    })
    socket.on('message:new', (message) => {
      appendMessage(message)
    })
    const delivered = new Promise<void>((resolve) => {
      socket.emit('message:send', { roomId: '123', content: 'Hello!' }, (ack: { status?: string }) => {
        if (ack?.status === 'ok') resolve()
      })
    })
    await delivered
    const writer = await connect(url, 'websocket', 'writer')
    const heard = next(socket, 'message:new')
    await writer.emitWithAck('message:send', { roomId: 'chat-room-123', content: 'Hi' })
    await heard
    expect(shown).toMatchObject([{ roomId: 'chat-room-123', content: 'Hi', name: 'writer' }])
    const closed = next(socket, 'disconnect')
    socket.disconnect()
    expect((await closed)[0]).toBe('io client disconnect')
  })
})
