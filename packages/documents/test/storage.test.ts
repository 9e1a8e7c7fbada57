/** What a document survives: the end of the process, a disk that is full, years of changes, a newer version. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { after, converged, eventually, open, SECRET, serve, storedText, synced, tokenOf } from './serving.ts'

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-documents-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Rows of the file. */
function count(folder: string, table: 'updates' | 'snapshots'): number {
  const db = new DatabaseSync(join(folder, 'documents.db'), { readOnly: true })
  const row = db.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }
  db.close()
  return row.count
}

async function live(data: string, port: number): Promise<{ url: string; port: number; kill: () => Promise<void> }> {
  const args = ['--conditions=source', pathOf('./live-child.ts'), data, String(port), SECRET]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  after(() => void server.kill('SIGKILL'))
  const [told] = (await once(server.stdout, 'data')) as [Buffer]
  const kill = async (): Promise<void> => {
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  return { url: `ws://localhost:${Number(told.toString())}/yjs`, port: Number(told.toString()), kill }
}

describe('[B36] the documents of a server', () => {
  it('[Y10] keep what anybody saw through kill -9, although nobody who knows it comes back', async () => {
    const data = makeFolder()
    const server = await live(data, 0)
    const [ann, ben] = [await open(server.url, 'plan'), await open(server.url, 'plan', { name: 'ben' })]
    const kill = eventually(() => expect(ben.text.length).toBeGreaterThan(50)).then(server.kill)
    const typing = setInterval(() => ann.text.insert(ann.text.length, `${ann.text.length % 10}`), 1)
    await kill
    clearInterval(typing)
    const seen = ben.text.toString()
    ann.provider.destroy()
    ben.provider.destroy()
    const again = await live(data, server.port)
    const late = await open(again.url, 'plan', { name: 'late' })
    expect(late.text.toString().startsWith(seen)).toBe(true)
  }, 40_000)

  it('[Y16] fold many changes into one, and lose nothing by it', async () => {
    const data = makeFolder()
    const { url, documents, roomful } = await serve({ settings: { data }, documents: { foldUpdates: 50 } })
    const ann = await open(url, 'plan')
    for (let i = 0; i < 500; i++) {
      ann.text.insert(0, `${i % 10}`)
      if (i % 3 === 0) ann.text.delete(ann.text.length - 1, 1)
    }
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe(ann.text.toString()))
    const before = (await documents.find('plan'))?.bytes ?? 0
    await roomful.close()
    expect(count(data, 'updates')).toBeLessThan(50)
    expect(count(data, 'snapshots')).toBe(1)
    expect(before).toBeLessThan(50_000)
    const again = await serve({ settings: { data } })
    expect(await storedText(again.documents, 'plan')).toBe(ann.text.toString())
  })

  it('[Y16] store nothing for a client that offers again what is there', async () => {
    const data = makeFolder()
    const { url, documents } = await serve({ settings: { data } })
    const ann = await open(url, 'plan')
    ann.text.insert(0, 'once')
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe('once'))
    const copy = await open(url, 'plan', { doc: ann.doc, name: 'copy' }) // offers all that it has
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe('once'))
    expect(copy.text.toString()).toBe('once')
    expect(count(data, 'updates')).toBe(1)
  })

  it('[Y16] can be restored from a copy of the file; who has newer text brings it back', async () => {
    const data = makeFolder()
    const { url, documents, roomful, port } = await serve({ settings: { data } })
    const ann = await open(url, 'plan')
    ann.text.insert(0, 'old')
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe('old'))
    await roomful.close()
    const backup = makeFolder()
    cpSync(data, backup, { recursive: true })
    const second = await serve({ settings: { data }, port })
    ann.text.insert(3, ' and new')
    const ben = await open(second.url, 'plan', { name: 'ben' })
    await converged(ann, ben)
    ann.provider.disconnect()
    ben.provider.destroy()
    await second.roomful.close()
    const third = await serve({ settings: { data: backup }, port })
    const late = await open(third.url, 'plan', { name: 'late' })
    expect(late.text.toString()).toBe('old')
    ann.provider.connect()
    await eventually(() => expect(late.text.toString()).toBe('old and new'))
  })

  it.skipIf(process.platform === 'win32')(
    '[Y17] on a full disk send clients away with 1013 and keep what is stored',
    () => {
      const command = 'ulimit -f 3000 && exec "$0" --conditions=source "$1" "$2"' // 512 or 1024 bytes each
      const args = ['-c', command, process.execPath, pathOf('./limit-child.ts'), makeFolder()]
      const { stdout, stderr, status } = spawnSync('sh', args, { encoding: 'utf8', timeout: 30_000 })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const told = JSON.parse(stdout) as { stored: number; length: number }
      expect(told).toMatchObject({
        code: 'UNAVAILABLE',
        closeCode: 1013,
        length: told.stored * 50_000,
        hasNotice: true,
      })
      expect(told.stored).toBeGreaterThan(5)
    },
    40_000,
  )

  it('[Y17] that a newer version wrote stop the start with a sentence', async () => {
    const data = makeFolder()
    await (await serve({ settings: { data } })).roomful.close()
    const db = new DatabaseSync(join(data, 'documents.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expect(serve({ settings: { data } })).rejects.toThrow(/written by a newer Roomful \(format 99/)
  })

  it('[Y17] are refused when too much would be open at once, or there are too many', async () => {
    const { url, documents } = await serve({ documents: { maxOpenBytes: 10_000, maxDocuments: 2 } })
    const ann = await open(url, 'large')
    ann.text.insert(0, 'x'.repeat(12_000))
    await eventually(async () => expect((await documents.find('large'))?.bytes).toBeGreaterThan(10_000))
    await expect(documents.use('other', () => undefined)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await documents.create({ id: 'other', title: 'Other', ownerId: '' })
    await expect(documents.create({ id: 'third', title: 'Third', ownerId: '' })).rejects.toMatchObject({
      code: 'TOO_MANY_DOCUMENTS',
    })
  })

  it('[Y17] that would be too much at once are closed with 1013, and open once others are left', async () => {
    const { url, documents } = await serve({ documents: { maxOpenBytes: 10_000 } })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    after(() => warn.mockRestore())
    const draft = 'd'.repeat(6_000)
    await documents.use('draft', (doc) => doc.getText('content').insert(0, draft))
    const ann = await open(url, 'plan')
    ann.text.insert(0, 'p'.repeat(6_000))
    await eventually(async () => expect((await documents.find('plan'))?.bytes).toBeGreaterThan(6_000))
    const doc = new Y.Doc()
    doc.getText('content').insert(0, 'written outside')
    const params = { token: await tokenOf('ben') }
    const ben = new WebsocketProvider(url, 'draft', doc, { params, disableBc: true, maxBackoffTime: 100 })
    after(() => ben.destroy())
    expect(await new Promise((resolve) => ben.once('connection-close', (event) => resolve(event?.code)))).toBe(1013)
    expect(warn.mock.calls[0]?.[0]).toContain('Too much is open at once')
    ann.text.insert(0, 'still here')
    await eventually(async () => expect(await storedText(documents, 'plan')).toMatch(/^still here/))
    ann.provider.destroy()
    await synced(ben)
    await eventually(async () => expect(await storedText(documents, 'draft')).toContain('written outside'))
    expect(await storedText(documents, 'draft')).toContain(draft)
    ben.destroy()
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe(`still here${'p'.repeat(6_000)}`))
  })
})
