/** Rooms that the server chooses for streams and polls: they are told of them, and miss nothing in them across a reconnect. */
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { bearer, type Message, serve, stream, tokenOf, until } from './serving.ts'

const placing = () =>
  serve({}, (roomful) => {
    const tasks = roomful.namespace('/tasks')
    roomful.chat(tasks)
    tasks.room('*', { durable: true })
    tasks.use(async (context) => {
      if (context.event === undefined) await context.join('news')
    })
  })

const poll = async (url: string, user: string, query: string): Promise<{ events: Message[]; cursor: string }> => {
  const response = await fetch(`${url}/poll/tasks?${query}`, { headers: bearer(user) })
  return (await response.json()) as { events: Message[]; cursor: string }
}
const said = (messages: readonly Message[]) => messages.flatMap(({ type, number }) => (type === 'said' ? [number] : []))

describe('[M14] [M15] a room chosen at connect', () => {
  it('a stream is told of it, and goes on there from its cursor', async () => {
    const { url, roomful } = await placing()
    const tasks = roomful.get('/tasks')
    const first = await stream(`${url}/sse/tasks?room=lobby&token=${tokenOf('ann')}`)
    expect(await first.next('room:joined', ({ roomId }) => roomId === 'news')).toMatchObject({ count: 1, seq: 0 })
    await tasks.publish('news', 'said', [{ number: 1 }])
    await until('the first', () => said(first.heard).length === 1)
    for (const link of [...hubOf(roomful).links.open]) link.terminate('cut')
    await tasks.publish('news', 'said', [{ number: 2 }])
    await tasks.publish('lobby', 'said', [{ number: 3 }])
    await until('all of them', () => said(first.heard).length === 3)
    expect(said(first.heard)).toEqual([1, 2, 3])
  })

  it('a poll is told of it, and nothing falls between two polls or after a lease', async () => {
    const { url, roomful } = await placing()
    const tasks = roomful.get('/tasks')
    const first = await poll(url, 'ann', 'room=lobby')
    expect(first.events).toMatchObject([{ type: 'room:joined', roomId: 'news' }])
    await tasks.publish('news', 'said', [{ number: 1 }])
    const second = await poll(url, 'ann', `room=lobby&wait=0&after=${first.cursor}`)
    expect(said(second.events)).toEqual([1])
    await tasks.publish('news', 'said', [{ number: 2 }])
    for (const link of [...hubOf(roomful).links.open]) link.close(1000, '') // as when its lease is over
    const third = await poll(url, 'ann', `room=lobby&wait=0&after=${second.cursor}`)
    expect(said(third.events)).toEqual([2])
  })

  it('a single request runs the check, and stays nowhere', async () => {
    const { url, roomful } = await placing()
    const body = JSON.stringify({ type: 'chat:message', roomId: 'lobby', content: 'hi' })
    const response = await fetch(`${url}/send/tasks`, { method: 'POST', headers: bearer('ann'), body })
    expect(response.status).toBe(200)
    expect((await fetch(`${url}/api/rooms?namespace=/tasks`, { headers: bearer('ann') })).status).toBe(200)
    expect(hubOf(roomful).namespace('/tasks')?.state.rooms.get('news')).toBeUndefined()
  })
})

describe('[M15] a room chosen from outside', () => {
  it('a stream hears of it, of what is said there, and of its end', async () => {
    const { url, roomful } = await serve()
    const namespace = roomful.get('/')
    const ann = await stream(`${url}/sse?room=lobby&token=${tokenOf('ann')}`)
    expect(await namespace.join('ann', 'news')).toBe(1)
    expect(await ann.next('room:joined', ({ roomId }) => roomId === 'news')).toMatchObject({ status: 'ok' })
    await namespace.publish('news', 'said', [{ number: 1 }])
    await until('what was said', () => said(ann.heard).length === 1)
    expect(await namespace.leave('ann', 'news')).toBe(1)
    expect(await ann.next('room:left')).toMatchObject({ roomId: 'news', reason: 'Removed by the server' })
  })
})
