/** What a client may ask that knows this server, and what becomes of one that does not read. */
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { message, openRaw } from './raw.ts'
import { eventually, open, serve, storedText } from './serving.ts'

const RIGHTS = message(100, 0)
const stored = (n: number): Uint8Array => message(100, 1, n)

function update(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('content').insert(0, text)
  return message(0, 2, Y.encodeStateAsUpdate(doc))
}

describe('a client that knows this server', () => {
  it('[Y18] is told when everything that it sent is stored', async () => {
    const { url, documents } = await serve()
    const ann = await openRaw(url, 'plan', 'ann')
    ann.send(update('kept'))
    ann.send(stored(7))
    await eventually(() => expect(ann.heard).toContainEqual(stored(7)))
    expect(await storedText(documents, 'plan')).toBe('kept')
  })

  it('[Y18] is told whether it may write, and when that changes; nothing of it counts as stored that was refused', async () => {
    const { url, roomful } = await serve()
    const sol = await openRaw(url, 'plan', 'sol', 'seller')
    sol.send(RIGHTS)
    await eventually(() => expect(sol.heard).toContainEqual(message(100, 0, 0)))
    sol.send(update('refused'))
    sol.send(stored(1))
    await sol.settled()
    expect(sol.heard).not.toContainEqual(stored(1))
    await roomful.setRole('sol', 'user')
    await eventually(() => expect(sol.heard).toContainEqual(message(100, 0, 1)))
    sol.send(stored(2))
    await eventually(() => expect(sol.heard).toContainEqual(stored(2)))
  })

  it('[Y19] that does not read costs no queue: it is sent the newest state when it does', async () => {
    const { url, roomful } = await serve({ settings: { outboxBytes: 16_384 } })
    const ann = await open(url, 'plan')
    const sol = await openRaw(url, 'plan', 'sol')
    sol.socket.pause()
    const text = 'x'.repeat(150_000)
    let sent = 0
    for (; sent < 100; sent++) {
      ann.doc.transact(() => {
        ann.text.delete(0, ann.text.length)
        ann.text.insert(0, text)
      })
      if (sent % 10 === 9) await new Promise(setImmediate)
    }
    ann.text.insert(0, 'the last ')
    const barrier = await openRaw(url, 'plan', 'ben')
    barrier.send(stored(1))
    await eventually(() => expect(barrier.heard).toContainEqual(stored(1)))
    await eventually(async () =>
      expect((await open(url, 'plan', { name: 'late' })).text.toString()).toMatch(/^the last /),
    )
    const [link] = [...hubOf(roomful).links.open].filter(({ connections }) => connections[0]?.user.sub === 'sol')
    expect(link?.queuedBytes ?? 0).toBeLessThan(5_000_000) // of 15 million
    sol.socket.resume()
    const doc = new Y.Doc()
    const read = (): string => {
      for (const data of sol.heard.splice(0)) {
        if (data[0] !== 0 || data[1] === 0) continue
        const body = data.subarray(2)
        let at = 0
        while ((body[at] ?? 0) >= 128) at++
        Y.applyUpdate(doc, body.slice(at + 1))
      }
      return doc.getText('content').toString()
    }
    await eventually(() => expect(read()).toBe(`the last ${text}`))
  })
})
