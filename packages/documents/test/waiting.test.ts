/** What waits for a disk that stands still: so much, and no more; nothing of it is lost, and there is room afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDocumentStore } from '../src/store/document-store.ts'
import { GroupCommit } from '../src/store/group-commit.ts'
import type { DocumentStore } from '../src/store/port.ts'
import { after, eventually, open, serve, storedText } from './serving.ts'

function openFile(): { store: DocumentStore; reopen: () => DocumentStore } {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-documents-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'documents.db')
  const reopen = () => openDocumentStore({ path, sync: 'normal', foldUpdates: 1_000_000, foldBytes: 1_000_000 })
  return { store: reopen(), reopen }
}

const write = (store: DocumentStore, n: number): Promise<unknown> =>
  store.append([{ id: 'plan', update: new Uint8Array([n]), userId: 'ann', account: 'ann', at: n }])

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
    await expect(store.usage()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await store.close()
    await Promise.all(waiting)
    const again = reopen()
    after(() => again.close())
    expect(await written(again)).toEqual([1, 2])
  })
})

/** The disk stands still, from the next commit on, until it is let go. Then it takes everything, or what is of one document. */
function hold(store: DocumentStore, only?: string): () => void {
  const { append } = store
  const { promise, resolve } = Promise.withResolvers<void>()
  after(resolve)
  store.append = async (updates) => {
    await promise
    return append(updates.filter(({ id }) => only === undefined || id === only))
  }
  return resolve
}

const MIB = 1024 ** 2
/** A change of a mebibyte that changes nothing. */
const large = { id: 'large', update: new Uint8Array(MIB), userId: 'ann', account: 'ann', at: 1 }

describe('changes that wait for the disk', () => {
  it('[Y17] are up to 64 MiB together, what is more is refused with UNAVAILABLE, and all of them are stored', async () => {
    const store = openDocumentStore({ path: ':memory:', sync: 'normal', foldUpdates: 100, foldBytes: 100 * MIB })
    after(() => store.close())
    const letGo = hold(store)
    const commits = new GroupCommit(store)
    const small = (n: number) => ({ id: 'plan', update: new Uint8Array([n]), userId: 'ann', account: 'ann', at: 1 })
    const first = commits.append(large)
    await new Promise(setImmediate) // on its way, and counted until it is there
    const waiting = [first, commits.append(small(1)), ...Array.from({ length: 62 }, () => commits.append(large))]
    await expect(commits.append(large)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
    waiting.push(commits.append({ ...large, update: new Uint8Array(MIB - 2) }), commits.append(small(2)))
    await expect(commits.append(small(3))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    letGo()
    await Promise.all(waiting)
    expect((await store.find('large'))?.bytes).toBe(64 * MIB - 2)
    await commits.append(small(4))
    expect(await written(store)).toEqual([1, 2, 4])
  })

  it('[Y17] that are too many close with 1013, and their clients bring them again', async () => {
    const { url, documents } = await serve()
    const [ann, ben] = [await open(url, 'plan'), await open(url, 'plan', { name: 'ben' })]
    const commits: GroupCommit = Reflect.get(Reflect.get(documents, 'openDocuments'), 'commits')
    const waitingBytes = (): number => Reflect.get(commits, 'waitingBytes')
    const letGo = hold(Reflect.get(documents, 'store'), 'plan')
    ann.text.insert(0, 'taken, ')
    await eventually(() => expect(waitingBytes()).toBeGreaterThan(0))
    const rest = commits.append({ ...large, update: new Uint8Array(64 * MIB - waitingBytes()) })
    const closed = [ann, ben].map(
      ({ provider }) => new Promise((resolve) => provider.once('connection-close', (event) => resolve(event?.code))),
    )
    ann.text.insert(ann.text.length, 'refused')
    expect(await Promise.all(closed)).toEqual([1013, 1013])
    expect(ben.text.toString()).toBe('')
    letGo()
    await rest
    await eventually(() => expect(ben.text.toString()).toBe('taken, refused'))
    expect(await storedText(documents, 'plan')).toBe('taken, refused')
    expect(waitingBytes()).toBe(0)
  })
})
