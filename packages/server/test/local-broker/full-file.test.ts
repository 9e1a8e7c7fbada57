/** How a full file finds the oldest events of its largest writer, without an index that each append would have to keep. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import { MIGRATIONS } from '../../src/adapters/brokers/local/sqlite/migrations.ts'
import type { SqliteLogOptions } from '../../src/adapters/brokers/local/sqlite/wiring.ts'
import type { Append } from '../../src/core/ports/broker.ts'
import { makeFolder } from './opening.ts'

const NS = '/'
const HOUR_MS = 3_600_000

function folderForTest(): string {
  const folder = makeFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function open(folder: string, options: Partial<SqliteLogOptions> = {}) {
  const clock = new VirtualClock()
  const random = new SeededRandom('full')
  const reports: unknown[] = []
  const log = openSqliteLog({ folder, clock, random, report: (error) => reports.push(error), ...options })
  const write = async (userId: string, roomId: string, characters: number, count = 1): Promise<void> => {
    const argsJson = JSON.stringify(['x'.repeat(characters)])
    const entry: Append = { roomId, type: 't', argsJson, userId, key: undefined, atomicGroup: undefined }
    const results = await log.append(NS, new Array<Append>(count).fill(entry))
    expect(results.every(({ status }) => status === 'stored')).toBe(true)
  }
  const span = async (roomId: string) => {
    const [head] = await log.heads(NS, [roomId])
    return head && [head.first, head.seq]
  }
  return { log, clock, reports, write, span }
}

/** Runs on the closed file. */
function inFile<T>(folder: string, run: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(folder, 'roomful.db'))
  try {
    return run(db)
  } finally {
    db.close()
  }
}

function countIndexed(folder: string): unknown {
  return inFile(folder, (db) =>
    db.prepare('SELECT count(*) AS count FROM events WHERE is_indexed = 1 AND writer <> 0').get(),
  )
}

describe('the index of events by writer', () => {
  it('[P7] is left empty while the file is less than half full, and filled from then on', async () => {
    const folder = folderForTest()
    const { log, clock, write, reports } = open(folder, { dataMaxBytes: 10_000_000 })
    for (let i = 0; i < 100; i++) await write(`user${i}`, `room${i}`, 10_000, 4)
    await clock.advance(20_000)
    expect(countIndexed(folder)).toEqual({ count: 0 })
    for (let i = 0; i < 100; i++) await write(`user${i}`, `room${i}`, 10_000)
    await clock.advance(20_000)
    expect(countIndexed(folder)).toEqual({ count: 500 })
    await log.close()
    expect(reports).toEqual([])
  })

  it('[L17] is filled as far as needed when the limit is lower than what the file holds', async () => {
    const folder = folderForTest()
    const before = open(folder)
    for (let i = 0; i < 90; i++) await before.write(`user${i}`, 'small', 1, 500)
    await before.write('eve', 'large', 10_000, 100)
    await before.log.close()
    const { log, clock, write, span, reports } = open(folder, { dataMaxBytes: 8_000_000 })
    await write('bob', 'quiet', 1)
    for (let i = 0; i < 20; i++) await clock.advance(10_000)
    const [first = 0, last] = (await span('large')) ?? []
    expect(first).toBeGreaterThan(10)
    expect(last).toBe(100)
    expect(await span('small')).toEqual([35_001, 45_000]) // what it may keep
    expect(await span('quiet')).toEqual([1, 1])
    await log.close()
    expect(reports).toEqual([])
  })

  it('[L17] begins again when all events were deleted and their ids start over', async () => {
    const folder = folderForTest()
    const { log, clock, write, span, reports } = open(folder, { dataMaxBytes: 1_000_000, retentionMs: HOUR_MS })
    for (let i = 0; i < 60; i++) await write('eve', 'flood', 30_000)
    await clock.advance(2 * HOUR_MS)
    expect(inFile(folder, (db) => db.prepare('SELECT count(*) AS count FROM events').get())).toEqual({ count: 0 })
    await write('bob', 'quiet', 100)
    for (let i = 0; i < 60; i++) {
      await write('eve', 'flood', 30_000)
      await clock.advance(50)
    }
    await clock.advance(20_000)
    expect(await span('quiet')).toEqual([1, 1])
    expect((await span('flood'))?.[0]).toBeGreaterThan(20) // a new room by then
    await log.close()
    expect(reports).toEqual([])
  })
})

describe('bytes by writer', () => {
  it('[L17] are counted again after a kill, so that no writer with events counts as empty', async () => {
    const folder = folderForTest()
    const before = open(folder)
    await before.write('bob', 'quiet', 100, 5)
    await before.write('eve', 'flood', 30_000, 20)
    await before.log.close()
    const read = (db: DatabaseSync) => db.prepare('SELECT name, bytes FROM writers WHERE id > 1 ORDER BY name').all()
    const counted = inFile(folder, read)
    inFile(folder, (db) => db.exec('UPDATE writers SET bytes = 0; UPDATE file SET counted_id = 0')) // nothing was saved
    const again = open(folder)
    await again.clock.advance(10_000)
    await again.log.close()
    expect(inFile(folder, read)).toEqual(counted)
    expect(counted).toMatchObject([{ name: 'bob' }, { name: 'eve' }])
  })

  it('[L17] [E10] are right in a file of the format before, whatever its last run saved', async () => {
    const folder = folderForTest()
    inFile(folder, (db) => {
      db.exec('BEGIN')
      for (const step of MIGRATIONS.slice(0, 6)) db.exec(step)
      db.exec(`PRAGMA user_version = 6; INSERT INTO namespaces VALUES (1, '/', '1abcdefghijkl', 130, 1, 0)`)
      db.exec(`INSERT INTO rooms (id, ns, name, epoch, seq, ts, retention) VALUES (1, 1, 'a', 'e', 0, 1, 10000)`)
      db.exec(`INSERT INTO rooms (id, ns, name, epoch, seq, ts, retention) VALUES (2, 1, 'b', 'e', 0, 1, 10000)`)
      db.exec(`INSERT INTO writers VALUES (2, 'bob', 99), (3, 'eve', 0)`)
      const insert = db.prepare(
        'INSERT INTO events (room, seq, n, ts, type, args, writer) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      const now = new VirtualClock().now()
      for (let i = 1; i <= 100; i++) insert.run(1, i, i, now, 't', '["x"]', 2)
      for (let i = 1; i <= 30; i++) insert.run(2, i, 100 + i, now, 't', JSON.stringify(['y'.repeat(30_000)]), 3)
      db.exec('COMMIT')
    })
    const { log, clock, write, span, reports } = open(folder, { dataMaxBytes: 500_000 })
    await write('bob', 'a', 1)
    await clock.advance(20_000)
    expect(await span('a')).toEqual([1, 101])
    expect((await span('b'))?.[0]).toBeGreaterThan(13)
    await log.close()
    expect(reports).toEqual([])
  })
})
