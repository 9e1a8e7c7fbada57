/** What waits for a disk that stands still: so much, and no more; nothing of it is lost, and there is room afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DocumentStore, openDocumentStore } from '../src/store/document-store.ts'
import { after } from './serving.ts'

function openFile(): { store: DocumentStore; reopen: () => DocumentStore } {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-documents-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'documents.db')
  const reopen = () => openDocumentStore({ path, sync: 'normal', foldUpdates: 1_000_000, foldBytes: 1_000_000 })
  return { store: reopen(), reopen }
}

const write = (store: DocumentStore, n: number): Promise<void> =>
  store.append([{ id: 'plan', update: new Uint8Array([n]), userId: 'ann', at: n }])

const written = async (store: DocumentStore): Promise<number[]> =>
  (await store.load('plan')).updates.flatMap((update) => [...update])

/** A line as long as it may be: a change at either end, and questions in between. */
function fill(store: DocumentStore, first: number, last: number): Promise<unknown>[] {
  return [write(store, first), ...Array.from({ length: 9_998 }, () => store.find('plan')), write(store, last)]
}

describe('questions to the worker', () => {
  it('[Y17] wait up to 10,000, the next is refused with UNAVAILABLE, and all of them are answered', async () => {
    const { store } = openFile()
    after(() => store.close())
    const waiting = fill(store, 1, 2)
    await expect(write(store, 3)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(store.load('plan')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const [, ...answers] = await Promise.all(waiting)
    expect(answers.slice(0, -1)).toEqual(Array(9_998).fill(expect.objectContaining({ id: 'plan', bytes: 1 })))
    await write(store, 4)
    expect(await written(store)).toEqual([1, 2, 4])
  })

  it('[Y17] are all answered before the end, which is not refused however many wait', async () => {
    const { store, reopen } = openFile()
    const waiting = fill(store, 1, 2)
    await expect(store.count()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await store.close()
    await Promise.all(waiting)
    const again = reopen()
    after(() => again.close())
    expect(await written(again)).toEqual([1, 2])
  })
})
