/** [D5] A contract types the hooks: checked by the compiler, which fails this file's program when it is not so. */
import type { WithChat } from '@roomful/client'
import type { DurableFields } from '@roomful/protocol'
import { expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createHooks, useClient, useEvent } from '../src/index.ts'

const Task = z.object({ id: z.number(), title: z.string() })

const contract = {
  client: { 'save-task': { data: z.object({ title: z.string() }), ack: Task } },
  server: { 'task:saved': { data: Task.omit({ id: true }), durable: true } },
} as const

const tasks = createHooks<typeof contract>()
const chatting = createHooks<WithChat<typeof contract>>()
/** Never called: these lines are for the compiler. */
const onlyTypes = (_fn: () => void): void => undefined

it('[D5] with a contract, events and requests are its own and those of rooms, and chat where the type says so', () => {
  onlyTypes(() => {
    tasks.useEvent('task:saved', (task) => expectTypeOf(task).toEqualTypeOf<{ title: string } & DurableFields>())
    tasks.useEvent('user:joined', ({ name }) => expectTypeOf(name).toEqualTypeOf<string>(), { roomId: 'lobby' })
    // @ts-expect-error no chat here
    tasks.useEvent('message:new', () => undefined)
    // @ts-expect-error no chat here
    tasks.useRoom('lobby').send('hi')
    chatting.useEvent('message:new', ({ content }) => expectTypeOf(content).toEqualTypeOf<string>())
    expectTypeOf(chatting.useRoom('lobby').send('hi')).resolves.toHaveProperty('seq')
    // @ts-expect-error no such event
    tasks.useEvent('task:svaed', () => undefined)
    const { room } = tasks.useRoom('lobby')
    room?.on('task:saved', (task) => expectTypeOf(task).toEqualTypeOf<{ title: string } & DurableFields>())
    const client = tasks.useClient()
    expectTypeOf(client.request('save-task', { title: 'a' })).resolves.toEqualTypeOf<{ id: number; title: string }>()
    // @ts-expect-error the title is missing
    client.request('save-task', {})
  })
})

it('[D5] without one, the room vocabulary is typed and everything else is unknown', () => {
  onlyTypes(() => {
    useEvent('message:new', ({ content }) => expectTypeOf(content).toEqualTypeOf<string>())
    useEvent('task:saved', (task) => expectTypeOf(task).toEqualTypeOf<unknown>())
    expectTypeOf(useClient().request('save-task', {})).resolves.toEqualTypeOf<unknown>()
  })
})
