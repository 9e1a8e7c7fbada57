/** How many documents and bytes one user may have, and all of them; and names in another form of Unicode. D21. */
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { eventually, open, serve, storedText, tokenOf } from './serving.ts'

const closeCode = (url: string) => new Promise((resolve) => new WebSocket(url).once('close', resolve))
const document = (id: string, ownerId: string) => ({ id, title: id, ownerId })

describe('[D21] the bounds of one user', () => {
  it('[Y20] are of documents: one user at the bound keeps no other from making some, and removing frees', async () => {
    const { documents, port } = await serve({ documents: { maxDocumentsPerUser: 3, maxDocuments: 5 } })
    for (const id of ['a', 'b', 'c']) await documents.create(document(id, 'eve'))
    await expect(documents.create(document('d', 'eve'))).rejects.toMatchObject({
      code: 'TOO_MANY_DOCUMENTS',
      message: 'You have 3 documents already: remove one first',
    })
    await documents.create(document('e', 'ann'))
    expect(await documents.remove('a')).toBe(true)
    await documents.create(document('f', 'eve'))
    await documents.create(document('g', 'ann'))
    await expect(documents.create(document('h', 'bob'))).rejects.toMatchObject({
      code: 'TOO_MANY_DOCUMENTS',
      message: 'There are 5 documents already: remove one first',
    })
    const metrics = await (await fetch(`http://localhost:${port}/metrics`)).text()
    expect(metrics).toContain('roomful_quota_refusals_total{what="documents"} 2')
  })

  it('[Y20] hold for documents that the first change makes, also for one who has many open', async () => {
    const { url, documents } = await serve({ documents: { maxDocumentsPerUser: 2 } })
    const opened = [await open(url, 'a'), await open(url, 'b'), await open(url, 'c')]
    for (const { text } of opened) text.insert(0, 'hello')
    await eventually(async () => expect(await documents.list({ limit: 10 })).toHaveLength(2))
    expect(await closeCode(`${url}/d?token=${await tokenOf('ann')}`)).toBe(4003)
    const ben = await open(url, 'd', { name: 'ben' })
    ben.text.insert(0, 'mine')
    await eventually(async () => expect(await storedText(documents, 'd')).toBe('mine'))
    await documents.remove('a')
    const again = await open(url, 'e')
    again.text.insert(0, 'free')
    await eventually(async () => expect(await storedText(documents, 'e')).toBe('free'))
  })

  it('[Y21] are of bytes: what makes a document larger is refused, deletions are taken, others write on', async () => {
    const { url, documents } = await serve({ documents: { maxBytesPerUser: 20_000 } })
    const [first, second] = [await open(url, 'a'), await open(url, 'b')]
    first.text.insert(0, 'x'.repeat(15_000))
    await eventually(async () => expect(await storedText(documents, 'a')).toHaveLength(15_000))
    second.text.insert(0, 'y'.repeat(15_000))
    const ben = await open(url, 'c', { name: 'ben' })
    ben.text.insert(0, 'z'.repeat(15_000))
    await eventually(async () => expect(await storedText(documents, 'c')).toHaveLength(15_000))
    expect(await documents.find('b')).toBeUndefined()
    first.text.delete(0, 15_000)
    await eventually(async () => expect(await storedText(documents, 'a')).toBe(''))
    await expect(documents.create(document('d', 'ann'))).resolves.toBeDefined()
    await documents.remove('a')
    const third = await open(url, 'e')
    third.text.insert(0, 'y'.repeat(15_000))
    await eventually(async () => expect(await storedText(documents, 'e')).toHaveLength(15_000))
  })

  it('[Y21] in all: beyond it nothing grows, with a code', async () => {
    const { url, documents } = await serve({ documents: { maxTotalBytes: 20_000 } })
    const ann = await open(url, 'a')
    ann.text.insert(0, 'x'.repeat(19_970))
    await eventually(async () => expect(await storedText(documents, 'a')).toHaveLength(19_970))
    const ben = await open(url, 'b', { name: 'ben' })
    ben.text.insert(0, 'x'.repeat(100))
    await eventually(() => expect(ben.provider.wsconnected).toBe(true))
    expect(await documents.find('b')).toBeUndefined()
    await documents.create(document('c', 'ben')) // has no bytes yet
  })
})

describe('[D21] a name in another form of Unicode', () => {
  const composed = 'Caf\u00e9'
  const decomposed = 'Cafe\u0301'

  it('[Y22] is the same document, by every way in', async () => {
    const { url, documents } = await serve()
    const [ann, ben] = [await open(url, decomposed), await open(url, composed, { name: 'ben' })]
    ann.text.insert(0, 'noted')
    await eventually(() => expect(ben.text.toString()).toBe('noted'))
    expect((await documents.find(decomposed))?.id).toBe(composed)
    expect(await storedText(documents, decomposed)).toBe('noted')
    expect((await documents.change(decomposed, { title: 'x' })).title).toBe('x')
    await expect(documents.create(document(decomposed, 'ann'))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await documents.remove(decomposed)).toBe(true)
    expect((await documents.create(document('e\u0301', 'ann'))).id).toBe('\u00e9')
  })
})
