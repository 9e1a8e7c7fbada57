/** The order of what a namespace sends, where another server's event comes while events of this one are being stored. */
import { expect, it } from 'vitest'
import { type Queued, SendQueue } from '../../src/durable/queue.ts'

it('an event of another server goes before those that are not stored yet, and what waits behind them', () => {
  const queue = new SendQueue<Queued & { stored?: unknown }>()
  const ran: string[] = []
  const item = (name: string, isReady: boolean) => ({
    isReady,
    stored: undefined as unknown,
    run: () => void ran.push(name),
  })
  const waiting = item('a session', false)
  const own = item('own', false)
  for (const each of [waiting, own, item('its answer', true)]) queue.add(each)
  queue.addStored({ ...item('first of another', true), stored: 20 })
  expect(ran).toEqual(['first of another'])
  own.stored = 21
  own.isReady = true
  queue.addStored({ ...item('second of another', true), stored: 22 })
  waiting.isReady = true
  queue.drain()
  expect(ran).toEqual(['first of another', 'a session', 'own', 'second of another', 'its answer'])
})
