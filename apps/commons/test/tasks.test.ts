/** The board of tasks: an acknowledgement means that the database has it. B18. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestClient, TestServer } from '@roomful/testkit'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Database } from '../database.ts'
import { addTasks } from '../features/tasks/server.ts'
import { serveCommons, testCommons, tokenOf } from './support/commons.ts'
import { until } from './support/until.ts'

async function board(): Promise<{ server: TestServer; ann: TestClient; bob: TestClient; database: Database }> {
  const database = new Database(':memory:')
  const server = await testCommons(addTasks, { database })
  const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
  return { server, ann, bob, database }
}

describe('save-task', () => {
  it('[B18] answers with the id, keeps the task, and tells the others', async () => {
    const { ann, bob } = await board()
    const { data } = await ann.request('save-task', { title: '  Water the ferns ', description: 'Not the cactus' })
    expect(data).toEqual({ status: 'ok', taskId: expect.any(String) })
    const task = {
      taskId: data.taskId,
      title: 'Water the ferns',
      description: 'Not the cactus',
      isDone: false,
      userId: 'ann',
      name: 'ann',
    }
    expect(await bob.next('task:saved')).toMatchObject(task)
    expect(ann.messages('task:saved')).toEqual([])
    expect((await bob.request('task:list')).data.tasks).toMatchObject([task])
  })

  it.each([
    ['no title', { description: 'x' }, 'title'],
    ['an empty title', { title: '   ', description: 'x' }, 'title'],
    ['a title as long as a page', { title: 'x'.repeat(201), description: '' }, 'title'],
    ['a description of another kind', { title: 'x', description: 7 }, 'description'],
  ])('[B18] refuses %s with a sentence, and keeps nothing', async (_what, task, field) => {
    const { ann } = await board()
    const { data, error } = await ann.request('save-task', task)
    expect(data).toMatchObject({ status: 'error', message: expect.stringContaining(field) })
    expect(error).toMatchObject({ code: 'INVALID_MESSAGE', field })
    expect((await ann.request('task:list')).data.tasks).toEqual([])
  })

  it('[B18] [G3] a repeat under its key is the same task', async () => {
    const { ann, bob } = await board()
    const key = 'a-key-of-this-very-request'
    const first = await ann.request('save-task', { title: 'Once', description: '' }, { key })
    const again = await ann.request('save-task', { title: 'Once', description: '' }, { key })
    expect(again.data).toEqual(first.data)
    expect((await bob.request('task:list')).data.tasks).toHaveLength(1)
  })

  it('[B18] a full disk refuses with a sentence, and the board goes on', async () => {
    const { ann, database } = await board()
    database.prepare('PRAGMA query_only = 1').get()
    expect((await ann.request('save-task', { title: 'Lost' })).data).toMatchObject({
      status: 'error',
      code: 'UNAVAILABLE',
    })
    database.prepare('PRAGMA query_only = 0').get()
    expect((await ann.request('save-task', { title: 'Kept' })).data).toMatchObject({ status: 'ok' })
  })
})

describe('a task', () => {
  it('[B18] is changed and done by anyone, and deleted by its author or support', async () => {
    const { server, ann, bob } = await board()
    const { taskId } = (await ann.request('save-task', { title: 'Plan', description: '' })).data
    await bob.request('save-task', { taskId, title: 'Plan it', description: 'in May' })
    await bob.request('task:done', { taskId })
    expect(ann.messages('task:saved')).toMatchObject([
      { title: 'Plan it', isDone: false, userId: 'ann' },
      { title: 'Plan it', isDone: true },
    ])
    for (const isDone of [true, false]) await ann.request('task:done', { taskId, isDone })
    const notified = await server.connect({ namespace: '/notifications', user: 'ann' })
    await notified.next('notification')
    expect(notified.messages('notification')).toMatchObject([{ message: 'bob completed “Plan it”', link: '/tasks' }])
    expect((await bob.request('task:delete', { taskId })).error).toMatchObject({ code: 'FORBIDDEN' })
    const helper = await server.connect({ user: { sub: 'eve', role: 'support' } })
    await helper.request('task:delete', { taskId })
    expect(await ann.next('task:deleted')).toMatchObject({ taskId })
    expect((await ann.request('task:done', { taskId })).error).toMatchObject({ code: 'NOT_FOUND', field: 'taskId' })
    expect((await ann.request('task:delete', { taskId })).data).toEqual({ status: 'ok' })
  })
})

describe('from outside', () => {
  it('[B18] [D1] a Socket.IO client saves, a bare WebSocket hears it; a restart keeps it', async () => {
    const data = mkdtempSync(join(tmpdir(), 'commons-'))
    onTestFinished(() => rmSync(data, { recursive: true }))
    const first = await serveCommons(addTasks, { data })
    const plain = new WebSocket(`${first.url.replace('http', 'ws')}/ws?token=${tokenOf('bob')}`)
    onTestFinished(() => plain.close())
    const received: { type: string }[] = []
    plain.on('message', (text: Buffer) => received.push(JSON.parse(text.toString())))
    await until('bob is known', () => received.some(({ type }) => type === 'auth_ok'))
    const socket = io(first.url, { auth: { token: tokenOf('ann') }, transports: ['websocket'] })
    onTestFinished(() => void socket.disconnect())

    const answer = await socket.emitWithAck('save-task', { title: 'שלום 🌱', description: 'from right to left' })
    expect(answer).toEqual({ status: 'ok', taskId: expect.any(String) })
    expect(await socket.emitWithAck('save-task', { title: '' })).toMatchObject({
      status: 'error',
      message: expect.any(String),
    })
    await until('the task', () => received.some(({ type }) => type === 'task:saved'))
    expect(received.find(({ type }) => type === 'task:saved')).toMatchObject({
      title: 'שלום 🌱',
      taskId: answer.taskId,
    })
    await first.roomful.close()

    const second = await serveCommons(addTasks, { data })
    const again = io(second.url, { auth: { token: tokenOf('ann') }, transports: ['websocket'] })
    onTestFinished(() => void again.disconnect())
    expect((await again.emitWithAck('task:list')).tasks).toMatchObject([{ title: 'שלום 🌱' }])
  })
})

describe('[D21] the bounds of the board', () => {
  it('[D21] one user fills a part of it, and makes room by deleting', async () => {
    const { server, ann, bob } = await board()
    const save = async (client: TestClient) =>
      client.request('save-task', { title: 'x', description: '' }).finally(() => server.advance(1_000))
    let last = ''
    for (let i = 0; i < 100; i++) last = (await save(ann)).data.taskId
    expect((await save(ann)).error).toMatchObject({ code: 'TOO_MANY_TASKS' })
    expect((await save(bob)).error).toBeUndefined()
    await ann.request('task:delete', { taskId: last })
    expect((await save(ann)).error).toBeUndefined()
  })
})
