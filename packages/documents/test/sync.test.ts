/** The official `y-websocket` provider, unmodified. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { after, converged, eventually, open, serve, storedText, synced } from './serving.ts'

describe('[B36] two people in one document', () => {
  it('[Y8] merge what they type into the same line at the same time', async () => {
    const { url } = await serve()
    const [ann, ben] = [await open(url, 'plan', { name: 'ann' }), await open(url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'one line')
    await converged(ann, ben)
    for (let round = 0; round < 20; round++) {
      ann.text.insert(0, 'a')
      ben.text.insert(ben.text.length, 'b')
      if (round % 5 === 0) await new Promise(setImmediate)
    }
    await eventually(() => expect(ann.text.length).toBe(48))
    expect(await converged(ann, ben)).toBe(`${'a'.repeat(20)}one line${'b'.repeat(20)}`)
  })

  it('[Y8] merge what both wrote while one was offline', async () => {
    const { url, documents } = await serve()
    const [ann, ben] = [await open(url, 'plan'), await open(url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'shared ')
    await eventually(() => expect(ben.text.toString()).toBe('shared '))
    ben.provider.disconnect()
    ben.text.insert(ben.text.length, 'from ben')
    ann.text.insert(0, 'from ann ')
    ben.provider.connect()
    expect(await converged(ann, ben)).toBe('from ann shared from ben')
    expect(await storedText(documents, 'plan')).toBe('from ann shared from ben')
  })

  it('[Y8] have names with any characters that a room may have, slashes included', async () => {
    const { url } = await serve()
    const [ann, ben] = [await open(url, 'team/größe 1'), await open(url, 'team/größe 1', { name: 'ben' })]
    ann.text.insert(0, 'hello')
    await eventually(() => expect(ben.text.toString()).toBe('hello'))
  })

  it('[Y8] open a document of a megabyte, and go on in it', async () => {
    const { url } = await serve()
    const ann = await open(url, 'long')
    ann.text.insert(0, 'All work and no play makes a long document. '.repeat(24_000))
    const ben = await open(url, 'long', { name: 'ben' })
    await eventually(() => expect(ben.text.length).toBeGreaterThan(1_000_000))
    ben.text.insert(500_000, 'HERE')
    await eventually(() => expect(ann.text.toString().slice(500_000, 500_004)).toBe('HERE'))
  })

  it('[Y9] see each other’s cursors, and no longer when the other is gone, however it went', async () => {
    const { url, roomful } = await serve()
    const [ann, ben] = [await open(url, 'plan'), await open(url, 'plan', { name: 'ben' })]
    ben.provider.awareness.setLocalStateField('user', { name: 'Ben', color: '#c00' })
    const seen = () => ann.provider.awareness.getStates().get(ben.doc.clientID)
    await eventually(() => expect(seen()).toEqual({ user: { name: 'Ben', color: '#c00' } }))
    const members = await roomful.get('/documents').roomUsers('plan')
    expect(members.map(({ userId }) => userId)).toEqual(['ann', 'ben'])
    ben.provider.ws?.close() // no goodbye of its own; the provider comes back by itself
    await eventually(() => expect(seen()).toBeUndefined())
    await eventually(() => expect(seen()).toEqual({ user: { name: 'Ben', color: '#c00' } }))
    ben.provider.disconnect()
    await eventually(() => expect(seen()).toBeUndefined())
  })

  it('[Y10] find everything again after a restart, also what was written during it', async () => {
    const data = mkdtempSync(join(tmpdir(), 'roomful-documents-'))
    after(() => rmSync(data, { recursive: true }))
    const first = await serve({ settings: { data } })
    const [ann, ben] = [await open(first.url, 'plan'), await open(first.url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'before ')
    await eventually(() => expect(ben.text.toString()).toBe('before '))
    const closing = first.roomful.close()
    ann.text.insert(ann.text.length, 'meanwhile')
    await closing
    const second = await serve({ settings: { data }, port: first.port })
    await eventually(() => expect(ben.text.toString()).toBe('before meanwhile'))
    ann.provider.destroy()
    ben.provider.destroy()
    const late = await open(second.url, 'plan', { name: 'late' })
    await synced(late.provider)
    expect(late.text.toString()).toBe('before meanwhile')
  })
})

describe('[B36] rules', () => {
  it('[Y11] who may only read sees everything, and writes for nobody but themselves', async () => {
    const { url, documents, roomful } = await serve()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    after(() => warn.mockRestore())
    const ann = await open(url, 'plan')
    const reader = await open(url, 'plan', { name: 'sol', role: 'seller' })
    ann.text.insert(0, 'to be read')
    await eventually(() => expect(reader.text.toString()).toBe('to be read'))
    expect(warn).not.toHaveBeenCalled()
    reader.text.insert(0, 'not ')
    reader.text.insert(0, 'surely ')
    await eventually(() => expect(warn).toHaveBeenCalledTimes(1))
    expect(warn.mock.calls[0]?.[0]).toContain('You may read this document, not write to it')
    expect(await storedText(documents, 'plan')).toBe('to be read')
    await roomful.setRole('sol', 'user') // and what was written meanwhile is asked for
    expect(await converged(ann, reader)).toBe('surely not to be read')
  })

  it('[Y11] who may not read is closed with 4003, also in the middle of it', async () => {
    const { url, roomful } = await serve({ allow: { join: ({ role }) => role !== 'support' } })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    after(() => warn.mockRestore())
    const ann = await open(url, 'plan')
    const closed = new Promise<number | undefined>((resolve) => {
      ann.provider.on('connection-close', (event: CloseEvent | null) => resolve(event?.code))
    })
    await roomful.setRole('ann', 'support')
    expect(await closed).toBe(4003)
    await eventually(() => expect(warn.mock.calls[0]?.[0]).toContain('not allowed to join'))
    expect(ann.provider.synced).toBe(false)
  })

  it('[Y12] a removed document is closed, and nobody who was away brings it back', async () => {
    const { url, documents } = await serve()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    after(() => warn.mockRestore())
    const ann = await open(url, 'plan')
    ann.text.insert(0, 'gone')
    await eventually(async () => expect(await documents.find('plan')).toBeDefined())
    const codes: (number | undefined)[] = []
    ann.provider.on('connection-close', (event: CloseEvent | null) => void codes.push(event?.code))
    expect(await documents.remove('plan')).toBe(true)
    await eventually(() => expect(codes.length).toBeGreaterThan(2)) // it tries to come back
    expect(new Set(codes)).toEqual(new Set([4003]))
    expect(await documents.list({ limit: 10 })).toEqual([])
    const again = documents.create({ id: 'plan', title: 'Plan', ownerId: 'ann' })
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await documents.remove('plan')).toBe(false)
  })

  it('[Y12] documents are made, listed by their last change, renamed and locked', async () => {
    const { url, documents } = await serve({
      allow: { publish: async (user, id) => user.sub === 'ann' || !(await theirs().find(id))?.isLocked },
    })
    const theirs = () => documents
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    after(() => warn.mockRestore())
    await documents.create({ id: 'one', title: ' First ', ownerId: 'ann' })
    const ben = await open(url, 'two', { name: 'ben' })
    expect((await documents.list({ limit: 10 })).map(({ id }) => id)).toEqual(['one']) // looking makes nothing
    ben.text.insert(0, 'second')
    await eventually(async () => expect(await documents.list({ limit: 10 })).toHaveLength(2))
    const [newest] = await documents.list({ limit: 1 })
    expect(newest).toMatchObject({ id: 'two', title: 'two', ownerId: 'ben', isLocked: false })
    const [older] = await documents.list({ limit: 10, before: { changedAt: newest?.changedAt ?? 0, id: 'two' } })
    expect(older).toMatchObject({ id: 'one', title: 'First', ownerId: 'ann', bytes: 0 })
    const locked = await documents.change('two', { title: 'Second', isLocked: true })
    expect(locked).toMatchObject({ title: 'Second', isLocked: true })
    ben.text.insert(0, 'locked out ')
    await eventually(() => expect(warn).toHaveBeenCalled())
    expect(await storedText(documents, 'two')).toBe('second')
    await expect(documents.change('three', { title: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(documents.create({ id: 'three', title: ' ', ownerId: '' })).rejects.toMatchObject({ field: 'title' })
    await expect(documents.create({ id: 'user:x', title: 'x', ownerId: '' })).rejects.toMatchObject({ field: 'id' })
  })
})
