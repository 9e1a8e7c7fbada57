/** A disk that takes nothing more: refusals, nothing half stored, and everything as before once there is room again. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Append } from '../../src/core/ports/broker.ts'
import { makeFolder, openOnSqlite } from './opening.ts'

const NS = '/'
const entry = (roomId: string, size: number, key?: string): Append => ({
  roomId,
  type: 't',
  argsJson: JSON.stringify(['x'.repeat(size)]),
  userId: 'ann',
  key: key === undefined ? undefined : { scope: 'ann', key, fingerprint: 'f' },
  atomicGroup: undefined,
})

describe('a full disk', () => {
  it('refuses the batch with UNAVAILABLE, stores nothing of it, and recovers', async () => {
    const { broker, clock, reopen, dispose } = await openOnSqlite({ dataMaxBytes: 850_000, diskBytes: 1_000_000 })
    onTestFinished(dispose)
    await broker.open(NS)
    let stored = 0
    const fill = async () => {
      for (; stored < 100; stored++) await broker.append(NS, [entry('a', 50_000)])
    }
    await expect(fill()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(stored).toBeGreaterThan(15)
    expect(broker.healthy()).toBe(false)

    const batch = [entry('new', 10, 'k1'), entry('a', 20_000), entry('a', 20_000)]
    await expect(broker.append(NS, batch)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await broker.heads(NS, ['a', 'new'])).toMatchObject([{ roomId: 'a', seq: stored }])
    expect(await broker.claim(NS, { scope: 'ann', key: 'k1', fingerprint: 'f' })).toEqual({ status: 'new' })
    expect((await broker.history(NS, 'a', { limit: 1 })).events).toMatchObject([{ seq: stored }])

    await clock.advance(30_000) // the oldest go
    expect(broker.healthy()).toBe(true)
    expect(await broker.append(NS, batch)).toMatchObject([
      { n: stored + 1, seq: 1 },
      { n: stored + 2, seq: stored + 1 },
      { n: stored + 3, seq: stored + 2 },
    ])
    const again = await reopen()
    expect(await again.heads(NS, ['a', 'new'])).toMatchObject([{ seq: stored + 2 }, { seq: 1 }])
  })

  it.skipIf(process.platform === 'win32')(
    'is no worse when the system refuses to write: an error of the disk, no crash',
    () => {
      const folder = makeFolder()
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const child = fileURLToPath(new URL('./limit-child.ts', import.meta.url))
      const command = 'ulimit -f 1600 && exec "$0" --conditions=source "$1" "$2"' // 512 or 1024 bytes each
      const { stdout, stderr, status } = spawnSync('sh', ['-c', command, process.execPath, child, folder], {
        encoding: 'utf8',
      })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const told = JSON.parse(stdout) as { stored: number; codes: string[]; seq: number; isHealthy: boolean }
      expect(told).toEqual({ stored: told.seq, codes: ['UNAVAILABLE'], seq: expect.any(Number), isHealthy: false })
      expect(told.stored).toBeGreaterThan(5)
      expect(told.stored).toBeLessThan(60)
    },
  )
})
