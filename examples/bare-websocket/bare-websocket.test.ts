/** The example, run as a reader would run it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BareClient, openBareClient } from './client.ts'
import { startTasks } from './server.ts'

let tasks: Awaited<ReturnType<typeof startTasks>>
let ann: BareClient
let bob: BareClient

beforeAll(async () => {
  tasks = await startTasks(0)
  ann = openBareClient(`${tasks.url}?name=Ann`)
  bob = openBareClient(`${tasks.url}?name=Bob`)
  for (const client of [ann, bob]) {
    client.send({ type: 'room:join', roomId: 'board:1', id: 'join' })
    expect(await client.next(({ ack }) => ack === 'join')).toMatchObject({
      data: { status: 'ok', roomId: 'board:1', seq: 0 },
    })
  }
})

afterAll(async () => {
  ann.close()
  bob.close()
  await tasks.close()
})

const task = { type: 'save-task', board: 'board:1', title: 'Water the plants', description: 'Both of them' }

it('[D5] stores a task once, tells the board and answers by the contract', async () => {
  for (const id of ['first', 'again']) {
    ann.send({ ...task, id, key: 'water-1' })
    expect(await ann.next(({ ack }) => ack === id)).toMatchObject({ data: { status: 'ok', taskId: 'board:1-1' } })
  }
  expect(await bob.next(({ type }) => type === 'task:saved')).toMatchObject({
    title: 'Water the plants',
    by: 'Ann',
    roomId: 'board:1',
    seq: 1,
    key: 'water-1',
  })
  ann.send({ ...task, title: 'Water them again', id: 'second' })
  expect(await bob.next(({ type }) => type === 'task:saved')).toMatchObject({ title: 'Water them again', seq: 2 })
})

it('[D5] [C14] refuses what the contract does not allow, and says which field', async () => {
  bob.send({ ...task, title: '', id: 'bad' })
  expect(await bob.next(({ ack }) => ack === 'bad')).toMatchObject({
    error: { code: 'INVALID_MESSAGE', field: 'title' },
  })
  bob.send({ ...task, title: 'Nothing', id: 'nothing' })
  expect(await bob.next(({ ack }) => ack === 'nothing')).toMatchObject({ error: { code: 'CONFLICT', field: 'title' } })
})

it('[C8] points for the others, not for the one who points', async () => {
  ann.send({ type: 'point-at', board: 'board:1', x: 1, y: 2 })
  expect(await bob.next(({ type }) => type === 'cursor')).toMatchObject({ x: 1, y: 2 })
  bob.send({ type: 'point-at', board: 'board:1', x: 3, y: 4 })
  expect(await ann.next(({ type }) => type === 'cursor')).toMatchObject({ x: 3, y: 4 })
})

it('[G8] keeps a room closed that the rules close', async () => {
  bob.send({ type: 'room:join', roomId: 'board:private', id: 'private' })
  expect(await bob.next(({ ack }) => ack === 'private')).toMatchObject({ error: { code: 'FORBIDDEN' } })
})
