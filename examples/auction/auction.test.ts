import { createTestServer } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { addAuction } from './auction.ts'

it('stores a bid and sends it to everyone at the lot', async () => {
  await using server = await createTestServer({ setUp: addAuction })
  const ann = await server.connect({ namespace: '/auction', user: 'ann' })
  const ben = await server.connect({ namespace: '/auction', user: 'ben' })
  for (const client of [ann, ben]) await client.request('room:join', 'lot:1')

  expect(await ann.request('bid:place', { lot: 'lot:1', amount: 10 })).toMatchObject({
    data: { status: 'ok', number: 1 },
  })
  expect(await ben.next('bid:placed')).toMatchObject({ amount: 10, by: 'ann', seq: 1 })
})

it('refuses a bid of nothing, and one from outside the room', async () => {
  await using server = await createTestServer({ setUp: addAuction })
  const ann = await server.connect({ namespace: '/auction', user: 'ann' })

  expect(await ann.request('bid:place', { lot: 'lot:1', amount: 10 })).toMatchObject({
    error: { code: 'NOT_IN_ROOM' },
  })
  expect(await ann.request('bid:place', { lot: 'lot:1', amount: 0 })).toMatchObject({
    error: { code: 'INVALID_MESSAGE', field: 'amount' },
  })
})
