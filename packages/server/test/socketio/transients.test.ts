/** Recovery of what no log has: transient events that a client missed, who it was, and its data. D3. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import type { Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { client, next, serve, type Way } from './serve.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'roomful-transients-'))
  // After the servers are closed: hooks of a test run behind those of its files.
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const declare = (roomful: Roomful): void => {
  const team = roomful.namespace('/team', undefined, { guests: true })
  team.use(({ event, connection }) => {
    if (event === undefined) connection.data.checks = Number(connection.data.checks ?? 0) + 1
  })
  team.on('sync', () => 'ok')
  team.on('store', (context, n: number) => context.append('a', 'tick', n))
  team.on('set', ({ connection }, name: string, value: unknown) => {
    connection.data[name] = value
    return 'ok'
  })
  team.on('data', ({ connection }) => connection.data)
  team.on('shout', (context, n: number) => context.to('a').emit('tick', n))
}

async function enter(url: string, way: Way, room = 'a'): Promise<{ socket: Socket; heard: unknown[] }> {
  const socket = client(`${url}/team`, way)
  await next(socket, 'connect')
  await socket.emitWithAck('room:join', room)
  const heard: unknown[] = []
  socket.on('tick', (n: unknown) => heard.push(n))
  return { socket, heard }
}

/** Cuts the client off until it is let back. */
async function cut(socket: Socket): Promise<() => Promise<void>> {
  const gone = next(socket, 'disconnect')
  socket.io.reconnection(false)
  socket.io.engine.close()
  await gone
  return async () => {
    const back = next(socket, 'connect')
    socket.connect()
    await back
    await socket.emitWithAck('sync')
  }
}

it('[J23] large ones for a client that is gone do not stay in memory beyond their bound', async () => {
  const { url, roomful } = await serve({}, declare)
  const { socket } = await enter(url, 'websocket')
  await cut(socket)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 600; i++) {
    roomful
      .get('/team')
      .to('a')
      .emit('tick', `${i} ${'x'.repeat(50_000)}`)
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  collect()
  // 30 MB were sent, as arguments and as their JSON; 4 MiB of that may stay for who comes back.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(30e6)
})

describe.each(['websocket', 'polling'] satisfies Way[])('transient events over %s', (way) => {
  it('[J23] that were missed come when their client is back, in their place among the stored ones', async () => {
    const { url, roomful } = await serve({}, declare)
    const team = roomful.get('/team')
    const { socket, heard } = await enter(url, way)
    const other = await enter(url, 'websocket')
    const { id } = socket
    team.to('a').emit('tick', 1)
    await other.socket.emitWithAck('sync')
    const back = await cut(socket)
    await other.socket.emitWithAck('store', 2)
    team.to('a').emit('tick', 3)
    team.to('b').emit('tick', 'of another room')
    team.to('a').volatile.emit('tick', 'may be lost')
    await other.socket.emitWithAck('store', 4)
    team.emit('tick', 5)
    team.except('a').emit('tick', 'not for the room')
    team.except(id as string).emit('tick', 'not for it')
    team.to(id as string).emit('tick', 6)
    await other.socket.emitWithAck('shout', 7)
    await back()
    expect(socket.recovered).toBe(true)
    team.to('a').emit('tick', 8)
    await socket.emitWithAck('sync')
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('[J23] none is lost or told twice while a client is cut off again and again in the middle of them', async () => {
    const { url, roomful } = await serve({ ratePerSecond: 0, ratePerMinute: 0 }, declare)
    const team = roomful.get('/team')
    const { socket, heard } = await enter(url, way)
    const other = await enter(url, 'websocket')
    let last = 0
    let falsely = 0
    socket.on('connect', () => {
      if (!socket.recovered) falsely++
    })
    for (let round = 0; round < 12; round++) {
      const back = next(socket, 'connect')
      for (let i = 0; i < 20; i++) {
        last++
        if (i % 5 === 0) await other.socket.emitWithAck('store', last)
        else team.to('a').emit('tick', last)
        if (i === 7) setImmediate(() => socket.io.engine.close())
      }
      await back
      await socket.emitWithAck('sync')
    }
    expect(falsely).toBe(0)
    expect(heard).toEqual(Array.from({ length: last }, (_, at) => at + 1))
  })
})

describe('a client that missed more than is kept', () => {
  it('[J24] is not told that it recovered, and is a new one', async () => {
    const { url, roomful } = await serve({}, declare)
    const { socket, heard } = await enter(url, 'websocket')
    const { id } = socket
    await socket.emitWithAck('set', 'team', 'red')
    const back = await cut(socket)
    for (let n = 0; n < 5_000; n++) roomful.get('/team').to('a').emit('tick', n)
    await back()
    expect(socket.recovered).toBe(false)
    expect(socket.id).not.toBe(id)
    expect(await socket.emitWithAck('data')).toEqual({ checks: 1 })
    expect(heard).toEqual([])
  })

  it('[J24] but one that missed nothing of it is', async () => {
    const { url, roomful } = await serve({}, declare)
    const { socket } = await enter(url, 'websocket')
    for (let n = 0; n < 5_000; n++) roomful.get('/team').to('b').emit('tick', n)
    const back = await cut(socket)
    roomful.get('/team').to('b').emit('tick', 1)
    await back()
    expect(socket.recovered).toBe(true)
  })

  it('[J24] and after a restart one is only where nothing was sent while it was away', async () => {
    const data = folder()
    const first = await serve({ data }, declare)
    const stays = await enter(first.url, 'websocket')
    const away = await enter(first.url, 'websocket')
    const { id } = stays.socket
    await stays.socket.emitWithAck('set', 'team', 'red')
    const returns = await cut(away.socket)
    first.roomful.get('/team').to('a').emit('tick', 1)
    await stays.socket.emitWithAck('sync')
    const back = next(stays.socket, 'connect')
    await first.roomful.close()
    const second = await serve({ data, atPort: first.port }, declare)
    second.roomful.get('/team').to('a').emit('tick', 2)
    await back
    await stays.socket.emitWithAck('sync')
    await returns()
    expect([stays.socket.recovered, stays.socket.id, stays.heard]).toEqual([true, id, [1, 2]])
    expect(await stays.socket.emitWithAck('data')).toEqual({ checks: 2, team: 'red' })
    expect([away.socket.recovered, away.heard]).toEqual([false, []])
  })
})

describe('who comes back', () => {
  it('[J25] has its id and its data, which its checks see, and which begins empty', async () => {
    const { url, roomful } = await serve({}, declare)
    const { socket } = await enter(url, 'websocket')
    const { id } = socket
    expect(await socket.emitWithAck('data')).toEqual({ checks: 1 })
    await socket.emitWithAck('set', 'team', 'red')
    const own = new Map([['a', 1]])
    const connection = roomful.get('/team').connections.get(id as string)
    if (connection) connection.data.map = own
    const back = await cut(socket)
    await back()
    expect(socket.recovered).toBe(true)
    expect(socket.id).toBe(id)
    const again = roomful.get('/team').connections.get(id as string)
    expect(again).not.toBe(connection)
    expect(again?.data).toEqual({ checks: 2, team: 'red', map: own })
    expect(again?.data.map).toBe(own)
    expect(roomful.get('/team').connections.size).toBe(1)
  })

  it('[J25] has it stored before the request that changed it is answered', async () => {
    const data = folder()
    const { url, roomful } = await serve({ data }, declare)
    const { socket } = await enter(url, 'websocket')
    await socket.emitWithAck('set', 'team', 'blue')
    const pid = (socket as unknown as { _pid: string })._pid
    const record = await hubOf(roomful).runtime.broker.findSession('/team', pid)
    expect(record).toMatchObject({ connectionId: socket.id, data: '{"checks":1,"team":"blue"}' })
  })

  it('[J25] is a new one after a restart when JSON cannot say what its data was', async () => {
    const data = folder()
    const first = await serve({ data }, declare)
    const { socket } = await enter(first.url, 'websocket')
    const connection = first.roomful.get('/team').connections.get(socket.id as string)
    if (connection) connection.data.self = connection.data
    const back = next(socket, 'connect')
    await first.roomful.close()
    await serve({ data, atPort: first.port }, declare)
    await back
    expect(socket.recovered).toBe(false)
    expect(await socket.emitWithAck('data')).toEqual({ checks: 1 })
  })
})
