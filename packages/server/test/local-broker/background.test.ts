/** The worker beside the writer: a journal that stays short under load, and work that is done here when it is gone. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SqliteBackground } from '../../src/adapters/brokers/local/sqlite/background.ts'
import type { Append } from '../../src/core/ports/broker.ts'
import { openOnSqlite } from './opening.ts'

const NS = '/'

describe('the worker', () => {
  it('keeps the journal short while appends never pause, and their order', async () => {
    const { broker, folder, dispose, reports } = await openOnSqlite()
    onTestFinished(dispose)
    const argsJson = JSON.stringify(['x'.repeat(50_000)])
    const entry: Append = { roomId: 'a', type: 't', argsJson, userId: 'ann', key: undefined, atomicGroup: undefined }
    const seqs: number[] = []
    const batches: Promise<void>[] = []
    for (let i = 0; i < 600; i++) {
      const batch = broker.append(NS, new Array<Append>(10).fill(entry))
      batches.push(
        batch.then((results) => void seqs.push(...results.map((result) => ('seq' in result ? result.seq : 0)))),
      )
      await new Promise((resolve) => setImmediate(resolve))
      if (i % 20 === 0) await Promise.all(batches)
    }
    await Promise.all(batches)
    expect(seqs).toEqual(Array.from({ length: 6000 }, (_, i) => i + 1))
    // 128 MiB when it must start over, 64 MiB during the checkpoint before that, 20 batches in flight; 320 MB were written.
    expect(statSync(join(folder, 'roomful.db-wal')).size).toBeLessThan(240_000_000)
    expect(reports).toEqual([])
  }, 30_000)

  it('is done without when it cannot be started', async () => {
    const { broker, folder, dispose } = await openOnSqlite()
    onTestFinished(dispose)
    await broker.append(NS, [
      { roomId: 'a', type: 't', argsJson: '[1]', userId: 'ann', key: undefined, atomicGroup: undefined },
    ])
    const db = new DatabaseSync(join(folder, 'roomful.db'))
    onTestFinished(() => db.close())
    const reports: unknown[] = []
    const path = join(folder, 'no', 'such', 'folder', 'roomful.db')
    const background = new SqliteBackground({ db, path, sync: 'normal', report: (error) => reports.push(error) })
    const request = { kind: 'span', room: 1, roomId: 'a', from: 1, to: 9 } as const
    const answers = await Promise.all([background.request(request), background.request(request)])
    expect(answers).toMatchObject([[{ seq: 1, argsJson: '[1]' }], [{ seq: 1 }]])
    expect(reports).toHaveLength(1)
    expect(await background.request(request)).toMatchObject([{ seq: 1 }])
    await background.close()
    await expect(background.request(request)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('[R3] is asked 10,000 questions at once, the next is refused with UNAVAILABLE, and all of them are answered', async () => {
    const { broker, folder, dispose } = await openOnSqlite()
    onTestFinished(dispose)
    const entry: Append = {
      roomId: 'a',
      type: 't',
      argsJson: '[1]',
      userId: 'ann',
      key: undefined,
      atomicGroup: undefined,
    }
    await broker.append(NS, new Array<Append>(10).fill(entry))
    const path = join(folder, 'roomful.db')
    const db = new DatabaseSync(path)
    onTestFinished(() => db.close())
    const reports: unknown[] = []
    const background = new SqliteBackground({ db, path, sync: 'normal', report: (error) => reports.push(error) })
    onTestFinished(() => background.close())
    const ask = async (i: number): Promise<number[]> => {
      const seq = (i % 10) + 1
      return (await background.request({ kind: 'span', room: 1, roomId: 'a', from: seq, to: seq })).map(
        (row) => row.seq,
      )
    }
    const order: number[] = []
    const waiting = Array.from({ length: 10_000 }, async (_, i) => {
      const answer = await ask(i)
      order.push(i)
      return answer
    })
    await expect(ask(0)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 10_000 }, (_, i) => [(i % 10) + 1]))
    expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
    expect(await ask(4)).toEqual([5])
    expect(reports).toEqual([])
  })
})
