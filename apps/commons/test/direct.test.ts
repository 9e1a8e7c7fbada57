/** Whom one can write to: everyone with an account who was ever here, and whether they are. B23, C13. */
import { expect, it } from 'vitest'
import { addDirect } from '../features/direct/server.ts'
import { testCommons } from './support/commons.ts'

it('[B23] lists people who were here, the latest first, and who is here now; guests are on no list', async () => {
  const server = await testCommons(addDirect)
  const ann = await server.connect({ user: { sub: 'ann', name: 'Ann' } })
  await server.advance(1_000)
  const bob = await server.connect({ user: { sub: 'bob', name: 'Bob' } })
  await server.connect({ namespace: '/public', name: 'Gus' })
  const bobCameAt = server.clock.now()
  expect((await ann.request('people:list')).data).toEqual({
    status: 'ok',
    people: [
      { userId: 'bob', name: 'Bob', isOnline: true, seenAt: bobCameAt },
      { userId: 'ann', name: 'Ann', isOnline: true, seenAt: bobCameAt - 1_000 },
    ],
  })
  await server.advance(1_000)
  bob.close()
  await server.advance(10_000)
  await server.connect({ user: { sub: 'ann', name: 'Ann the second' } })
  expect((await ann.request('people:list')).data).toMatchObject({
    people: [
      { userId: 'ann', name: 'Ann the second', isOnline: true },
      { userId: 'bob', isOnline: false, seenAt: bobCameAt + 1_000 },
    ],
  })
})
