/** [D5] One contract types the SDK: checked by the compiler, which fails this file's program when it is not so. */
import { type Client, connect, type EventMeta, type Room, type WithChat } from '@roomful/client'
import type { DurableFields } from '@roomful/protocol'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { start } from './support/harness.ts'

const Task = z.object({ id: z.number(), title: z.string() })

const contract = {
  client: {
    'save-task': { data: z.object({ title: z.string().min(1), done: z.boolean().default(false) }), ack: Task },
    move: { args: [z.number(), z.string()], ack: z.literal('ok') },
    refresh: {},
  },
  server: {
    'task:saved': { data: Task.omit({ id: true }), durable: true },
    cursor: { data: z.object({ x: z.number() }), volatile: { latestBy: 'x' } },
    moved: { args: [z.number(), z.string().transform(Number)] },
    refreshed: {},
  },
} as const

const client = connect<typeof contract>('http://localhost', { autoConnect: false, WebSocket: class {} as never })
const untyped = connect('http://localhost', { autoConnect: false, WebSocket: class {} as never })
/** Never called: these lines are for the compiler. */
const onlyTypes = (_fn: () => void): void => undefined

describe('[D5] with a contract', () => {
  it('requests take what its schema takes and answer what its ack says', () => {
    onlyTypes(() => {
      expectTypeOf(client.request('save-task', { title: 'a' })).resolves.toEqualTypeOf<{ id: number; title: string }>()
      expectTypeOf(client.request('refresh')).resolves.toEqualTypeOf<unknown>()
      expectTypeOf(client.call('move', 1, 'up')).resolves.toEqualTypeOf<'ok'>()
      // @ts-expect-error the title is missing
      client.request('save-task', {})
      // @ts-expect-error data is missing
      client.request('save-task')
      // @ts-expect-error no such event
      client.request('save-tsak', { title: 'a' })
      // @ts-expect-error the second argument is a string
      client.call('move', 1, 2)
      client.emit('move', 1, 'up')
      client.emit('refresh')
      // @ts-expect-error this event has no argument
      client.emit('refresh', 1)
    })
  })

  it('listeners get what its schema gives', () => {
    onlyTypes(() => {
      client.on('task:saved', (task, meta) => {
        expectTypeOf(task).toEqualTypeOf<{ title: string } & DurableFields>()
        expectTypeOf(meta).toEqualTypeOf<EventMeta>()
      })
      client.on('cursor', (at) => expectTypeOf(at).toEqualTypeOf<{ x: number }>())
      client.on('moved', (from, to, meta) => {
        expectTypeOf(from).toEqualTypeOf<number>()
        expectTypeOf(to).toEqualTypeOf<number>()
        expectTypeOf(meta).toEqualTypeOf<EventMeta>()
      })
      client.on('refreshed', (nothing, meta) => {
        expectTypeOf(nothing).toEqualTypeOf<undefined>()
        expectTypeOf(meta).toEqualTypeOf<EventMeta>()
      })
      // @ts-expect-error no such event
      client.on('task:svaed', () => undefined)
      client.room('board').on('task:saved', (task) => expectTypeOf(task.title).toEqualTypeOf<string>())
    })
  })

  it('rooms and presence are there too', () => {
    onlyTypes(() => {
      expectTypeOf(client.request('room:list')).resolves.toHaveProperty('more')
      client.on('user:joined', ({ pv }) => expectTypeOf(pv).toEqualTypeOf<number>())
      client.on('room:joined', ({ seq }) => expectTypeOf(seq).toEqualTypeOf<number>())
      expectTypeOf(client.room('board').history()).resolves.toHaveProperty('events')
      expectTypeOf(client.room('board').members).items.toHaveProperty('userId')
      client.room('board').release()
      // @ts-expect-error a room id is a string
      client.request('presence:get', { roomId: 1 })
    })
  })

  it('chat is not, unless the type says so: the server has no such events', () => {
    onlyTypes(() => {
      const room = client.room('board')
      // @ts-expect-error no chat here
      room.send('hi')
      // @ts-expect-error no chat here
      room.react('👍')
      // @ts-expect-error no chat here
      room.typing()
      // @ts-expect-error no chat here
      client.request('message:send', { roomId: 'board', content: 'hi' })
      // @ts-expect-error no chat here
      client.on('message:new', () => undefined)
      // @ts-expect-error no chat here
      room.on('reaction:new', () => undefined)

      const chatting = connect<WithChat<typeof contract>>('http://localhost')
      expectTypeOf(chatting.room('board').send('hi')).resolves.toHaveProperty('seq')
      chatting.room('board').on('task:saved', ({ title }) => expectTypeOf(title).toEqualTypeOf<string>())
      expectTypeOf(chatting.request('message:send', { roomId: 'a', content: 'b' })).resolves.toHaveProperty('seq')
      chatting.on('message:new', ({ content, seq }) => {
        expectTypeOf(content).toEqualTypeOf<string>()
        expectTypeOf(seq).toEqualTypeOf<number>()
      })
      // @ts-expect-error no such event
      chatting.on('message:nwe', () => undefined)
    })
  })

  it('an event of its own that is called like one of chat is its own', () => {
    onlyTypes(() => {
      const own = connect<{
        client: Record<never, never>
        server: { 'message:new': { data: typeof Task; durable: true } }
      }>('http://localhost')
      own.on('message:new', ({ title }) => expectTypeOf(title).toEqualTypeOf<string>())
    })
  })
})

describe('[D5] without a contract', () => {
  it('any event goes, and what it carries is unknown', () => {
    onlyTypes(() => {
      expectTypeOf(untyped.request('anything', 1)).resolves.toEqualTypeOf<unknown>()
      untyped.on('anything', (data) => expectTypeOf(data).toEqualTypeOf<unknown>())
      untyped.emit('anything', 1, 'two')
      expectTypeOf(untyped.request('message:send', { roomId: 'a', content: 'b' })).resolves.toHaveProperty('seq')
      expectTypeOf(untyped.room('lobby')).toEqualTypeOf<Room<undefined>>()
    })
  })
})

it('[D5] at run time a contract changes nothing', async () => {
  const { client: typed, server } = await start<typeof contract>()
  server.handlers.set('save-task', ({ title }) => ({ id: 1, title }))
  expectTypeOf(typed).toEqualTypeOf<Client<typeof contract>>()
  await typed.request('save-task', { title: 'write' })
})
