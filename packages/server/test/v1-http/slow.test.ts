/** A client over HTTP that does not listen: it costs bounded memory, and misses nothing of what is in the log. G5. */
import { hubOf, type Link } from '@roomful/server/testing'
import { expect, it } from 'vitest'
import { serve, until } from '../fallbacks/serving.ts'
import { openLink, takeEvents } from './raw-link.ts'

it('[F10] between two polls no more waits than a slow link may have, and the rest comes from the log', async () => {
  const { url, roomful } = await serve({ outboxBytes: 20_000 })
  const link = await openLink(url, 'unpolled')
  await link.send([{ type: 'open', v: 1, ch: 1, ns: '/public', name: 'Ann' }])
  await link.send([{ ch: 1, event: 'room:join', data: { roomId: 'lobby' }, id: 1 }])
  const namespace = hubOf(roomful).namespace('/public')
  const [held] = hubOf(roomful).links.open
  for (let i = 0; i < 300; i++) await namespace?.publish('lobby', 'tick', [{ i, pad: 'x'.repeat(1_000) }])
  expect(held?.slow).toBe(true)
  expect(held?.queuedBytes).toBeLessThan(100_000)
  // What it says meanwhile is taken once, and answered when it listens again.
  const answer = link.send([{ ch: 1, event: 'room:list', id: 2 }])
  let isAnswered = false
  const answered = answer.then(() => {
    isAnswered = true
  })
  const { wire } = held as Link
  await until('the POST to be taken', () => (wire as unknown as { isAwaitingReading: boolean }).isAwaitingReading)
  expect(await link.send([{ type: 'ping' }]).then(({ status }) => status)).toBe(409)
  expect(isAnswered).toBe(false)
  for (let polls = 0; polls < 100 && !link.heard.some(({ seq }) => seq === 300); polls++) {
    takeEvents(await (await link.poll()).text(), link.heard)
  }
  await answered
  const seqs = link.heard.flatMap(({ event, seq }) => (event === 'tick' ? [seq] : []))
  expect(seqs).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
})
