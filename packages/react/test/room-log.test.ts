/** A list of other durable events: the past by pages, what happens, what was taken back, and all of it again. */
import { expect, it, vi } from 'vitest'
import { RoomLog } from '../src/index.ts'
import { startApp } from './support/app.tsx'

it('makes a list of the events that are wanted, and begins again when it is opened again', async () => {
  const { visitor, roomful } = await startApp()
  const chat = roomful.get('/public')
  for (let i = 1; i <= 150; i++) await chat.publish('orders', i % 2 ? 'order:placed' : 'order:sent', [{ i }])
  const placed = new Map<number, number | undefined>()
  const log = new RoomLog({
    ...{ client: visitor('Ann'), roomId: 'orders', events: ['order:placed'] },
    apply: ({ args, meta }) => placed.set(meta.seq ?? 0, (args[0] as { i: number } | undefined)?.i),
    clear: () => placed.clear(),
    onChange: () => undefined,
  })
  log.open()
  await vi.waitFor(() => expect(log.loading).toBeUndefined())
  expect([placed.size, log.hasMore]).toEqual([50, true])
  log.loadOlder()
  log.loadOlder()
  await vi.waitFor(() => expect([placed.size, log.hasMore, log.loading]).toEqual([75, false, undefined]))
  await chat.publish('orders', 'order:sent', [{ i: 151 }])
  await chat.publish('orders', 'order:placed', [{ i: 152 }])
  await vi.waitFor(() => expect(placed.get(152)).toBe(152))
  expect(placed.has(151)).toBe(false)
  log.close()
  expect([placed.size, log.room]).toEqual([0, undefined])
  await chat.redact('orders', 149)
  log.open()
  await vi.waitFor(() => expect([placed.size, placed.get(147), placed.get(149)]).toEqual([50, 147, undefined]))
  log.close()
})
