/** The feed of the transport lab: it ticks while the room has members, and costs nothing otherwise. B12. */
import { expect, it } from 'vitest'
import { addLab, TICK_MS } from '../features/lab/server.ts'
import { testCommons } from './support/commons.ts'

it('[B12] ticks once a second for everyone who is there, and stops when the last one goes', async () => {
  const server = await testCommons(addLab)
  const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
  await server.advance(5 * TICK_MS)
  await ann.request('room:join', { roomId: 'lab' })
  await bob.request('room:join', { roomId: 'lab' })
  await server.advance(3 * TICK_MS)
  for (const client of [ann, bob]) expect(client.messages('lab:tick').map(({ seq }) => seq)).toEqual([1, 2, 3])
  ann.close()
  await bob.request('room:leave', { roomId: 'lab' })
  await server.advance(5 * TICK_MS)
  await bob.request('room:join', { roomId: 'lab' })
  await server.advance(TICK_MS)
  expect(bob.messages('lab:tick').at(-1)).toMatchObject({ count: 4, seq: 4 })
})
