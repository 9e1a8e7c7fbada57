/** [D5] The official client, typed by a contract: what the compiler lets pass works, what it refuses does not. */
import { type ClientToServer, defineContract, event, type Refused, type ServerToClient } from '@roomful/server'
import type { Socket } from 'socket.io-client'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { client, next, serve } from './serve.ts'

const contract = defineContract({
  client: {
    'save-task': event({ data: z.object({ title: z.string().min(1) }), ack: z.object({ taskId: z.string() }) }),
    move: event({ args: [z.number(), z.string()] }),
    refresh: event({}),
  },
  server: {
    'task:saved': event({ data: z.object({ title: z.string() }), durable: true }),
    cursor: event({ data: z.object({ x: z.number() }), volatile: true }),
    moved: event({ args: [z.number(), z.string()] }),
    confirm: event({ data: z.object({ title: z.string() }), ack: z.boolean() }),
  },
})

type TaskSocket = Socket<ServerToClient<typeof contract>, ClientToServer<typeof contract>>

/** Never called: these lines are for the compiler. */
const onlyTypes = (_fn: (socket: TaskSocket) => void): void => undefined

describe('[D5] a Socket.IO client typed by a contract', () => {
  it('listens to the events that there are, with what they carry', () => {
    onlyTypes((socket) => {
      socket.on('task:saved', (task) => {
        expectTypeOf(task.title).toEqualTypeOf<string>()
        expectTypeOf(task.seq).toEqualTypeOf<number>()
        // @ts-expect-error no such field
        task.author
      })
      socket.on('moved', (...args) => expectTypeOf(args).toEqualTypeOf<[number, string]>())
      socket.on('confirm', ({ title }, answer) => {
        answer(title === 'a')
        // @ts-expect-error the answer is a boolean
        answer(title)
      })
      socket.on('message:new', (message) => expectTypeOf(message.content).toEqualTypeOf<string>())
      socket.on('error', ({ code, event }) => expectTypeOf([code, event]).toEqualTypeOf<(string | undefined)[]>())
      socket.on('connect', () => undefined)
      // @ts-expect-error no such event
      socket.on('task:svaed', () => undefined)
      // @ts-expect-error x is a number
      socket.on('cursor', ({ x }: { x: string }) => x)
    })
  })

  it('emits the events that there are, with their arguments and answers', () => {
    onlyTypes((socket) => {
      socket.emit('save-task', { title: 'a', key: 'k-1' }, (answer) => {
        expectTypeOf(answer).toEqualTypeOf<{ taskId: string } | Refused>()
      })
      expectTypeOf(socket.emitWithAck('save-task', { title: 'a' })).resolves.toEqualTypeOf<
        { taskId: string } | Refused
      >()
      socket.emit('move', 1, 'up')
      socket.emit('refresh')
      socket.emit('typing:start', 'lobby')
      socket.emit('room:join', { roomId: 'lobby', after: 3 }, (answer) => {
        if (answer.status === 'ok') expectTypeOf(answer.seq).toEqualTypeOf<number>()
        else expectTypeOf(answer.code).toEqualTypeOf<string>()
      })
      // @ts-expect-error the title is missing
      socket.emit('save-task', {}, () => undefined)
      // @ts-expect-error it has an answer, and so a callback
      socket.emit('save-task', { title: 'a' })
      // @ts-expect-error the second argument is a string
      socket.emit('move', 1, 2)
      // @ts-expect-error this event has no argument
      socket.emit('refresh', 1)
      // @ts-expect-error this event has no answer
      socket.emitWithAck('move', 1, 'up')
      // @ts-expect-error no such event
      socket.emit('save-tsak', { title: 'a' }, () => undefined)
      // @ts-expect-error a message has content
      socket.emit('message:send', { roomId: 'lobby' }, () => undefined)
    })
  })

  it('and it is so when it runs', async () => {
    const { url } = await serve({}, (roomful) => {
      const tasks = roomful.namespace('/tasks', contract, { guests: true })
      tasks.on('save-task', async (context, { title }) => {
        const isSure = await context.connection.request('confirm', { title })
        if (isSure) context.append('board', 'task:saved', { title })
        return ([stored]) => ({ taskId: stored?.id ?? 'none' })
      })
    })
    const socket: TaskSocket = client(`${url}/tasks`, 'websocket')
    socket.on('confirm', ({ title }, answer) => answer(title !== 'no'))
    await next(socket as Socket, 'connect')
    const joined = await socket.emitWithAck('room:join', 'board')
    expect(joined).toMatchObject({ status: 'ok', seq: 0 })
    const saved = next(socket as Socket, 'task:saved')
    expect(await socket.emitWithAck('save-task', { title: 'yes' })).toEqual({ taskId: 'board-1' })
    expect(await saved).toMatchObject([{ title: 'yes', seq: 1, roomId: 'board' }, expect.any(String)])
    expect(await socket.emitWithAck('save-task', { title: 'no' })).toEqual({ taskId: 'none' })
    expect(await socket.emitWithAck('save-task', { title: '' })).toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'title',
    })
  })
})
