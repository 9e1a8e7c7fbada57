/** Read marks: the same on all devices of a person, kept over a restart, and sent as receipts to the authors. */
import { expect, it } from 'vitest'
import { Database } from '../database.ts'
import { addReads } from '../features/reads/server.ts'
import { testCommons } from './support/commons.ts'

const AT = 1_000

it('a mark moves forward, reaches the other devices, and is there after a restart', async () => {
  const database = new Database(':memory:')
  const server = await testCommons(addReads, { database })
  const [desk, phone] = await Promise.all([server.connect({ user: 'ann' }), server.connect({ user: 'ann' })])
  await desk.request('reads:mark', { about: 'room:lobby', until: 5, at: AT })
  expect(await phone.next('reads:marked')).toMatchObject({ about: 'room:lobby', until: 5, at: AT })
  await desk.request('reads:mark', { about: 'room:lobby', until: 3, at: AT })
  expect(desk.messages('reads:marked')).toEqual([])
  expect(phone.messages('reads:marked')).toHaveLength(1)

  const next = await testCommons(addReads, { database })
  const ann = await next.connect({ user: 'ann' })
  const marks = [{ about: 'room:lobby', until: 5, at: AT }]
  expect((await ann.request('reads:list')).data).toEqual({ status: 'ok', marks, receipts: [] })
  await ann.request('reads:forget', { about: 'room:lobby' })
  expect((await ann.request('reads:list')).data).toMatchObject({ marks: [] })
})

it('the author of a direct message learns that it was read, now or at the next start; no one else does', async () => {
  const server = await testCommons(addReads)
  const [ann, bob, cy] = await Promise.all(['ann', 'bob', 'cy'].map((user) => server.connect({ user })))
  await bob?.request('reads:mark', { about: 'direct:ann', until: 1, at: AT })
  expect(await ann?.next('direct:read')).toMatchObject({ userId: 'bob', at: AT })
  expect(cy?.messages('direct:read')).toEqual([])
  const { data } = (await ann?.request('reads:list')) ?? {}
  expect(data).toMatchObject({ marks: [], receipts: [{ userId: 'bob', at: AT }] })
})

it('a clock that is ahead marks nothing as read that is yet to come; what names no place is refused', async () => {
  const server = await testCommons(addReads)
  const ann = await server.connect({ user: 'ann' })
  await ann.request('reads:mark', { about: 'direct:bob', until: 1, at: server.clock.now() + 60_000 })
  const { data } = await ann.request('reads:list')
  expect(data).toMatchObject({ marks: [{ at: server.clock.now() }] })
  const { error } = await ann.request('reads:mark', { about: 'elsewhere', until: 1, at: 0 })
  expect(error).toMatchObject({ code: 'INVALID_MESSAGE', field: 'about' })
})

it('of one person the latest 1,000 marks are kept', async () => {
  const server = await testCommons(addReads)
  const ann = await server.connect({ user: 'ann' })
  for (let i = 0; i <= 1_000; i++) {
    await ann.request('reads:mark', { about: `room:r${i}`, until: 1, at: AT })
    await server.advance(1)
  }
  const { data } = await ann.request('reads:list')
  expect(data.marks).toHaveLength(1_000)
  expect(data.marks).not.toContainEqual(expect.objectContaining({ about: 'room:r0' }))
})
