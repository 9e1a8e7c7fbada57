/** A key that was stored is never taken for a new one; a new one rarely for a known one. G3. */
import { DatabaseSync } from 'node:sqlite'
import { createKey } from '@roomful/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NewKeys } from '../../src/adapters/brokers/local/sqlite/new-keys.ts'

const NOW = Date.UTC(2026, 0, 1)
const keyAt = (ms: number): string =>
  createKey(NOW + ms, (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>))

function table() {
  const db = new DatabaseSync(':memory:')
  db.exec(
    'CREATE TABLE keys (key TEXT NOT NULL, scope TEXT NOT NULL, ns INTEGER NOT NULL, part INTEGER NOT NULL) STRICT',
  )
  db.exec('CREATE UNIQUE INDEX keys_by_name ON keys (key, scope, ns, part)')
  const insert = db.prepare('INSERT OR IGNORE INTO keys VALUES (?, ?, ?, 0)')
  return { db, store: (key: string, scope = 'ann') => insert.run(key, scope, 1) }
}

const named = (key: string, scope = 'ann') => ({ key, scope, fingerprint: 'f' })

it('[G3] [K11] what was stored is known, whatever the keys look like, over new beginnings and restarts', () => {
  const key = fc.oneof(
    fc.integer({ min: -5_000, max: 5_000_000 }).map(keyAt),
    fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0')),
    fc.constantFrom('019', '01ffffff', 'Z', 'é', '01\u{1f600}'),
  )
  const step = fc.oneof({ weight: 9, arbitrary: key }, { weight: 1, arbitrary: fc.constant(undefined) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { db, store } = table()
      let keys = new NewKeys(db, () => NOW, 8)
      const stored = new Set<string>()
      for (const each of steps) {
        if (each === undefined) keys = new NewKeys(db, () => NOW, 8)
        else {
          keys.add(1, named(each))
          store(each)
          stored.add(each)
        }
        for (const known of stored) expect(keys.isNew(1, named(known)), known).toBe(false)
      }
      db.close()
    }),
  )
})

it('[P7] [K11] nearly every key of a client whose clock goes with ours is known to be new at once', () => {
  const { db, store } = table()
  for (let i = 0; i < 1_000; i++) store(keyAt(-i))
  const keys = new NewKeys(db, () => NOW)
  let asked = 0
  for (let i = 1; i <= 100_000; i++) {
    const key = named(keyAt(i), `user ${i % 100}`)
    if (!keys.isNew(1, key)) asked++
    keys.add(1, key)
    expect(keys.isNew(1, key)).toBe(false)
  }
  expect(asked).toBeLessThan(100)
  expect(keys.isNew(2, named(keyAt(1)))).toBe(true)
  db.close()
})
