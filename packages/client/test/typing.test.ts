/** Who is writing: few messages for many keystrokes, and every notice ends. */
import { expect, it } from 'vitest'
import { start } from './support/harness.ts'

const roomId = 'lobby'

it('[B19] keystrokes become a start every 3 s and a stop 2 s after the last', async () => {
  const { client, server, clock } = await start()
  const room = client.room(roomId)
  await room.ready
  for (let i = 0; i < 50; i++) {
    room.typing()
    await clock.advance(100)
  }
  const typing = () => server.requests.map(({ event }) => event).filter((event) => event.startsWith('typing'))
  expect(typing()).toEqual(['typing:start', 'typing:start'])
  await clock.advance(1_900)
  expect(typing()).toEqual(['typing:start', 'typing:start', 'typing:stop'])
  room.typing()
  await clock.settle()
  expect(typing().at(-1)).toBe('typing:start')
})

it('[B19] what is said ends it', async () => {
  const { client, server, clock } = await start()
  const room = client.room(roomId)
  await room.ready
  room.typing()
  await clock.settle()
  await room.send('hi')
  await clock.advance(5_000)
  expect(server.requests.map(({ event }) => event)).toEqual([
    'room:join',
    'typing:start',
    'typing:stop',
    'message:send',
  ])
})

it('[B19] several who write are listed until they stop, speak, leave or fall silent', async () => {
  const { client, server, clock } = await start()
  const room = client.room(roomId)
  await room.ready
  const names = () => room.getSnapshot().typists.map(({ name }) => name)
  for (const name of ['Bob', 'Cat', 'Dan', 'Eve']) server.link.emit('user:typing', { roomId, userId: name, name })
  await clock.settle()
  expect(names()).toEqual(['Bob', 'Cat', 'Dan', 'Eve'])
  server.link.emit('user:stop-typing', { roomId, userId: 'Bob', name: 'Bob' })
  server.publish(roomId, 'message:new', { userId: 'Cat', content: 'done' })
  server.link.emit('user:left', { roomId, userId: 'Dan', reason: 'left', pv: 1 })
  await clock.settle()
  expect(names()).toEqual(['Eve'])
  await clock.advance(6_000)
  expect(names()).toEqual([])
})

it('[B19] nothing is sent without a connection, and no notice survives one', async () => {
  const { client, server, clock } = await start()
  const room = client.room(roomId)
  await room.ready
  server.link.emit('user:typing', { roomId, userId: 'bob', name: 'Bob' })
  room.typing()
  await clock.settle()
  server.link.drop(1006)
  await clock.settle()
  expect(room.getSnapshot().typists).toEqual([])
  room.typing()
  await clock.advance(10_000)
  expect(server.requests.filter(({ event }) => event.startsWith('typing'))).toHaveLength(1)
})
