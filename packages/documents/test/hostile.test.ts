/** Bytes that mean harm: the right close code, nobody else disturbed, and nothing of it in any document. R4. */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { foldUpdates } from '../src/store/fold-updates.ts'
import { checkUpdate } from '../src/wire/check-update.ts'
import { decodeMessage } from '../src/wire/messages.ts'
import { awareness, message, openRaw } from './raw.ts'
import { eventually, open, serve, storedText } from './serving.ts'

/** An update of one client that holds this content, as a library would make it. */
function updateWith(change: (doc: Y.Doc) => void): Uint8Array {
  const doc = new Y.Doc()
  change(doc)
  return Y.encodeStateAsUpdate(doc)
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const NO_MESSAGES: readonly [what: string, data: Uint8Array][] = [
  ['nothing', new Uint8Array()],
  ['a varint that never ends', new Uint8Array(64).fill(0xff)],
  ['a sync message without a body', message(0)],
  ['a length beyond the message', message(0, 0, 100_000)],
  ['a length of 2^53', message(0, 2, Number.MAX_SAFE_INTEGER)],
  ['a state vector of rubbish', message(0, 0, new Uint8Array([255, 255, 255, 255, 15, 1]))],
  ['an update of rubbish', message(0, 2, new Uint8Array([1, 255, 255, 255, 255, 15, 7, 0]))],
  ['an update that promises 2^31 structs', message(0, 2, message(1, 2 ** 31, 5, 0))],
  ['a struct of 2^53 characters', message(0, 2, new Uint8Array([1, 1, 5, 0, 0, ...message(2 ** 52), 0]))],
  ['an awareness update cut off', message(1, message(1, 7))],
  ['an awareness update of 2^40 clients', message(1, message(2 ** 40))],
  [
    'a value that nests 10,000 deep',
    message(
      0,
      2,
      updateWith((doc) => doc.getText('content').insertEmbed(0, nested(10_000) as object)),
    ),
  ],
]

describe('[R4] bytes that are none', () => {
  it.each(NO_MESSAGES)('[Y13] %s closes with 1002, and the others go on', async (_what, data) => {
    const { url, documents } = await serve()
    const ann = await open(url, 'plan')
    const eve = await openRaw(url, 'plan')
    eve.send(data)
    expect(await eve.end).toMatchObject({ code: 1002 })
    ann.text.insert(0, 'still here')
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe('still here'))
  })

  it('[Y13] a type of a later version, an empty answer and what is meant for clients are passed over', async () => {
    const { url } = await serve()
    const eve = await openRaw(url, 'plan')
    for (const data of [
      message(99, 'hello'),
      message(0, 9),
      message(0, 1, new Uint8Array([0, 0])),
      message(2, 0, 'no'),
    ]) {
      eve.send(data)
    }
    await eve.settled()
    expect(eve.socket.readyState).toBe(eve.socket.OPEN)
  })

  it('[Y13] a length that lies shows nothing of what lies beside it in memory', () => {
    const memory = Buffer.from('\u0000\u0000\u0010________THE SECRET OF SOMEBODY ELSE')
    const mine = memory.subarray(0, 3) // as a socket hands it over: a view of what others use too
    expect(() => decodeMessage(mine)).toThrow()
  })

  it('[Y13] whatever bytes come, they are a message or an error, and a document that took them can still be read', () => {
    const honest = updateWith((doc) => {
      doc.getText('content').insert(0, 'some text', { bold: true })
      doc.getMap('map').set('key', { nested: [1, 'two', null] })
      doc.getText('content').delete(2, 3)
    })
    const mutated = fc
      .array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = honest.slice()
        for (const [at, byte] of changes) bytes[at] = byte
        return bytes
      })
    fc.assert(
      fc.property(fc.array(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), { maxLength: 3 }), (updates) => {
        for (const bytes of updates) attempt(() => decodeMessage(bytes))
        const doc = new Y.Doc()
        const stored: Uint8Array[] = []
        doc.on('update', (update: Uint8Array) => void stored.push(update))
        for (const bytes of [honest, ...updates]) {
          if (!attempt(() => checkUpdate(bytes))) continue
          const before = stored.length
          if (!attempt(() => Y.applyUpdate(doc, bytes))) return void stored.splice(before) // closed, and read anew
        }
        const again = new Y.Doc()
        for (const update of stored) Y.applyUpdate(again, update)
        const folded = new Y.Doc()
        Y.applyUpdate(folded, foldUpdates(stored))
        const texts = [doc, again, folded].map((each) => each.getText('content').toString())
        expect(new Set(texts).size).toBe(1)
      }),
      { numRuns: 300 },
    )
  })
})

function attempt(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

describe('[R4] more than is decent', () => {
  it('[Y14] a message over the largest document closes with 1009', async () => {
    const { url } = await serve({ documents: { maxBytes: 10_000 } })
    const eve = await openRaw(url, 'plan')
    eve.send(new Uint8Array(12_000))
    expect(await eve.end).toMatchObject({ code: 1009 })
  })

  it('[Y14] a full document refuses what would make it larger, says so, and lets things be taken away', async () => {
    const { url, documents } = await serve({ documents: { maxBytes: 10_000 } })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const [ann, ben] = [await open(url, 'plan'), await open(url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'x'.repeat(9_500))
    await eventually(() => expect(ben.text.length).toBe(9_500))
    ann.text.insert(0, 'y'.repeat(9_500))
    await eventually(() => expect(warn.mock.calls[0]?.[0]).toContain('The document is full'))
    ben.text.delete(0, 9_000)
    await eventually(async () => expect(await storedText(documents, 'plan')).toBe('x'.repeat(500)))
    ben.text.insert(0, 'z'.repeat(5_000)) // there is room again
    await eventually(async () => expect((await storedText(documents, 'plan')).length).toBe(5_500))
    warn.mockRestore()
  })

  it('[Y14] too many questions for the whole document close with 1008', async () => {
    const { url } = await serve()
    const eve = await openRaw(url, 'plan')
    for (let i = 0; i < 30; i++) eve.send(message(0, 0, new Uint8Array([0])))
    expect(await eve.end).toMatchObject({ code: 1008 })
  })

  it('[Y14] updates that refer to what nobody has are kept up to 256 KiB, and never stored', async () => {
    const { url, documents } = await serve()
    const eve = await openRaw(url, 'plan')
    const doc = new Y.Doc()
    doc.getText('content').insert(0, 'the first, which is never sent')
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => void updates.push(update))
    for (let i = 0; i < 40; i++) doc.getText('content').insert(doc.getText('content').length, 'y'.repeat(10_000))
    for (const update of updates) eve.send(message(0, 2, update))
    expect(await eve.end).toMatchObject({ code: 1008 })
    expect(await storedText(documents, 'plan')).toBe('')
    expect(await documents.find('plan')).toBeUndefined()
  })
})

describe('[R4] awareness', () => {
  it('[Y15] speaks for its own clients only, few of them, and in small states', async () => {
    const { url } = await serve()
    const ann = await open(url, 'plan')
    ann.provider.awareness.setLocalStateField('user', { name: 'Ann' })
    const [eve, sol] = [await openRaw(url, 'plan', 'eve'), await openRaw(url, 'plan', 'sol')]
    const told = () => ann.provider.awareness.getStates()
    eve.send(awareness([ann.doc.clientID, 99, { user: { name: 'Forged' } }], [ann.doc.clientID, 100, null]))
    eve.send(awareness([1, 1, { n: 1 }], [2, 1, { n: 2 }], [3, 1, { n: 3 }], [4, 1, { n: 4 }], [5, 1, { n: 5 }]))
    await eventually(() => expect([...told().keys()].filter((id) => id < 10)).toEqual([1, 2, 3, 4]))
    expect(told().get(ann.doc.clientID)).toEqual({ user: { name: 'Ann' } })
    sol.send(awareness([6, 1, { big: 'x'.repeat(20_000) }]))
    sol.send(awareness([7, 1, JSON.stringify(nested(100))]))
    sol.send(awareness([8, 1, 'no JSON'], [9, 1, { fine: true }]))
    await eventually(() => expect(told().get(9)).toEqual({ fine: true }))
    expect([...told().keys()].filter((id) => id < 10)).toEqual([1, 2, 3, 4, 9])
    eve.socket.terminate()
    await eventually(() => expect([...told().keys()].filter((id) => id < 10)).toEqual([9]))
  })

  it('[Y15] of a client whose old link is not yet known to be dead goes on at once', async () => {
    const { url } = await serve()
    const ann = await open(url, 'plan')
    const before = await openRaw(url, 'plan', 'ben')
    before.send(awareness([7, 5, { at: 1 }]))
    await eventually(() => expect(ann.provider.awareness.getStates().get(7)).toEqual({ at: 1 }))
    const now = await openRaw(url, 'plan', 'ben')
    now.send(awareness([7, 6, { at: 2 }]))
    await eventually(() => expect(ann.provider.awareness.getStates().get(7)).toEqual({ at: 2 }))
    before.socket.terminate()
    await before.end
    await now.settled()
    expect(ann.provider.awareness.getStates().get(7)).toEqual({ at: 2 })
  })
})
