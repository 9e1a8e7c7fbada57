/** The market: a price of each symbol every two seconds, with no gap for clients that reconnect. B11. */
import { createMemoryLog } from '@roomful/server/testing'
import { SeededRandom, type TestClient, VirtualClock } from '@roomful/testkit'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import { addMarket } from '../features/market/server.ts'
import { SYMBOLS } from '../features/market/symbols.ts'
import { nextPrice } from '../features/market/walk.ts'
import { serveCommons, testCommons, tokenOf } from './support/commons.ts'
import { until } from './support/until.ts'

const pricesOf = (client: TestClient): Record<string, unknown>[] => client.messages('price:update')

it('[B11] a price of every symbol every two seconds, numbered and timed by the log', async () => {
  const server = await testCommons(addMarket)
  const ann = await server.connect({ user: 'ann' })
  await ann.request('room:join', 'market')
  await server.advance(1_990)
  expect(pricesOf(ann)).toEqual([])
  await server.advance(4_010)
  const prices = pricesOf(ann)
  expect(prices.map(({ seq }) => seq)).toEqual(Array.from({ length: 3 * SYMBOLS.length }, (_, index) => index + 1))
  expect(prices.slice(0, SYMBOLS.length).map(({ symbol }) => symbol)).toEqual(SYMBOLS.map(({ symbol }) => symbol))
  expect(Number(prices.at(-1)?.ts) - Number(prices[0]?.ts)).toBe(4_000)
  for (const { price } of prices) expect(price).toBeGreaterThan(0)
})

it('[B11] no one else may publish in its room', async () => {
  const server = await testCommons(addMarket)
  const ann = await server.connect({ user: 'ann' })
  const { error } = await ann.request('message:send', { roomId: 'market', content: 'buy!' })
  expect(error).toMatchObject({ code: 'FORBIDDEN' })
})

it('[B11] the walk goes on where it was before a restart', async () => {
  const clock = new VirtualClock()
  const storage = createMemoryLog({ clock, random: new SeededRandom(1) })
  const first = await testCommons(addMarket, { clock, storage })
  await first.advance(60_000)
  const [last] = (await readLatest(first.get('/').history('market', { limit: 1 }), first)).events
  const second = await testCommons(addMarket, { clock, storage })
  await second.advance(2_000)
  const { events } = await readLatest(second.get('/').history('market', { limit: 1 }), second)
  const drift = Math.abs(Number(events[0]?.price) / Number(last?.price) - 1)
  expect(drift).toBeLessThan(0.02)
})

async function readLatest<T>(asked: Promise<T>, server: { settle(): Promise<void> }): Promise<T> {
  await server.settle()
  return asked
}

it('[B11] prices wander, and come back', () => {
  const [traded] = SYMBOLS
  if (!traded) throw new Error('Nothing is traded')
  let seed = 7
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  let price = traded.basePrice
  const seen = Array.from({ length: 5_000 }, () => {
    price = nextPrice(traded, price, random)
    return price
  })
  expect(Math.max(...seen)).toBeLessThan(traded.basePrice * 1.5)
  expect(Math.min(...seen)).toBeGreaterThan(traded.basePrice / 1.5)
  expect(new Set(seen).size).toBeGreaterThan(200)
})

it('[B11] [D1] an EventSource that lost its stream, and a Socket.IO client, hear the same prices without a gap', async () => {
  const { url, roomful } = await serveCommons((commons) => addMarket({ ...commons, clock: quick(commons.clock) }))
  const token = tokenOf('ann')
  const prices: { seq: number; symbol: string; price: number }[] = []
  const source = new EventSource(`${url}/sse/?room=market&token=${token}`)
  onTestFinished(() => source.close())
  source.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.type === 'price:update') prices.push(message)
  }
  const socket = io(url, { auth: { token }, transports: ['websocket'] })
  onTestFinished(() => void socket.disconnect())
  const socketHeard: { seq: number }[] = []
  socket.on('price:update', (price: { seq: number }) => socketHeard.push(price))
  await socket.emitWithAck('room:join', { roomId: 'market' })

  await until('some prices', () => prices.length > 10)
  roomful.disconnectUser('ann', 1012, 'again, please')
  const before = prices.length
  await until('prices after the break', () => prices.length > before + 10)

  const seqs = prices.map(({ seq }) => seq)
  expect(seqs).toEqual(Array.from(seqs, (_, index) => (seqs[0] ?? 0) + index))
  await until('the same on Socket.IO', () => socketHeard.some(({ seq }) => seq === seqs.at(-1)))
})

/** Twenty times as fast, so that the test is short. */
function quick<Clock extends { now(): number; after(ms: number, fn: () => void): () => void }>(clock: Clock): Clock {
  return { ...clock, after: (ms, fn) => clock.after(ms / 20, fn) }
}
