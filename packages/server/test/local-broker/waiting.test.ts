/** What waits for a disk that stands still: so much, and no more. */
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { SqliteQueue } from '../../src/adapters/brokers/local/sqlite/queue.ts'
import { SqliteReplies } from '../../src/adapters/brokers/local/sqlite/replies.ts'

it('[G2] 10,000 batches wait in their order, the next is refused with UNAVAILABLE, and all of them go when it moves', async () => {
  let isHolding = true
  const queue = new SqliteQueue(() => isHolding)
  const order: number[] = []
  const waiting = Array.from({ length: 10_000 }, (_, i) =>
    queue.run(() => {
      order.push(i)
      return []
    }),
  )
  expect(() => queue.run(() => [])).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  isHolding = false
  queue.drain()
  await Promise.all(waiting)
  expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
})

it('[K9] 10,000 answers wait to be written down; a further one is not kept', () => {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE keys (key, scope, ns, part, fingerprint, reply)')
  const replies = new SqliteReplies(db)
  const key = (i: number) => ({ scope: 'ann', key: `k${i}`, fingerprint: 'f' })
  for (let i = 0; i < 10_001; i++) replies.note(1, key(i), '"answer"')
  expect(replies.noteCount).toBe(10_000)
  expect([replies.find(1, key(9_999)), replies.find(1, key(10_000))]).toEqual(['"answer"', undefined])
  db.close()
})
