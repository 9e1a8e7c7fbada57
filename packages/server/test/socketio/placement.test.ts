/** Rooms that the server chooses for official Socket.IO clients: told, and kept by a recovery. */
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { collect, connect, next, serve, ways } from './serve.ts'

describe.each(ways)('[M15] a room that the server chose (%s)', (way) => {
  it('is told as room:joined and room:left, and is kept by a recovery with what was missed', async () => {
    const { url, roomful } = await serve({ socketioRecovery: true }, (given) => {
      const tasks = given.namespace('/tasks')
      tasks.use(async (context) => {
        if (context.event === undefined) await context.join('news')
      })
    })
    const tasks = roomful.get('/tasks')
    const socket = await connect(`${url}/tasks`, way, 'ann')
    const told = next(socket, 'room:joined')
    await tasks.join('ann', 'extra')
    expect(await told).toMatchObject([{ roomId: 'extra', status: 'ok', count: 1 }])
    expect(tasks.hasUser('news', 'ann')).toBe(true)
    const all = collect(socket, 'said', 3)
    await tasks.publish('extra', 'said', [{ number: 1 }])
    const back = next(socket, 'connect')
    for (const link of [...hubOf(roomful).links.open]) link.terminate('cut')
    await tasks.publish('extra', 'said', [{ number: 2 }])
    await tasks.publish('news', 'said', [{ number: 3 }])
    await back
    expect(socket.recovered).toBe(true)
    expect((await all).map(({ number }) => number)).toEqual([1, 2, 3])
    const left = next(socket, 'room:left')
    expect(await tasks.leave('ann', 'extra', 'over')).toBe(1)
    expect(await left).toMatchObject([{ roomId: 'extra', reason: 'over' }])
  })
})
