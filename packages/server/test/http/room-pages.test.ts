import { expect, it } from 'vitest'
import { refusal, serveHttp, tokenOf } from './serving.ts'

const name = (number: number): string => `room ${String(number).padStart(4, '0')}`

it('[M16] GET /api/rooms answers pages by name, and a full one counts as four requests', async () => {
  await using serving = await serveHttp({ ratePerSecond: 10, maxRooms: 1_000 })
  await serving.connect('ann')
  const joins = Array.from({ length: 150 }, (_, i) => serving.roomful.get('/').join('ann', name(i)))
  await Promise.all(joins)
  const get = (query = '', user = 'bob') => serving.get(`/api/rooms${query}`, tokenOf(user))
  const first = await get()
  expect([first.body.rooms.length, first.body.rooms.at(-1), first.body.more]).toEqual([
    100,
    { roomId: name(99), count: 1 },
    true,
  ])
  const second = await get(`?after=${encodeURIComponent(name(99))}`)
  expect([second.body.rooms.length, second.body.rooms[0].roomId, second.body.more]).toEqual([50, name(100), false])
  expect((await get(`?limit=2&after=${encodeURIComponent(name(4))}`, 'cleo')).body).toEqual({
    rooms: [
      { roomId: name(5), count: 1 },
      { roomId: name(6), count: 1 },
    ],
    more: true,
  })
  const answers = await Promise.all(Array.from({ length: 4 }, () => get('', 'dora')))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429])
  for (const limit of [0, 101, 'x']) {
    expect(refusal(await get(`?limit=${limit}`, 'eve'))).toEqual([400, 'INVALID_MESSAGE', 'limit'])
  }
})
