/** An application on the public API, seen from its clients: failing handlers, emit patterns, declared rooms. B38, B29, C8. */
import { describe, expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED, entry: 'test/outside/fixtures/app.ts' })

const arrive = (name: string, claims: Record<string, unknown> = {}): Promise<Client> =>
  user(server, name, claims, '/ws/app')

describe('[B38] handlers that fail', () => {
  it.each(['throws', 'rejects', 'throws-late', 'throws-string', 'throws-nothing'])(
    '[B38] %s: a friendly INTERNAL, no detail, and everyone goes on',
    async (type) => {
      const [ann, ben] = [await arrive(`f-${type}`), await arrive(`g-${type}`)]
      const error = await ann.refused(type, { secret: 'payload' })
      expect(error).toMatchObject({ code: 'INTERNAL', message: expect.any(String) })
      expect(JSON.stringify(error)).not.toMatch(/hunter2|undefined is not|just a string|\bat /)
      ann.send({ type })
      expect(await ann.next('error')).toMatchObject({ code: 'INTERNAL', event: type })
      for (const client of [ann, ben]) expect((await client.request('back', { a: 1 })).data).toMatchObject({ count: 1 })
    },
  )

  it('[B38] one that hangs is answered TIMEOUT, and holds up nobody else', { timeout: 20_000 }, async () => {
    const [ann, ben] = [await arrive('hang-ann'), await arrive('hang-ben')]
    const start = performance.now()
    const hanging = ann.request('hangs', {}, 15_000)
    for (let i = 0; i < 10; i++) await ben.ok('back', { i })
    expect(performance.now() - start).toBeLessThan(2000)
    expect((await hanging).error).toMatchObject({ code: 'TIMEOUT' })
    await ann.ok('back', { a: 1 })
  })

  it('[B38] an error of the application arrives as it is', async () => {
    const ann = await arrive('refused')
    expect(await ann.refused('refuses')).toEqual({ code: 'CONFLICT', message: 'Somebody was quicker' })
  })

  it('[B38] what a failed handler had meant to do is not done', async () => {
    const [ann, ben] = [await arrive('half-ann'), await arrive('half-ben')]
    for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'half' })
    await ann.refused('half-done')
    await ann.ok('keep', { args: ['half', 'afterwards'] })
    expect(await ben.next('kept')).toMatchObject({ seq: 1, data: 'afterwards' })
    expect(ben.unread((frame) => frame.type.startsWith('never'))).toEqual([])
  })

  it('[C14] an event without a handler is UNKNOWN_EVENT', async () => {
    expect(await (await arrive('unknown')).refused('nobody-handles-this')).toMatchObject({ code: 'UNKNOWN_EVENT' })
  })
})

describe('[C1] what can be carried', () => {
  it('[C1] one object is spread, anything else is data, several are args', async () => {
    const ann = await arrive('carry')
    ann.send({ type: 'back', a: 1, b: { c: [2] } })
    expect(await ann.next('back')).toEqual({ type: 'back', a: 1, b: { c: [2] } })
    for (const value of ['text', 7, true, null, [1, 2], 'x'.repeat(60_000)]) {
      ann.send({ event: 'back', data: value })
      expect(await ann.next('back')).toEqual({ type: 'back', data: value })
    }
    ann.send({ event: 'back', args: [1, 'two', { three: 3 }] })
    expect(await ann.next('back')).toEqual({ type: 'back', args: [1, 'two', { three: 3 }] })
  })

  it('[C1] reserved names travel under data', async () => {
    const ann = await arrive('reserved')
    for (const name of ['type', 'id', 'key', 'event', 'data', 'args', 'ack', 'error', 'roomId', 'seq', 'n', 'ts']) {
      ann.send({ event: 'back', data: { [name]: 'mine', other: 1 } })
      expect(await ann.next('back'), name).toEqual({ type: 'back', data: { [name]: 'mine', other: 1 } })
    }
  })

  it('[C1] bytes inside JSON are bytes in the handler and $binary on the way back', async () => {
    const ann = await arrive('bytes')
    const $binary = Buffer.from([0, 255, 128, 10]).toString('base64')
    const ack = await ann.ok('back', { args: [{ $binary }, 'text'] })
    expect(ack).toEqual({ count: 2, kinds: ['bytes:4', 'string'] })
    expect(await ann.next('back')).toEqual({ type: 'back', args: [{ $binary }, 'text'] })
    ann.send({ event: 'back', data: { file: { $binary }, name: 'x' } })
    expect(await ann.next('back')).toEqual({ type: 'back', file: { $binary }, name: 'x' })
  })

  it('[C1] [C18] bytes are stored and replayed unharmed', async () => {
    const ann = await arrive('stored-bytes')
    const $binary = Buffer.alloc(1000, 7).toString('base64')
    expect(await ann.ok('keep', { args: ['bytes-room', { blob: { $binary } }] })).toEqual({ seq: 1 })
    await ann.ok('room:join', { roomId: 'bytes-room', after: 0 })
    expect(await ann.next('kept')).toMatchObject({ blob: { $binary }, seq: 1, roomId: 'bytes-room' })
  })
})

describe('[C8] [B29] whom an emit reaches', () => {
  it("[C4] [C8] [B29] all, a room with and without the sender, several but one, all of one's own rooms", async () => {
    const names = ['me', 'general', 'tech', 'both', 'barred'] as const
    const [me, general, tech, both, barred] = (await Promise.all(names.map((name) => arrive(`e-${name}`)))) as [
      Client,
      Client,
      Client,
      Client,
      Client,
    ]
    const rooms: [Client, string[]][] = [
      [me, ['general', 'tech']],
      [general, ['general']],
      [tech, ['tech']],
      [both, ['general', 'tech']],
      [barred, ['tech', 'vip']],
    ]
    for (const [client, list] of rooms) for (const roomId of list) await client.ok('room:join', { roomId })
    const heard = async (type: string, args: string[], count: Record<string, number>): Promise<void> => {
      me.send({ event: type, args, id: 'x' })
      await me.next({ ack: 'x' })
      for (const [i, client] of [me, general, tech, both, barred].entries()) {
        await client.settled()
        expect(client.unread('heard').length, `${type} heard by ${names[i]}`).toBe(count[names[i] as string] ?? 0)
        client.forget()
      }
    }
    await heard('to-all', [], { general: 1, tech: 1, both: 1, barred: 1 })
    await heard('to-room', ['general'], { general: 1, both: 1 })
    await heard('to-room-and-me', ['general'], { me: 1, general: 1, both: 1 })
    await heard('to-two-but', ['general', 'tech', 'vip'], { general: 1, tech: 1, both: 1 })
    await heard('to-mine', [], { general: 1, tech: 1, both: 1, barred: 1 })
    await heard('server-to', ['tech'], { me: 1, tech: 1, both: 1, barred: 1 })
    await heard('to-room', ['nobody-is-here'], {})
    await me.ok('leave-all')
    await heard('server-to', ['tech'], { tech: 1, both: 1, barred: 1 })
    await heard('server-to', ['user:e-me'], { me: 1 })
  })
})

describe('[B24] declared rooms', () => {
  it('[B24] a race for the last seats leaves exactly as many as there are, counted by user', async () => {
    const racers = await Promise.all(Array.from({ length: 10 }, (_, i) => arrive(`seat-${i}`)))
    const acks = await Promise.all(racers.map((racer) => racer.request('room:join', { roomId: 'seats:1' })))
    expect(acks.filter((ack) => ack.error === undefined)).toHaveLength(4)
    for (const ack of acks) if (ack.error) expect(ack.error).toMatchObject({ code: 'ROOM_FULL' })
    const seated = racers[acks.findIndex((ack) => ack.error === undefined)] as Client
    const standing = racers[acks.findIndex((ack) => ack.error !== undefined)] as Client
    await seated.terminate()
    await racers.find((racer, i) => racer !== seated && acks[i]?.error === undefined)?.next('user:left')
    await standing.ok('room:join', { roomId: 'seats:1' })
  })

  it('[B35] rules are asked for joins and history, synchronous or not; a rule that fails lets nobody in', async () => {
    const [admin, plain] = [await arrive('r-admin', { role: 'admin' }), await arrive('r-user')]
    for (const roomId of ['staff:1', 'slow:1']) {
      await admin.ok('room:join', { roomId })
      expect(await plain.refused('room:join', { roomId }), roomId).toMatchObject({ code: 'FORBIDDEN' })
    }
    expect(await plain.refused('history:get', { roomId: 'staff:1' })).toMatchObject({ code: 'FORBIDDEN' })
    await admin.refused('room:join', { roomId: 'broken:1' })
    expect(await admin.ok('rooms')).not.toContain('broken:1')
  })

  it('[B35] a lost role is a lost room, at once, and the client is told which', async () => {
    const ann = await arrive('lost', { role: 'admin' })
    await ann.ok('room:join', { roomId: 'staff:2' })
    ann.send({ type: 'auth', token: token({ sub: 'lost', role: 'user' }) })
    expect(await ann.next('notice')).toMatchObject({
      roomId: 'staff:2',
      code: expect.any(String),
      message: expect.any(String),
    })
    expect(await ann.ok('rooms')).not.toContain('staff:2')
  })
})

describe('[B18] a contract', () => {
  it('[B18] save-task is checked and acknowledged, and stored', async () => {
    const ann = await user(server, 'tasker', {}, '/ws/tasks')
    await ann.ok('room:join', { roomId: 'board' })
    expect(await ann.ok('save-task', { title: 'Write tests', description: 'from outside' })).toEqual({
      status: 'ok',
      taskId: 1,
    })
    expect(await ann.next('task:saved')).toMatchObject({ taskId: 1, title: 'Write tests', roomId: 'board', seq: 1 })
    const ack = await ann.request('save-task', { title: '', description: 'x' })
    expect(ack.data).toMatchObject({ status: 'error', message: expect.stringMatching(/title/) })
    expect(ack.error).toMatchObject({ code: 'INVALID_MESSAGE', field: 'title' })
  })
})
