/** Opening the data folder: whose it is, which version wrote it, and whether its tail may have been lost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { called, SeededRandom, VirtualClock } from '@roomful/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLocalBroker, openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import { MIGRATIONS } from '../../src/adapters/brokers/local/sqlite/migrations.ts'
import type { SqliteLogOptions } from '../../src/adapters/brokers/local/sqlite/wiring.ts'
import { makeFolder } from './opening.ts'

function folderForTest(): string {
  const folder = makeFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function open(folder: string, options: Partial<SqliteLogOptions> = {}) {
  const clock = new VirtualClock()
  const log = openSqliteLog({ folder, clock, random: new SeededRandom('file'), ...options })
  return called(createLocalBroker({ log }))
}

/** Makes the file look as if its process had been killed. */
function spoilCleanMark(folder: string): void {
  const db = new DatabaseSync(join(folder, 'roomful.db'))
  db.exec('UPDATE file SET is_clean = 0')
  db.close()
}

async function stateOf(folder: string, options: Partial<SqliteLogOptions>) {
  const broker = open(folder, options)
  const { logId, n } = await broker.open('/')
  const [head] = await broker.subscribe('/', [{ roomId: 'a', retention: undefined }])
  await broker.append('/', [
    { roomId: 'a', type: 't', argsJson: '[]', userId: undefined, key: undefined, atomicGroup: undefined },
  ])
  await broker.close()
  return { logId, epoch: head?.epoch, n, seq: head?.seq }
}

/** A data folder as format 1 left it. */
function writeFormat1(folder: string, ts: number): void {
  const db = new DatabaseSync(join(folder, 'roomful.db'))
  db.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`)
  db.exec(`INSERT INTO namespaces VALUES (1, '/', '1abcdefghijkl', 1, ${ts})`)
  db.exec(`INSERT INTO keys VALUES (1, 'k1', 'ann', 1, 0, 'f', 1, 1, ${ts})`)
  db.close()
}

describe('the data folder', () => {
  it('[E10] of an older format is brought up to date with all that is in it', async () => {
    const folder = folderForTest()
    writeFormat1(folder, new VirtualClock().now())
    const broker = open(folder)
    await broker.open('/')
    const key = { scope: 'ann', key: 'k1', fingerprint: 'f' }
    expect(await broker.claim('/', key)).toMatchObject({ status: 'duplicate', n: 1, seq: 1 })
    broker.saveAck('/', key, '["late"]')
    await broker.close()
    const again = open(folder)
    expect(await again.claim('/', key)).toMatchObject({ status: 'duplicate', ack: '["late"]' })
    await again.close()
  })

  it('is made when it is missing, and is of one server at a time', async () => {
    const folder = join(folderForTest(), 'deep', 'down')
    const broker = open(folder)
    expect(() => open(folder)).toThrow(
      expect.objectContaining({ code: 'DATA_IN_USE', message: expect.stringContaining(folder) }),
    )
    await broker.close()
    await open(folder).close()
  })

  it('is refused to a second process, and free again once the first was killed', async () => {
    const folder = folderForTest()
    const script = new URL('./kill-child.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--conditions=source', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }))
    const exited = once(child, 'exit')
    child.stdout.resume()
    child.kill('SIGKILL')
    await exited
    await open(folder).close()
  })

  it('is refused with a sentence when a newer version wrote it, and left as it was', async () => {
    const folder = folderForTest()
    await open(folder).close()
    const path = join(folder, 'roomful.db')
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    expect(() => open(folder)).toThrow(
      expect.objectContaining({ code: 'DATA_TOO_NEW', message: expect.stringContaining('format 99') }),
    )
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'DATA_TOO_NEW' }))
  })

  it('is refused with a sentence when its file is something else', () => {
    const folder = folderForTest()
    writeFileSync(join(folder, 'roomful.db'), 'This is a shopping list, not a database. '.repeat(200))
    expect(() => open(folder)).toThrow(
      expect.objectContaining({ code: 'DATA_UNUSABLE', message: expect.stringContaining('roomful.db') }),
    )
    rmSync(join(folder, 'roomful.db'))
    writeFileSync(join(folder, 'file'), '')
    expect(() => open(join(folder, 'file'))).toThrow(expect.objectContaining({ code: 'DATA_UNUSABLE' }))
  })
})

describe('[D2] the generation of the log', () => {
  it('stays after a clean end, and after a kill while the machine ran on', async () => {
    const folder = folderForTest()
    const first = await stateOf(folder, { bootId: 'one' })
    expect(await stateOf(folder, { bootId: 'two' })).toEqual({ ...first, n: 1, seq: 1 })
    spoilCleanMark(folder)
    expect(await stateOf(folder, { bootId: 'two' })).toEqual({ ...first, n: 2, seq: 2 })
  })

  it('grows after an unclean end before another boot, so that no position fits that may have been given twice', async () => {
    const folder = folderForTest()
    const first = await stateOf(folder, { bootId: 'one' })
    spoilCleanMark(folder)
    const second = await stateOf(folder, { bootId: 'two' })
    expect(second).toMatchObject({ n: 1, seq: 1 })
    expect(second.epoch).not.toBe(first.epoch)
    expect(second.logId).not.toBe(first.logId)
    expect(second.logId).toMatch(/^1[a-z0-9]{4,32}$/)
    spoilCleanMark(folder)
    expect((await stateOf(folder, { bootId: '' })).epoch).not.toBe(second.epoch)
  })

  it('grows when a copy was put back, so that a number given since then is of another epoch', async () => {
    const folder = folderForTest()
    const path = join(folder, 'roomful.db')
    const copyOf = (broker: string): string => join(folder, `${broker}.copy`)
    const putBack = (copy: string): void => {
      for (const side of ['-wal', '-shm']) rmSync(path + side, { force: true })
      copyFileSync(copy, path) // over the file that is there
    }
    const before = await stateOf(folder, { bootId: 'one' })
    copyFileSync(path, copyOf('stopped'))
    const running = open(folder, { bootId: 'one' })
    await running.open('/')
    const db = new DatabaseSync(path)
    db.exec(`VACUUM INTO '${copyOf('running')}'`)
    db.close()
    await running.close()
    expect(await stateOf(folder, { bootId: 'one' })).toEqual({ ...before, n: 1, seq: 1 })
    const epochs = new Set([before.epoch])
    for (const copy of ['running', 'stopped', 'running']) {
      putBack(copyOf(copy))
      const restored = await stateOf(folder, { bootId: 'one', sync: 'full' })
      expect(restored).toMatchObject({ n: 1, seq: 1, logId: expect.stringMatching(/^1[a-z0-9]{4,32}$/) })
      epochs.add(restored.epoch)
      expect((await stateOf(folder, { bootId: 'one' })).epoch).toBe(restored.epoch)
    }
    expect(epochs.size).toBe(4)
  })

  it('stays when the end of a run could not be written down', async () => {
    const folder = folderForTest()
    const first = await stateOf(folder, { bootId: 'one' })
    const running = open(folder, { bootId: 'one' })
    await running.open('/')
    const path = join(folder, 'roomful.run.new')
    mkdirSync(path) // where the next mark would be
    await expect(running.close()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    rmSync(path, { recursive: true })
    expect(await stateOf(folder, { bootId: 'one' })).toEqual({ ...first, n: 1, seq: 1 })
  })

  it('grows when the whole folder is a copy, and not when it was moved', async () => {
    const folder = folderForTest()
    const first = await stateOf(folder, { bootId: 'one' })
    const moved = `${folder}-moved`
    const copied = `${folder}-copied`
    onTestFinished(() => [moved, copied].forEach((made) => void rmSync(made, { recursive: true, force: true })))
    renameSync(folder, moved)
    cpSync(moved, copied, { recursive: true, preserveTimestamps: true })
    expect(await stateOf(moved, { bootId: 'one' })).toEqual({ ...first, n: 1, seq: 1 })
    expect((await stateOf(copied, { bootId: 'one' })).epoch).not.toBe(first.epoch)
  })

  it('stays when every commit went to the disk', async () => {
    const folder = folderForTest()
    const first = await stateOf(folder, { bootId: 'one', sync: 'full' })
    spoilCleanMark(folder)
    expect(await stateOf(folder, { bootId: 'two', sync: 'full' })).toEqual({ ...first, n: 1, seq: 1 })
  })
})
