/** What every store of documents does, as tests: in a file of one process, and in a Redis of several nodes. */
import { describe, expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import type { DocumentStore } from '../src/store/port.ts'
import type { StoredUpdate } from '../src/store/record.ts'

export interface StoreBench {
  readonly store: DocumentStore
  /** A second one on the same data, at the same time where that is possible, else after the first. */
  readonly another: () => Promise<DocumentStore>
}

export type MakeStore = () => Promise<StoreBench>

/** Updates of one client that writes `text` letter by letter. */
export function typed(text: string, doc = new Y.Doc()): Uint8Array[] {
  const updates: Uint8Array[] = []
  const note = (update: Uint8Array): void => void updates.push(update)
  doc.on('update', note)
  for (const letter of text) doc.getText('content').insert(doc.getText('content').length, letter)
  doc.off('update', note)
  return updates
}

export function textOf(updates: readonly Uint8Array[]): string {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc.getText('content').toString()
}

let now = Date.now()

export function stored(id: string, update: Uint8Array, more: Partial<StoredUpdate> = {}): StoredUpdate {
  return { id, update, userId: 'ann', account: 'ann', at: ++now, ...more }
}

const made = (id: string, ownerId = 'ann') => ({ id, title: `The ${id}`, ownerId, account: ownerId, at: ++now })

export function storeContract(name: string, make: MakeStore): void {
  const open = async (): Promise<StoreBench> => {
    const bench = await make()
    onTestFinished(() => bench.store.close())
    return bench
  }

  describe(`[Y16] document store contract: ${name}`, () => {
    it('gives back what was appended, whole and in a document that the first update made', async () => {
      const { store, another } = await open()
      expect(await store.load('plan')).toEqual({ record: undefined, account: undefined, isRemoved: false, updates: [] })
      const updates = typed('hello')
      expect(await store.append(updates.map((each) => stored('plan', each)))).toEqual(Array(5).fill(undefined))
      const loaded = await (await another()).load('plan')
      expect(textOf(loaded.updates)).toBe('hello')
      const bytes = updates.reduce((sum, { byteLength }) => sum + byteLength, 0)
      expect(loaded.record).toMatchObject({ id: 'plan', title: 'plan', ownerId: 'ann', isLocked: false, bytes })
      expect(loaded).toMatchObject({ account: 'ann', isRemoved: false })
    })

    it('keeps any bytes and any name as they are', async () => {
      const { store, another } = await open()
      const id = 'größe/1 {x}\n"☃"'
      const doc = new Y.Doc()
      doc.getMap('m').set(
        'bytes',
        Uint8Array.from({ length: 256 }, (_, i) => i),
      )
      await store.append([stored(id, Y.encodeStateAsUpdate(doc))])
      const copy = new Y.Doc()
      for (const update of (await (await another()).load(id)).updates) Y.applyUpdate(copy, update)
      expect(copy.getMap('m').get('bytes')).toEqual(Uint8Array.from({ length: 256 }, (_, i) => i))
    })

    it('folds without loss, once and again, and goes on after it', async () => {
      const { store } = await open()
      const doc = new Y.Doc()
      await store.append(typed('a'.repeat(100), doc).map((each) => stored('plan', each)))
      const before = (await store.find('plan'))?.bytes ?? 0
      await store.fold('plan')
      await store.fold('plan')
      const folded = await store.load('plan')
      expect(folded.updates).toHaveLength(1)
      expect(folded.record?.bytes).toBe(folded.updates[0]?.byteLength)
      expect(folded.record?.bytes).toBeLessThan(before)
      expect(await store.usage()).toEqual({ documents: 1, bytes: folded.record?.bytes })
      await store.append(typed('bc', doc).map((each) => stored('plan', each)))
      expect(textOf((await store.load('plan')).updates)).toBe(`${'a'.repeat(100)}bc`)
      await store.fold('nothing')
    })

    it('lists by the latest change, page by page, and finds what is there', async () => {
      const { store } = await open()
      for (let i = 0; i < 5; i++) await store.create(made(`d${i}`))
      await store.append([stored('d1', new Uint8Array([0, 0]))])
      const page = await store.list({ limit: 2 })
      expect(page.map(({ id }) => id)).toEqual(['d1', 'd4'])
      const next = await store.list({ limit: 10, before: page[1] })
      expect(next.map(({ id }) => id)).toEqual(['d3', 'd2', 'd0'])
      expect(await store.find('d3')).toMatchObject({ id: 'd3', title: 'The d3', bytes: 0 })
      expect(await store.find('d9')).toBeUndefined()
    })

    it('lists as many as are asked for, also of the same moment', async () => {
      const { store } = await open()
      const ids = Array.from({ length: 450 }, (_, i) => `d${String(i).padStart(3, '0')}`)
      const at = ++now
      await Promise.all(ids.map((id) => store.create({ ...made(id), at })))
      expect((await store.list({ limit: 1_000 })).map(({ id }) => id)).toEqual(ids.toReversed())
      expect(await store.list({ limit: 449 })).toHaveLength(449)
      expect(await store.list({ limit: 0 })).toEqual([])
    })

    it('renames and locks, and knows when there is nothing to', async () => {
      const { store } = await open()
      const record = await store.create(made('plan'))
      expect(await store.change('plan', { isLocked: true }, ++now)).toEqual({ ...record, isLocked: true })
      const renamed = await store.change('plan', { title: 'New' }, ++now)
      expect(renamed).toMatchObject({ title: 'New', isLocked: true })
      expect(renamed?.changedAt).toBeGreaterThan(record?.changedAt ?? 0)
      expect(await store.change('none', { title: 'New' }, ++now)).toBeUndefined()
    })

    it('gives a name once: not a second time, and not after a removal', async () => {
      const { store, another } = await open()
      expect(await store.create(made('plan'))).toBeDefined()
      expect(await store.create(made('plan', 'ben'))).toBeUndefined()
      await store.append([stored('plan', new Uint8Array([0, 0]))])
      expect(await store.remove('plan', ++now)).toBe('ann')
      expect(await store.remove('plan', ++now)).toBeUndefined()
      expect(await store.create(made('plan'))).toBeUndefined()
      expect(
        await store.append([stored('plan', new Uint8Array([0, 0])), stored('other', new Uint8Array([0, 0]))]),
      ).toEqual(['FORBIDDEN', undefined])
      expect(await (await another()).load('plan')).toMatchObject({ record: undefined, isRemoved: true, updates: [] })
      expect(await store.list({ limit: 10 })).toHaveLength(1)
    })

    it('counts documents and bytes, of each account and in all', async () => {
      const { store } = await open()
      await store.create(made('a'))
      await store.append([stored('a', new Uint8Array([0, 0]), { account: 'zoe' })]) // it was Ann who made it
      await store.append([stored('b', new Uint8Array([0, 0, 0]), { account: 'ben' })])
      expect(await store.usage('ann')).toEqual({ documents: 1, bytes: 2 })
      expect(await store.usage('ben')).toEqual({ documents: 1, bytes: 3 })
      expect(await store.usage('zoe')).toEqual({ documents: 0, bytes: 0 })
      expect(await store.usage()).toEqual({ documents: 2, bytes: 5 })
      await store.remove('a', ++now)
      expect(await store.usage('ann')).toEqual({ documents: 0, bytes: 0 })
      expect(await store.usage()).toEqual({ documents: 1, bytes: 3 })
    })

    it('loses nothing when updates come while it folds', async () => {
      const { store, another } = await open()
      const doc = new Y.Doc()
      let text = ''
      for (let round = 0; round < 20; round++) {
        const letters = String.fromCharCode(97 + round).repeat(10)
        text += letters
        const folding = store.fold('plan')
        await Promise.all([folding, store.append(typed(letters, doc).map((each) => stored('plan', each)))])
      }
      expect(textOf((await (await another()).load('plan')).updates)).toBe(text)
    })
  })
}
