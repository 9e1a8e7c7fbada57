/** The official client's own recovery, answered from the logs: across a cut, and across a restart of the server. D3. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hubOf } from '@roomful/server/testing'
import type { Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { client, connect, next, serve, token, type Way } from './serve.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'roomful-socketio-'))
  // After the servers are closed: hooks of a test run behind those of its files.
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Contents of every message that a client hears from now on. */
function listen(socket: Socket): unknown[] {
  const heard: unknown[] = []
  socket.on('message:new', ({ content }: { content: unknown }) => heard.push(content))
  return heard
}

/** Cuts the client off, and keeps it off until it is let back. */
async function cut(socket: Socket): Promise<() => Promise<void>> {
  const gone = next(socket, 'disconnect')
  socket.io.reconnection(false)
  socket.io.engine.close()
  await gone
  return async () => {
    const back = next(socket, 'connect')
    socket.connect()
    await back
  }
}

describe.each(['websocket', 'polling'] satisfies Way[])('recovery over %s', (way) => {
  it('[D3] [J9] brings back the rooms, and exactly what was missed in them', async () => {
    const { url } = await serve()
    const ann = await connect(url, way, 'ann')
    const ben = await connect(url, 'websocket', 'ben')
    for (const roomId of ['a', 'b']) await ann.emitWithAck('room:join', roomId)
    const heard = listen(ann)
    const say = (roomId: string, content: string) => ben.emitWithAck('message:send', { roomId, content })
    await say('a', 'one')
    await say('b', 'two')
    const back = await cut(ann)
    await say('b', 'three')
    await say('a', 'four')
    await say('b', 'five')
    const { seq } = await say('b', 'taken back')
    await ben.emitWithAck('message:redact', { roomId: 'b', seq })
    const empty: unknown[] = []
    ann.on('message:new', (data) => data.redacted && empty.push(data))
    await back()
    expect(ann.recovered).toBe(true)
    await say('a', 'six')
    await ann.emitWithAck('room:list')
    expect(heard).toEqual(['one', 'two', 'three', 'four', 'five', undefined, 'six'])
    expect(empty).toEqual([{ id: `b-${seq}`, roomId: 'b', seq, ts: expect.any(Number), redacted: true }])
  })

  it('[D3] [J10] brings back a client that had heard nothing yet', async () => {
    const { url } = await serve()
    const ann = await connect(url, way, 'ann')
    const ben = await connect(url, 'websocket', 'ben')
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'before' })
    await ann.emitWithAck('room:join', 'a')
    const heard = listen(ann)
    const back = await cut(ann)
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'missed' })
    await back()
    expect(ann.recovered).toBe(true)
    await ann.emitWithAck('room:list')
    expect(heard).toEqual(['missed'])
  })
})

describe('recovery', () => {
  it('[D3] goes on after a restart of the server', async () => {
    const data = folder()
    const first = await serve({ data })
    const ann = client(first.url, 'websocket', { auth: { token: await token('ann') } })
    await next(ann, 'connect')
    await ann.emitWithAck('room:join', 'a')
    const heard = listen(ann)
    const send = (socket: Socket, content: string) => socket.emitWithAck('message:send', { roomId: 'a', content })
    await send(ann, 'before')
    const gone = next(ann, 'disconnect')
    await first.roomful.close()
    expect((await gone)[0]).toBe('transport close')
    const back = next(ann, 'connect')
    const second = await serve({ data, atPort: first.port })
    await back
    expect(ann.recovered).toBe(true)
    const ben = await connect(second.url, 'websocket', 'ben')
    await send(ben, 'after')
    await ann.emitWithAck('room:list')
    expect(heard).toEqual(['before', 'after'])
  })

  it('[J11] says that it is none when a single event is gone, for another user, and for rubbish', async () => {
    const { url } = await serve({ replayMax: 2 })
    const ann = await connect(url, 'websocket', 'ann')
    const ben = await connect(url, 'websocket', 'ben')
    await ann.emitWithAck('room:join', 'a')
    const heard = listen(ann)
    const back = await cut(ann)
    for (const content of ['1', '2', '3']) await ben.emitWithAck('message:send', { roomId: 'a', content })
    await back()
    expect(ann.recovered).toBe(false)
    await ann.emitWithAck('room:list')
    expect(heard).toEqual([])

    const pid = (ann as unknown as { _pid: string })._pid
    const thief = client(url, 'websocket', { auth: { token: await token('eve'), pid, offset: '' } })
    await next(thief, 'connect')
    expect((thief as unknown as { _pid: string })._pid).not.toBe(pid)
    for (const offset of ['rubbish', '1other.5', {}, 7]) {
      const odd = client(url, 'websocket', { auth: { token: await token('ann'), pid: 'x'.repeat(32), offset } })
      await next(odd, 'connect')
      expect(odd.recovered).toBe(false)
    }
  })

  it('[J11] [B24] says that it is none when another user has the last seat of a room meanwhile', async () => {
    const { url, roomful } = await serve({}, (server) => server.get('/').room('game:*', { capacity: 1 }))
    Object.assign(hubOf(roomful).runtime.settings, { presenceGraceMs: 50 })
    const ann = await connect(url, 'websocket', 'ann')
    const ben = await connect(url, 'websocket', 'ben')
    expect(await ann.emitWithAck('room:join', 'game:1')).toMatchObject({ status: 'ok' })
    const back = await cut(ann)
    await expect.poll(() => ben.emitWithAck('room:join', 'game:1')).toMatchObject({ status: 'ok' })
    await back()
    expect(ann.recovered).toBe(false)
    expect(await ann.emitWithAck('room:join', 'game:1')).toMatchObject({ code: 'ROOM_FULL' })
  })

  it('[J12] takes no string of a user for a cursor, and leaves events alone where it is off', async () => {
    const declare: Parameters<typeof serve>[1] = (roomful) => {
      const talk = roomful.namespace('/talk', undefined, { guests: true })
      talk.on('say', ({ connection }, text: string) => talk.to(connection.id).volatile.emit('said', text))
      talk.on('nothing', ({ connection }) => talk.to(connection.id).volatile.emit('nothing'))
    }
    const on = await serve({}, declare)
    const socket = client(`${on.url}/talk`, 'websocket')
    await next(socket, 'connect')
    const said = next(socket, 'said')
    socket.emit('say', '1forged.99')
    expect(await said).toEqual(['1forged.99', null])
    const nothing = next(socket, 'nothing')
    socket.emit('nothing')
    expect(await nothing).toEqual([null])
    expect((socket as unknown as { _lastOffset?: string })._lastOffset).toBeUndefined()

    const off = await serve({ socketioRecovery: false }, declare)
    const plain = client(`${off.url}/talk`, 'websocket')
    await next(plain, 'connect')
    expect((plain as unknown as { _pid?: string })._pid).toBeUndefined()
    const alone = next(plain, 'said')
    plain.emit('say', 'as it is')
    expect(await alone).toEqual(['as it is'])
  })
})

describe('[C18] overlapping reconnects of one session', () => {
  /** Comes with what another client would come back with. */
  async function cameBackAs(url: string, other: Socket): Promise<Socket> {
    const socket = client(url, 'websocket', {
      auth: { token: await token('ann') },
      reconnection: false,
      autoConnect: false,
    })
    const { _pid, _lastOffset } = other as unknown as Record<'_pid' | '_lastOffset', string>
    Object.assign(socket, { _pid, _lastOffset })
    return socket
  }

  it('[V20] the newer one has the session, the older one is closed, and nobody sees a leave', async () => {
    const { url } = await serve()
    const [ann, ben] = [await connect(url, 'websocket', 'ann'), await connect(url, 'websocket', 'ben')]
    ann.io.reconnection(false)
    for (const socket of [ann, ben]) await socket.emitWithAck('room:join', 'a')
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'one' })
    const left: unknown[] = []
    ben.on('user:left', (data: unknown) => left.push(data))
    const again = await cameBackAs(url, ann)
    const heard = listen(again)
    const closed = next(ann, 'disconnect')
    again.connect()
    await Promise.all([next(again, 'connect'), closed])
    expect(again.recovered).toBe(true)
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'two' })
    await again.emitWithAck('room:list')
    expect(heard).toEqual(['two'])
    expect(left).toEqual([])
  })

  it('[V20] of several at once exactly one lives, and it has everything', async () => {
    const { url, roomful } = await serve()
    const [ann, ben] = [await connect(url, 'websocket', 'ann'), await connect(url, 'websocket', 'ben')]
    for (const socket of [ann, ben]) await socket.emitWithAck('room:join', 'a')
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'one' })
    await cut(ann)
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'two' })
    const rivals = await Promise.all(Array.from({ length: 5 }, () => cameBackAs(url, ann)))
    const heard = rivals.map((socket) => listen(socket))
    const settled = rivals.map((socket) => Promise.race([next(socket, 'connect'), next(socket, 'connect_error')]))
    for (const socket of rivals) socket.connect()
    await Promise.all(settled)
    await ben.emitWithAck('message:send', { roomId: 'a', content: 'three' })
    const living = rivals.filter((socket) => socket.connected)
    const [survivor] = living
    await survivor?.emitWithAck('room:list')
    expect(living).toHaveLength(1)
    expect(heard[rivals.indexOf(survivor as Socket)]).toEqual(['two', 'three'])
    expect(hubOf(roomful).namespace('/')?.state.users.get('ann')?.connections.size).toBe(1)
  })
})
